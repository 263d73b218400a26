//! What objects are called: parse and print are inverse, and no session's name can reach outside its place.
//!
//! ```text
//! sessions/2026/11/20/<session>.jsonl.gz                        the tenant `default`
//! tenants/<tenant>/sessions/2026/11/20/<session>.jsonl.gz       every other tenant
//! ```
//!
//! The day is the session's first, in UTC. Sessions and tenants are named by clients: everything but
//! `A-Z a-z 0-9 . _ -` is written as `%XX`, so are the dots of `.` and `..`, the empty name is a `%` alone, and
//! what then is longer than a file's name may be keeps its beginning, a `~` and its SHA-256.

use std::fmt;
use std::str::FromStr;

use granary_model::TenantId;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use crate::digest::hex;

const SUFFIX: &str = ".jsonl.gz";

/// File systems allow 255 bytes; this leaves room for the suffix and for what a tool may add.
const MAX_NAME_BYTES: usize = 200;

/// How much of a name that is too long stays readable.
const KEPT_BYTES: usize = 120;

const HASH_MARK: char = '~';

/// A session's or tenant's name as a part of a key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum KeyName {
    /// The whole name.
    Whole(String),
    /// The name was too long: its beginning, escaped, and the SHA-256 of all of it, in hex.
    Hashed {
        /// The first characters, escaped.
        beginning: String,
        /// SHA-256 of the whole name, in hex.
        sha256: String,
    },
}

/// The key of a session's object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectKey {
    tenant: KeyName,
    day: Date,
    session: KeyName,
}

/// A text is not the key of a session's object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key:?} is not the key of an archived session")]
pub struct ObjectKeyError {
    key: String,
}

impl ObjectKey {
    /// The key of a session whose first record has the given time.
    #[must_use]
    pub fn new(tenant: &TenantId, session: &str, first_time_unix_nano: u64) -> Self {
        // The last nanosecond of a u64 is in the year 2554, which a timestamp holds.
        let time =
            Timestamp::from_nanosecond(i128::from(first_time_unix_nano)).unwrap_or(Timestamp::UNIX_EPOCH);
        Self {
            tenant: KeyName::new(tenant.as_str()),
            day: time.to_zoned(TimeZone::UTC).date(),
            session: KeyName::new(session),
        }
    }

    /// The tenant's name.
    #[must_use]
    pub fn tenant(&self) -> &KeyName {
        &self.tenant
    }

    /// The session's first day, in UTC.
    #[must_use]
    pub fn day(&self) -> Date {
        self.day
    }

    /// What the keys of a tenant begin with.
    #[must_use]
    pub fn prefix_of(tenant: &TenantId) -> String {
        if tenant.as_str() == TenantId::DEFAULT {
            "sessions/".to_owned()
        } else {
            format!("tenants/{}/sessions/", KeyName::new(tenant.as_str()))
        }
    }

    /// The session's name.
    #[must_use]
    pub fn session(&self) -> &KeyName {
        &self.session
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.tenant != KeyName::Whole(TenantId::DEFAULT.to_owned()) {
            write!(f, "tenants/{}/", self.tenant)?;
        }
        let (year, month, day) = (self.day.year(), self.day.month(), self.day.day());
        write!(f, "sessions/{year:04}/{month:02}/{day:02}/{}{SUFFIX}", self.session)
    }
}

impl FromStr for ObjectKey {
    type Err = ObjectKeyError;

    fn from_str(key: &str) -> Result<Self, ObjectKeyError> {
        let parsed = parse(key).filter(|parsed| parsed.to_string() == key);
        parsed.ok_or_else(|| ObjectKeyError { key: key.to_owned() })
    }
}

fn parse(key: &str) -> Option<ObjectKey> {
    let (tenant, rest) = match key.strip_prefix("tenants/") {
        Some(rest) => rest.split_once('/')?,
        None => (TenantId::DEFAULT, key),
    };
    let mut parts = rest.strip_prefix("sessions/")?.strip_suffix(SUFFIX)?.splitn(4, '/');
    let day =
        Date::new(parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some(ObjectKey {
        tenant: KeyName::parse(tenant)?,
        day: day.ok()?,
        session: KeyName::parse(parts.next()?)?,
    })
}

impl KeyName {
    /// The name of something that a client has named.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let escaped = escape(name);
        if escaped.len() <= MAX_NAME_BYTES {
            return Self::Whole(name.to_owned());
        }
        let mut kept = KEPT_BYTES;
        // An escape is not cut in two.
        if let Some(percent) = escaped.get(..KEPT_BYTES).and_then(|kept| kept.rfind('%'))
            && percent + 3 > KEPT_BYTES
        {
            kept = percent;
        }
        Self::Hashed { beginning: escaped.chars().take(kept).collect(), sha256: hex(&Sha256::digest(name)) }
    }

    /// Whether this is what the given name is called.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        *self == Self::new(name)
    }

    fn parse(text: &str) -> Option<Self> {
        match text.split_once(HASH_MARK) {
            Some((beginning, sha256)) => {
                let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
                let sound = sha256.len() == 64 && sha256.bytes().all(hex) && unescape(beginning).is_some();
                sound.then(|| Self::Hashed { beginning: beginning.to_owned(), sha256: sha256.to_owned() })
            }
            None => String::from_utf8(unescape(text)?).ok().map(Self::Whole),
        }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(name) => f.write_str(&escape(name)),
            Self::Hashed { beginning, sha256 } => write!(f, "{beginning}{HASH_MARK}{sha256}"),
        }
    }
}

