//! ClickHouse: is it there, may each role do what it has to, are the tables those that this granary needs?

use std::time::{SystemTime, UNIX_EPOCH};

use granary_clickhouse::{ClickHouseError, Warehouse, migrate};

use super::{Check, clock, text};
use crate::access::Access;

/// The oldest server whose settings say what granary needs to say: deduplication through views by token.
const LEAST_VERSION: u32 = 24;

pub(super) async fn checks(access: &Access) -> Vec<Check> {
    let (owner, reader) = (access.owner(), access.reader());
    let there = reachable("clickhouse", &owner, &access.owner.url, &access.owner.user).await;
    let is_there = there.advice.is_none();
    let mut checks = vec![there];
    if !is_there {
        return checks;
    }
    checks.push(reachable("clickhouse reader", &reader, &access.reader.url, &access.reader.user).await);
    checks.push(version(&owner).await);
    checks.push(skew(&owner).await);
    checks.push(rights("clickhouse rights", &owner, &OWNER_RIGHTS).await);
    checks.push(reader_rights(&reader).await);
    checks.extend(super::cluster::check(&owner).await);
    checks.push(schema(&owner).await);
    checks.push(windows(&owner).await);
    checks
}

async fn reachable(name: &'static str, warehouse: &Warehouse, url: &str, user: &str) -> Check {
    match warehouse.ping().await {
        Ok(()) => Check::ok(name, format!("{url} answers {user}")),
        Err(error) => {
            let advice = match error.code() {
                None => {
                    "see to it that the server runs and can be reached from here; --clickhouse-url says where it is"
                }
                Some(_) => {
                    "see to the user and the password; --clickhouse-user and --clickhouse-password, or those of the reader"
                }
            };
            Check::fail(name, format!("{url} does not answer {user}: {error}"), advice)
        }
    }
}

