//! A new query's file, to begin with: it answers something, passes every check, and says what each part is for.

use super::scan::is_name;

/// The name cannot be a query's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no name: lowercase letters, digits and _, a letter first")]
pub struct StarterError(String);

/// The text of a new file.
///
/// # Errors
///
/// The name breaks the rules for names.
pub fn starter(name: &str) -> Result<String, StarterError> {
    if is_name(name) { Ok(STARTER.replace("NAME", name)) } else { Err(StarterError(name.to_owned())) }
}

const STARTER: &str = r#"/*
# What NAME answers, in one sentence.
question = "How many requests does each user make, and what do they cost?"
# Standard filters that callers may give, each several times: user, team, project, model, tool, session, terminal,
# version. Each is an Array(String) in the SQL; an empty one means all.
filters = ["user", "team"]
# Every table and view that is read.
tables = ["cost_hourly"]
# How many rows, bound as {limit:UInt32}; leave it out where there is one row or few.
limit = { default = 100, max = 10000 }
# For how long an answer may be given again.
cache = "10s"
# Where the range starts if the caller does not say.
default_from = "-7d"

# A parameter of the query's own: enum (with values), string, strings, uint, float (with min and max) or bool.
# One without a default must be given.
[params.bucket]
type = "enum"
values = ["none", "day"]
default = "none"
help = "one row per user, or per user and day (UTC)"

# Every column of the answer, in order, with its meaning and unit.
[columns]
bucket = "start of the day; only when bucket is not none"
user = "who asked"
requests = "API requests that were answered"
cost = "USD, as the client reported it"
*/
SELECT
-- Lines between these marks are there only for these values of an enum.
-- @when bucket = day
    toStartOfDay(Hour) AS bucket,
-- @end
    UserId AS user,
    sum(Requests) AS requests,
    toFloat64(sum(Cost)) AS cost
FROM cost_hourly
-- Every table that is read is held to the tenant, which follows from who asks.
WHERE TenantId = {tenant:String}
    -- The range is half open; an hourly table is read from the start of the hour.
    AND Hour >= toStartOfHour({from:DateTime64(9, 'UTC')})
    AND Hour < {to:DateTime64(9, 'UTC')}
    AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
    AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
GROUP BY
-- @when bucket = day
    bucket,
-- @end
    user
ORDER BY
-- @when bucket = day
    bucket,
-- @end
    cost DESC,
    user
LIMIT {limit:UInt32}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_reads_well_and_a_name_that_is_none_is_refused() {
        crate::catalogue::parse("ours", "mine", &starter("mine").unwrap()).unwrap();
        assert_eq!(
            starter("../Mine").unwrap_err().to_string(),
            "\"../Mine\" is no name: lowercase letters, digits and _, a letter first"
        );
    }
}
