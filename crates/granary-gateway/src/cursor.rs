//! Where the next page of an answer begins, as a text that only we can write.
//!
//! A cursor holds the values by which the answer is ordered, of the last row of a page; what `now` was for the first page,
//! so that `-24h` means the same on all of them; and the hash of what was asked, of whose data
//! ([`PreparedQuery::scope`]). It is signed: with another query, tenant or parameter, and after any change, it is refused,
//! so a value in it is one that ClickHouse itself once gave. These values go where all others go, into bound parameters.
//! Rows that are stored meanwhile appear if they come behind the cursor; none appears twice, and none is left out
//! that was there all the time.

mod key;
mod last_row;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::catalogue::CursorColumn;
use crate::digest::Digest;
use crate::{Format, ParamError, PreparedQuery, time};

pub use key::CursorKey;
use last_row::LastRow;
pub(crate) use last_row::PAGED;

/// Bytes of the signature that stand in front of a cursor: half of SHA-256's, beyond all guessing.
const SIGNATURE_BYTES: usize = 16;

/// Signs and reads cursors.
#[derive(Clone)]
pub(crate) struct Cursors(Hmac<Sha256>);

impl std::fmt::Debug for Cursors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cursors")
    }
}

/// A cursor that was read.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// Nanoseconds since 1970.
    now: i64,
    scope: String,
    values: Vec<String>,
}

impl Cursors {
    /// A random key where there is none.
    pub(crate) fn new(key: Option<&CursorKey>) -> Self {
        let key =
            key.map_or_else(|| Digest::of(&rand::random::<[u8; 32]>()), |key| Digest::of(key.as_bytes()));
        // As long as HMAC-SHA256 would make it.
        let mut block = [0; 64];
        block[..32].copy_from_slice(key.bytes());
        Self(<Hmac<Sha256> as KeyInit>::new(&block.into()))
    }

    /// Reads a cursor that was signed here.
    pub(crate) fn read(&self, text: &str) -> Result<Cursor, ParamError> {
        let read = || {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
            let (signature, payload) = bytes.split_at_checked(SIGNATURE_BYTES)?;
            let mut mac = self.0.clone();
            mac.update(payload);
            mac.verify_truncated_left(signature).ok()?;
            serde_json::from_slice(payload).ok()
        };
        read().ok_or(ParamError::Cursor {
            reason: "is none that was given here, or was given before the gateway was started; begin at the first page",
        })
    }

    fn write(&self, cursor: &Cursor) -> Option<String> {
        let payload = serde_json::to_vec(cursor).ok()?;
        let mut mac = self.0.clone();
        mac.update(&payload);
        let mut bytes = mac.finalize().into_bytes().get(..SIGNATURE_BYTES)?.to_vec();
        bytes.extend_from_slice(&payload);
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The cursor behind a page, if there may be more.
    pub(crate) fn after(&self, query: &PreparedQuery, format: Format, page: &[u8]) -> Option<String> {
        if query.cursor().is_empty() {
            return None;
        }
        let last = LastRow::read(format, page)?;
        if last.rows < query.row_limit()? {
            return None;
        }
        let values = query.cursor().iter().map(|column| bound(column, last.values.get(column.name())?));
        self.write(&Cursor {
            now: i64::try_from(query.now().as_nanosecond()).ok()?,
            scope: query.scope().short(),
            values: values.collect::<Option<_>>()?,
        })
    }
}

/// A value as the server reads it as a parameter.
fn bound(column: &CursorColumn, text: &str) -> Option<String> {
    if column.is_time() { text.parse().ok().map(time::for_sql) } else { Some(text.to_owned()) }
}

impl Cursor {
    /// What `now` was for the first page.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_nanosecond(self.now.into()).unwrap_or_default()
    }

    /// Has the query go on where the page before ended.
    pub(crate) fn apply(self, query: &mut PreparedQuery) -> Result<(), ParamError> {
        if self.scope != query.scope().short() || self.values.len() != query.cursor().len() {
            return Err(ParamError::Cursor {
                reason: "was given for another question; ask with the same parameters, limit excepted",
            });
        }
        query.begin_after(self.values);
        Ok(())
    }
}
