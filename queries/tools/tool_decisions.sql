/*
question = "Which tools were allowed or refused, and by whom?"
filters = ["user", "team", "project", "tool", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 1000, max = 10000 }
cache = "10s"

# A row is one path of a Sankey diagram: tool, decision, source, and how wide it is.
[columns]
tool = "the tool's name"
decision = "accept or reject"
source = "who decided: config, hook, user_permanent, user_temporary, user_abort or user_reject"
count = "how often"
tool_decisions = "decisions on the tool, of every kind"
share = "count / tool_decisions, 0 to 1"
sessions = "sessions in which it happened"
users = "users to whom it happened"
*/
SELECT
    tool,
    decision,
    source,
    count,
    sum(count) OVER (PARTITION BY tool) AS tool_decisions,
    count / tool_decisions AS share,
    sessions,
    users
FROM
(
    SELECT
        ToolName AS tool,
        LogAttributes['decision'] AS decision,
        LogAttributes['source'] AS source,
        count() AS count,
        uniqExactIf(SessionId, SessionId != '') AS sessions,
        uniqExactIf(UserId, UserId != '') AS users
    FROM otel_logs
    WHERE TenantId = {tenant:String}
        AND AgentEvent = 'tool_decision'
        AND Timestamp >= {from:DateTime64(9, 'UTC')}
        AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
        AND Timestamp < {to:DateTime64(9, 'UTC')}
        AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
        AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
        AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
        AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
        AND (empty({tool:Array(String)}) OR ToolName IN {tool:Array(String)})
        AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
        AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
        AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
    GROUP BY
        tool,
        decision,
        source
)
ORDER BY
    tool_decisions DESC,
    tool,
    count DESC,
    decision,
    source
LIMIT {limit:UInt32}
