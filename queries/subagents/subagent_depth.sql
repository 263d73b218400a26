/*
question = "How deeply do subagents nest in each session?"
filters = ["user", "team", "project", "session", "terminal", "version"]
tables = ["otel_traces"]
limit = { default = 100, max = 10000 }
cache = "60s"

# Told from spans: sessions whose client sends none are missing.
[columns]
session = "the session's id"
user = "who ran it"
subagents = "subagents that made a request or called a tool in the range"
max_depth = "1 where all were called by the session itself, 2 where one of them called another, and so on"
by_depth = "subagents at depth 1, at depth 2, and so on"
*/
WITH
    -- A subagent's spans lie under the call of the tool Agent, in some versions with the tool's execution in between;
    -- the call carries the id of the subagent that made it, or none if it was the session itself.
    agent_spans AS
    (
        SELECT
            SessionId,
            SpanAttributes['agent_id'] AS agent,
            ParentSpanId AS parent_span,
            max(SpanAttributes['parent_agent_id']) AS known_parent
        FROM otel_traces
        WHERE TenantId = {tenant:String}
            AND SpanName IN ('claude_code.llm_request', 'claude_code.tool')
            AND Timestamp >= {from:DateTime64(9, 'UTC')}
            AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
            AND Timestamp < {to:DateTime64(9, 'UTC')}
            AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
            AND SessionId != ''
            AND SpanAttributes['agent_id'] != ''
            AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
            AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
            AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
            AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
            AND (empty({terminal:Array(String)}) OR SpanAttributes['terminal.type'] IN {terminal:Array(String)})
            AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
        GROUP BY
            SessionId,
            agent,
            parent_span
    ),
    parents AS
    (
        SELECT
            agent_spans.SessionId AS SessionId,
            agent_spans.agent AS agent,
            argMax(
                if(known_parent != '', known_parent, calls.caller),
                (known_parent != '', calls.SpanId != '' AND calls.caller != agent, calls.caller)) AS parent
        FROM agent_spans
        LEFT JOIN
        (
            SELECT
                SpanId,
                ParentSpanId
            FROM otel_traces
            WHERE TenantId = {tenant:String}
                AND SpanName = 'claude_code.tool.execution'
                AND Timestamp >= {from:DateTime64(9, 'UTC')}
                AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
                AND Timestamp < {to:DateTime64(9, 'UTC')}
                AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
                AND SpanId IN (SELECT parent_span FROM agent_spans)
        ) AS executions ON executions.SpanId = agent_spans.parent_span
        LEFT JOIN
        (
            SELECT
                SpanId,
                SpanAttributes['agent_id'] AS caller
            FROM otel_traces
            WHERE TenantId = {tenant:String}
                AND SpanName = 'claude_code.tool'
                AND ToolName IN ('Agent', 'Task')
                AND Timestamp >= {from:DateTime64(9, 'UTC')}
                AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
                AND Timestamp < {to:DateTime64(9, 'UTC')}
                AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
        ) AS calls ON calls.SpanId = if(executions.ParentSpanId != '', executions.ParentSpanId, agent_spans.parent_span)
        GROUP BY
            SessionId,
            agent
    )
SELECT
    session,
    users.user AS user,
    length(depths) AS subagents,
    arrayMax(depths) AS max_depth,
    arrayMap(depth -> toUInt64(countEqual(depths, depth)), range(1, max_depth + 1)) AS by_depth
FROM
(
    SELECT
        SessionId AS session,
        groupArray(agent) AS agents,
        groupArray(parent) AS parents_of,
        -- Up from each subagent to the session; the bound also ends a circle.
        arrayMap(
            one -> arrayFold(
                (climb, step) -> if(climb.1 = '', climb, (parents_of[indexOf(agents, climb.1)], climb.2 + toUInt64(1))),
                range(32),
                (one, toUInt64(0))).2,
            agents) AS depths
    FROM parents
    GROUP BY SessionId
) AS nested
LEFT JOIN
(
    SELECT
        SessionId,
        max(UserId) AS user
    FROM otel_traces
    WHERE TenantId = {tenant:String}
        AND SpanName IN ('claude_code.llm_request', 'claude_code.tool')
        AND Timestamp >= {from:DateTime64(9, 'UTC')}
        AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
        AND Timestamp < {to:DateTime64(9, 'UTC')}
        AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
        AND SessionId IN (SELECT SessionId FROM agent_spans)
    GROUP BY SessionId
) AS users ON users.SessionId = nested.session
ORDER BY
    max_depth DESC,
    subagents DESC,
    session
LIMIT {limit:UInt32}
