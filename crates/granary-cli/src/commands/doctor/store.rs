//! The archive: can objects be written, read and deleted, does it keep up?

use std::time::Duration;

use granary_archive::{Archive, Probed, Store};
use jiff::Timestamp;

use super::{Check, text};
use crate::access::Access;
use crate::settings::Settings;

/// A session may wait for so many rounds of the archiver, at least so long, before that is a lag.
const ROUNDS: u32 = 20;

pub(super) async fn checks(settings: &Settings, access: &Access) -> Vec<Check> {
    let config = settings.archive();
    let mut checks = vec![objects(settings).await];
    if checks[0].advice.is_none() {
        checks.push(match Archive::open(&config, access.owner()).await {
            Ok(archive) => lag(settings, &archive).await,
            Err(error) => Check::fail("retention", text(error), "mend the setting that is named"),
        });
    }
    checks
}

async fn objects(settings: &Settings) -> Check {
    const NAME: &str = "archive";
    const ADVICE: &str =
        "see to the store; --archive says where it is, and --archive-s3-… how it is spoken to";
    let config = settings.archive();
    let store = match Store::open(&config).await {
        Ok(store) => store,
        Err(error) => return Check::fail(NAME, format!("{}: {error}", config.url), ADVICE),
    };
    match store.probe().await {
        Err(error) => Check::fail(NAME, format!("{}: {error}", config.url), ADVICE),
        Ok(Probed { refuses_second_writer: true }) => {
            Check::ok(NAME, format!("{}: written, read, refused to a second writer, deleted", config.url))
        }
        Ok(Probed { refuses_second_writer: false }) => {
            let advice = "let one archiver run at a time, or take a store that knows If-Match and If-None-Match, with \
                          archive.s3.conditional_writes on";
            Check::warn(NAME, format!("{}: of two writers at once the last one wins", config.url), advice)
        }
    }
}

const LAG: &str = "archive lag";

async fn lag(settings: &Settings, archive: &Archive) -> Check {
    let config = settings.archive();
    let status = match archive.status().await {
        Ok(status) => status,
        Err(error) => {
            return Check::fail(LAG, text(error), "run `granary migrate`, and see `granary archive status`");
        }
    };
    let Some(since_ms) = status.due_since_ms.filter(|_| status.due > 0) else {
        return Check::ok(LAG, format!("none; {} sessions are archived", status.sessions));
    };
    let waited = u64::try_from(Timestamp::now().as_millisecond() - since_ms).unwrap_or_default();
    let waited = Duration::from_secs(waited / 1000);
    let (due, waiting) = (status.due, humantime::format_duration(waited));
    let found = format!("{due} sessions are due; the oldest got its last record {waiting} ago");
    if waited <= config.quiet + config.interval * ROUNDS {
        Check::ok(LAG, found)
    } else {
        Check::warn(LAG, found, "see whether an archiver runs (`granary archive run`) and what its log says")
    }
}
