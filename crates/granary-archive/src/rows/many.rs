//! The rows of several small sessions by one statement.
//!
//! A statement over seven tables costs the server as much as some hundred rows do, and most sessions are no larger:
//! read one by one, they would cost several times as much.

use granary_clickhouse::Warehouse;

use super::{Answer, parse, sql};
use crate::hours::{self, Hours};
use crate::names::{self, SessionName};
use crate::{ArchiveError, ArchiveLine};

/// A session with more rows is read by itself, page by page.
pub(crate) const FEW_ROWS: u64 = 500;

/// Rows of one statement: the server sorts them, and this process holds them, in memory.
pub(crate) const MAX_ROWS: u64 = 6_000;

/// Bytes of lines after which the rest of the sessions is left out.
const MAX_BYTES: usize = 16 << 20;

/// Reads sessions that have about `expected` rows together, at most [`MAX_ROWS`] or those of one session, within hours where they
/// are known.
///
/// The answer has the lines of each session, in the order of `sessions`. `None` is one that is not there in whole: it has
/// grown, its lines are large, or it came after such a one; it is to be read by itself.
pub(crate) async fn rows_of(
    warehouse: &Warehouse,
    sessions: &[SessionName],
    hours: Option<Hours>,
    expected: u64,
) -> Result<Vec<Option<Vec<ArchiveLine>>>, ArchiveError> {
    // Late rows may have come since they were counted.
    let limit = 2 * expected + 100;
    let sql = sql::rows_of_sessions(sql::Origin::of(warehouse), hours);
    let query = names::bind(warehouse.query(&sql), sessions).param("limit", limit);
    let mut answer = Answer::of(hours::bind(query, hours))?;
    let mut lines: Vec<Option<Vec<ArchiveLine>>> = vec![None; sessions.len()];
    let unreadable = |problem| ArchiveError::Row { session: "of several".to_owned(), problem };
    let (mut rows, mut bytes, mut last) = (0, 0, 0);
    while let Some(line) = answer.next_line("of several").await? {
        let (place, line) = parse::place(&line).map_err(unreadable)?;
        let (_, line) = parse::row(line).map_err(unreadable)?;
        last = place;
        rows += 1;
        bytes += line.json.len();
        if bytes > MAX_BYTES || rows >= limit {
            break;
        }
        let of_session = place.checked_sub(1).and_then(|place| lines.get_mut(place));
        let of_session = of_session.ok_or_else(|| unreadable(format!("place {place} was not asked for")))?;
        of_session.get_or_insert_default().push(line);
    }
    if (bytes > MAX_BYTES || rows >= limit)
        && let Some(cut) = last.checked_sub(1).and_then(|last| lines.get_mut(last))
    {
        *cut = None;
    }
    Ok(lines)
}