fn escape(name: &str) -> String {
    if name.is_empty() {
        return "%".to_owned();
    }
    let only_dots = name == "." || name == "..";
    let mut escaped = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-') || (byte == b'.' && !only_dots) {
            escaped.push(char::from(byte));
        } else {
            use fmt::Write as _;
            // Writing to a `String` does not fail.
            write!(escaped, "%{byte:02X}").ok();
        }
    }
    escaped
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    if text == "%" {
        return Some(Vec::new());
    }
    let mut bytes = text.bytes();
    let mut name = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        name.push(match byte {
            b'%' => {
                let digit = |b: Option<u8>| char::from(b?).to_digit(16).and_then(|d| u8::try_from(d).ok());
                (digit(bytes.next())? << 4) | digit(bytes.next())?
            }
            byte => byte,
        });
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2026-11-20T23:59:59.999999999Z
    const LATE: u64 = 1_795_219_199_999_999_999;

    fn key(tenant: &str, session: &str) -> String {
        ObjectKey::new(&TenantId::new(tenant), session, LATE).to_string()
    }

    #[test]
    fn an_ordinary_session_is_found_by_its_id_and_its_first_day_in_utc() {
        let id = "8772053e-6144-4150-9600-467b4bd937c5";
        assert_eq!(key("default", id), format!("sessions/2026/11/20/{id}.jsonl.gz"));
        assert_eq!(key("acme", id), format!("tenants/acme/sessions/2026/11/20/{id}.jsonl.gz"));
        let next = ObjectKey::new(&TenantId::default(), id, LATE + 1).to_string();
        assert!(next.starts_with("sessions/2026/11/21/"), "{next}");
    }

    #[test]
    fn a_hostile_name_stays_one_part_of_the_key() {
        for (session, name) in [
            ("..", "%2E%2E"),
            (".", "%2E"),
            ("", "%"),
            ("../../etc/passwd", "..%2F..%2Fetc%2Fpasswd"),
            ("a\\b\0c", "a%5Cb%00c"),
            ("50%", "50%25"),
            ("~", "%7E"),
            ("grün", "gr%C3%BCn"),
        ] {
            assert_eq!(key("default", session), format!("sessions/2026/11/20/{name}.jsonl.gz"));
        }
        assert!(key("..", "s").starts_with("tenants/%2E%2E/sessions/"));
        assert!(key("a/b", "s").starts_with("tenants/a%2Fb/sessions/"));
    }

    #[test]
    fn a_name_too_long_for_a_file_is_cut_and_told_apart_by_its_hash() {
        let (one, other) = ("é".repeat(5000), format!("{}x", "é".repeat(5000)));
        let (one_key, other_key) = (key("default", &one), key("default", &other));
        assert_ne!(one_key, other_key);
        assert!(one_key.rsplit('/').next().unwrap().len() <= 255);
        let parsed: ObjectKey = one_key.parse().unwrap();
        assert!(parsed.session().is(&one) && !parsed.session().is(&other));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in [
            "",
            "sessions/2026/11/20/s.jsonl",
            "sessions/2026/13/20/s.jsonl.gz",
            "sessions/2026/1/2/s.jsonl.gz",
            "sessions/2026/11/20/../../s.jsonl.gz",
            "sessions/2026/11/20/...jsonl.gz",
            "sessions/2026/11/20/%2e.jsonl.gz",
            "sessions/2026/11/20/%zz.jsonl.gz",
            "/sessions/2026/11/20/s.jsonl.gz",
            "tenants/default/sessions/2026/11/20/s.jsonl.gz",
            "tenants/../sessions/2026/11/20/s.jsonl.gz",
        ] {
            assert!(text.parse::<ObjectKey>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn parse_and_print_are_inverse(tenant: String, session in any::<String>(), time: u64, times in 1_usize..40) {
            let session = session.repeat(times);
            let key = ObjectKey::new(&TenantId::new(tenant.clone()), &session, time);
            let text = key.to_string();
            prop_assert_eq!(text.parse(), Ok(key.clone()));
            prop_assert!(key.session().is(&session) && key.tenant().is(&tenant));
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-~%/".contains(&b);
            prop_assert!(text.bytes().all(plain));
            prop_assert!(text.split('/').all(|part| !matches!(part, "" | "." | "..") && part.len() <= 255));
        }
    }
}
