/*
question = "Which attributes does a client version leave out that others send, or send that others leave out?"
filters = ["user", "team", "project", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 1000, max = 10000 }
cache = "300s"
default_from = "-7d"

[params.event]
type = "string"
default = ""
help = "only events of this name, such as api_request; empty means all"

[params.min_drift]
type = "float"
default = 0.05
min = 0.0
max = 1.0
help = "attributes whose share of missing ones differs less from that of the other versions are left out"

[params.min_events]
type = "uint"
default = 20
min = 1
max = 1000000
help = "versions with fewer events of a kind say little of it"

# Where no other version sent that kind of event there is nothing to compare with: what is missing there is listed last,
# without a drift.
[columns]
version = "the client's version"
event = "the agent's name of the event"
attribute = "the attribute's name"
events = "events of this kind from this version"
missing = "events without the attribute"
missing_share = "missing / events, 0 to 1"
other_events = "events of this kind from the other versions"
other_missing = "those of them without the attribute"
other_missing_share = "other_missing / other_events, 0 to 1"
drift = "missing_share - other_missing_share; above 0 where this version leaves the attribute out; null where compared is false"
compared = "whether another version sent events of this kind, min_events of them; otherwise the row says what is missing and no more"
*/
SELECT
    version,
    event,
    attribute,
    events,
    toUInt64(events - present[attribute]) AS missing,
    missing / events AS missing_share,
    toUInt64(all_events - events) AS other_events,
    toUInt64(other_events - (all_present[attribute] - present[attribute])) AS other_missing,
    other_missing / nullIf(other_events, 0) AS other_missing_share,
    missing_share - other_missing_share AS drift,
    toBool(other_events > 0) AS compared
FROM
(
    SELECT
        version,
        event,
        events,
        present,
        sum(events) OVER (PARTITION BY event) AS all_events,
        sumMap(present) OVER (PARTITION BY event) AS all_present
    FROM
    (
        SELECT
            version,
            event,
            sum(alike) AS events,
            sumMap(mapFromArrays(keys, arrayResize([alike], length(keys), alike))) AS present
        FROM
        (
            -- Events of a kind have one of a few sets of attributes, so these are counted and not each attribute of each event.
            SELECT
                toString(ResourceAttributes['service.version']) AS version,
                toString(AgentEvent) AS event,
                arrayMap(key -> toString(key), mapKeys(LogAttributes)) AS keys,
                count() AS alike
            FROM otel_logs
            WHERE TenantId = {tenant:String}
                AND (empty({event:String}) OR AgentEvent = {event:String})
                AND Timestamp >= {from:DateTime64(9, 'UTC')}
                AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
                AND Timestamp < {to:DateTime64(9, 'UTC')}
                AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
                AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
                AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
                AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
                AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
            GROUP BY
                version,
                event,
                mapKeys(LogAttributes)
        )
        GROUP BY
            version,
            event
        HAVING events >= {min_events:UInt64}
    )
)
ARRAY JOIN mapKeys(all_present) AS attribute
WHERE if(drift IS NULL, missing > 0, abs(assumeNotNull(drift)) >= {min_drift:Float64})
    AND (empty({version:Array(String)}) OR version IN {version:Array(String)})
ORDER BY
    compared DESC,
    abs(ifNull(drift, 0)) DESC,
    missing_share DESC,
    event,
    attribute,
    version
LIMIT {limit:UInt32}