/// Asks for one value.
async fn ask<T>(warehouse: &Warehouse, sql: &'static str) -> Result<T, ClickHouseError>
where
    T: serde::de::DeserializeOwned + Send + 'static,
{
    let bytes = async {
        let mut cursor = warehouse
            .query(sql)
            .with_setting("output_format_json_quote_64bit_integers", "0")
            .fetch_bytes("JSONCompactEachRow")?;
        Ok::<_, ClickHouseError>(cursor.collect().await?)
    };
    let timeout = warehouse.timeout();
    let bytes = tokio::time::timeout(timeout, bytes)
        .await
        .unwrap_or(Err(ClickHouseError::TimedOut { after: timeout }))?;
    let unreadable =
        |error: serde_json::Error| ClickHouseError::Server { code: 0, message: error.to_string() };
    serde_json::from_slice(&bytes).map_err(unreadable)
}

async fn version(owner: &Warehouse) -> Check {
    const NAME: &str = "clickhouse version";
    match ask::<(String,)>(owner, "SELECT version()").await {
        Err(error) => Check::fail(NAME, text(error), "see to it that the user may ask for it"),
        Ok((version,)) => {
            let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
            if major.is_some_and(|major| major >= LEAST_VERSION) {
                Check::ok(NAME, version)
            } else {
                Check::fail(NAME, version, format!("take {LEAST_VERSION} or later"))
            }
        }
    }
}

async fn skew(owner: &Warehouse) -> Check {
    const NAME: &str = "clickhouse clock";
    let before = now_ms();
    match ask::<(i64,)>(owner, "SELECT toUnixTimestamp64Milli(now64(3))").await {
        Ok((theirs,)) => clock::judge(NAME, before, theirs, now_ms()),
        Err(error) => Check::fail(NAME, text(error), "see to it that the user may ask for it"),
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// What the roles that write need: the right and the question whether it is there.
const OWNER_RIGHTS: [(&str, &str); 7] = [
    ("SELECT", "CHECK GRANT SELECT ON *"),
    ("INSERT", "CHECK GRANT INSERT ON *"),
    ("CREATE TABLE", "CHECK GRANT CREATE TABLE ON *"),
    ("CREATE VIEW", "CHECK GRANT CREATE VIEW ON *"),
    ("ALTER UPDATE", "CHECK GRANT ALTER UPDATE ON *"),
    ("ALTER DELETE", "CHECK GRANT ALTER DELETE ON *"),
    ("ALTER COLUMN", "CHECK GRANT ALTER COLUMN ON *"),
];

/// What a reader should not be able to do.
const WRITING: [(&str, &str); 3] =
    [OWNER_RIGHTS[1], ("ALTER", "CHECK GRANT ALTER ON *"), ("DROP TABLE", "CHECK GRANT DROP TABLE ON *")];

/// Which of some rights a user has.
async fn granted(
    warehouse: &Warehouse,
    rights: &[(&'static str, &'static str)],
) -> Result<Vec<&'static str>, ClickHouseError> {
    let mut granted = Vec::new();
    for (right, question) in rights {
        if ask::<(u8,)>(warehouse, question).await?.0 == 1 {
            granted.push(*right);
        }
    }
    Ok(granted)
}

async fn rights(name: &'static str, owner: &Warehouse, rights: &[(&'static str, &'static str)]) -> Check {
    let database = owner.database();
    match granted(owner, rights).await {
        Err(error) => cannot_ask(name, &error),
        Ok(granted) if granted.len() == rights.len() => Check::ok(name, format!("all on {database}")),
        Ok(granted) => {
            let missing: Vec<_> =
                rights.iter().map(|(right, _)| *right).filter(|right| !granted.contains(right)).collect();
            let missing = missing.join(", ");
            let advice = format!("GRANT {missing} ON {database}.* TO the user of clickhouse.user");
            Check::fail(name, format!("the owner lacks {missing} on {database}"), advice)
        }
    }
}

async fn reader_rights(reader: &Warehouse) -> Check {
    const NAME: &str = "clickhouse reader's rights";
    let database = reader.database();
    let (may_read, may_write) =
        match tokio::try_join!(granted(reader, &OWNER_RIGHTS[..1]), granted(reader, &WRITING)) {
            Ok(rights) => rights,
            Err(error) => return cannot_ask(NAME, &error),
        };
    if may_read.is_empty() {
        let advice = format!("GRANT SELECT ON {database}.* TO the user of clickhouse.reader_user");
        Check::fail(NAME, format!("the reader may not read {database}"), advice)
    } else if may_write.is_empty() {
        Check::ok(NAME, format!("SELECT on {database}, and nothing that writes"))
    } else {
        let advice = "set clickhouse.reader_user to a user with SELECT on the database and readonly = 2, so that no query \
                      can write";
        Check::warn(NAME, format!("the reader may also {}", may_write.join(", ")), advice)
    }
}

fn cannot_ask(name: &'static str, error: &ClickHouseError) -> Check {
    Check::warn(
        name,
        format!("it cannot be asked: {error}"),
        "see to the grants yourself: deploy/README.md has them",
    )
}

async fn schema(owner: &Warehouse) -> Check {
    const NAME: &str = "schema";
    match migrate::status(owner).await {
        Ok(status) if status.pending.is_empty() => {
            let newest = status.applied.last().map(ToString::to_string).unwrap_or_default();
            Check::ok(NAME, format!("{} migrations are applied, the last is {newest}", status.applied.len()))
        }
        Ok(status) => {
            let names: Vec<_> = status.pending.iter().map(ToString::to_string).collect();
            Check::fail(NAME, format!("not applied: {}", names.join(", ")), "run `granary migrate`")
        }
        Err(error) => Check::fail(NAME, text(error), "run `granary migrate` and see what it says"),
    }
}

/// Tables that would take a repeated insert twice.
const WITHOUT_WINDOW: &str = "SELECT groupArray(name), count() FROM (SELECT name, create_table_query AS made, \
     match(engine, '^(Replicated|Shared)') AS is_replicated, \
     extract(made, '[ ,]non_replicated_deduplication_window = ([0-9]+)') AS plain, \
     extract(made, '[ ,]replicated_deduplication_window = ([0-9]+)') AS replicated \
     FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND name != 'granary_migrations' \
     AND if(is_replicated, replicated = '0', toUInt64OrZero(plain) = 0) ORDER BY name)";

/// Law 2: a repeated insert adds nothing, in the table and in every rollup.
async fn windows(owner: &Warehouse) -> Check {
    const NAME: &str = "deduplication";
    match ask::<(Vec<String>, u64)>(owner, WITHOUT_WINDOW).await {
        Ok((_, 0)) => Check::ok(NAME, "every table knows a repeated insert"),
        Ok((tables, _)) => {
            let advice = "ALTER TABLE … MODIFY SETTING non_replicated_deduplication_window = 10000 (or \
                          replicated_deduplication_window); until then a repetition after a cut connection is stored twice";
            Check::fail(
                NAME,
                format!("these tables store a repeated insert twice: {}", tables.join(", ")),
                advice,
            )
        }
        Err(error) => Check::warn(NAME, text(error), "see to it that the user may read system.tables"),
    }
}
