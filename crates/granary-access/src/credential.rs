//! What somebody shows in order to be let in, wherever in a request it stands.
//!
//! | where | what it is |
//! |---|---|
//! | `Authorization: Bearer <token>` | a key's token, or a JWT |
//! | `X-Api-Key: <token>` | the same |
//! | `Authorization: Basic …` | the same as the password, or as the user with the password left empty |
//! | `X-ClickHouse-Key`, or `X-ClickHouse-User` | the same; only where ClickHouse's own interface is spoken |
//! | `?password=`, or `?user=` | the same; only there |
//!
//! Two places that say different things are refused: which of them counted would be anybody's guess.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName};

use crate::token::PREFIX;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const CLICKHOUSE_USER: HeaderName = HeaderName::from_static("x-clickhouse-user");
const CLICKHOUSE_KEY: HeaderName = HeaderName::from_static("x-clickhouse-key");

/// A token that was shown; whose it is nobody has looked at. It does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential(String);

/// A request says in a way that cannot be read who it is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// It is authorized in a way that is not known here, or not in the form of that way.
    #[error(
        "the authorization cannot be read; send \"Authorization: Bearer <token>\", \"X-Api-Key: <token>\", or Basic \
         with the token as the password"
    )]
    Unreadable,
    /// It shows several tokens.
    #[error("the request shows two different tokens; send one")]
    Several,
}

impl Credential {
    /// A credential that comes in a way of its own.
    #[must_use]
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// What an ordinary request shows; nothing where it shows nothing.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is not one.
    pub fn of_request(headers: &HeaderMap) -> Result<Option<Self>, CredentialError> {
        only_one(Self::authorization(headers).chain(Self::header(headers, &API_KEY)))
    }

    /// What a request shows that speaks ClickHouse's HTTP interface; `query` is what stands behind the question mark.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is not one.
    pub fn of_clickhouse(headers: &HeaderMap, query: Option<&str>) -> Result<Option<Self>, CredentialError> {
        let header = |name| headers.get(name).map(|value| value.to_str().map(str::to_owned));
        let pair = match (header(&CLICKHOUSE_USER), header(&CLICKHOUSE_KEY)) {
            (Some(Err(_)), _) | (_, Some(Err(_))) => Some(Err(CredentialError::Unreadable)),
            (user, key) => one_of(user.and_then(Result::ok), key.and_then(Result::ok)).map(Ok),
        };
        let (mut user, mut password) = (None, None);
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match &*name {
                "user" => user = Some(value.into_owned()),
                "password" => password = Some(value.into_owned()),
                _ => {}
            }
        }
        let parameters = one_of(user, password).map(Ok);
        only_one(
            Self::authorization(headers).chain(Self::header(headers, &API_KEY)).chain(pair).chain(parameters),
        )
    }

    fn authorization(headers: &HeaderMap) -> impl Iterator<Item = Result<Self, CredentialError>> {
        headers.get_all(AUTHORIZATION).into_iter().map(|value| {
            let value = value.to_str().map_err(|_| CredentialError::Unreadable)?;
            let (scheme, rest) = value.trim().split_once(' ').ok_or(CredentialError::Unreadable)?;
            let rest = rest.trim();
            if scheme.eq_ignore_ascii_case("bearer") {
                Ok(Self::new(rest))
            } else if scheme.eq_ignore_ascii_case("basic") {
                Self::of_basic(rest).ok_or(CredentialError::Unreadable)
            } else {
                Err(CredentialError::Unreadable)
            }
        })
    }

    fn of_basic(encoded: &str) -> Option<Self> {
        let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
        let (user, password) = decoded.split_once(':')?;
        one_of(Some(user.to_owned()), Some(password.to_owned()))
    }

    fn header(headers: &HeaderMap, name: &HeaderName) -> impl Iterator<Item = Result<Self, CredentialError>> {
        headers.get_all(name).into_iter().map(|value| {
            value.to_str().map(|token| Self::new(token.trim())).map_err(|_| CredentialError::Unreadable)
        })
    }

    /// The token itself, to be looked at and put nowhere.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(…)")
    }
}

/// Of user and password, which one is the token: clients that must have a user send `default` or the like, and some
/// have no place for a password.
fn one_of(user: Option<String>, password: Option<String>) -> Option<Credential> {
    let [user, password] = [user, password].map(|text| text.filter(|text| !text.is_empty()));
    let is_token = |text: &String| text.starts_with(PREFIX) || text.starts_with("eyJ");
    let token = match (user, password) {
        (user, Some(password)) if is_token(&password) || !user.as_ref().is_some_and(is_token) => password,
        (Some(user), _) => user,
        (None, password) => password?,
    };
    Some(Credential(token))
}

fn only_one(
    shown: impl Iterator<Item = Result<Credential, CredentialError>>,
) -> Result<Option<Credential>, CredentialError> {
    let mut only = None;
    for credential in shown {
        let credential = credential?;
        if only.as_ref().is_some_and(|only| *only != credential) {
            return Err(CredentialError::Several);
        }
        only = Some(credential);
    }
    Ok(only)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(given: &[(&'static str, &str)]) -> HeaderMap {
        given.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    fn basic(user: &str, password: &str) -> String {
        format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
    }

    fn shown(given: &[(&'static str, &str)]) -> Result<Option<String>, CredentialError> {
        Credential::of_request(&headers(given)).map(|shown| shown.map(|credential| credential.0))
    }

    #[test]
    fn a_token_is_found_wherever_a_request_may_have_it() {
        let found = Ok(Some("grn_x".to_owned()));
        assert_eq!(shown(&[]), Ok(None));
        assert_eq!(shown(&[("authorization", "Bearer grn_x")]), found);
        assert_eq!(shown(&[("authorization", "bearer   grn_x ")]), found);
        assert_eq!(shown(&[("x-api-key", "grn_x")]), found);
        for (user, password) in
            [("", "grn_x"), ("default", "grn_x"), ("grn_x", ""), ("grn_x", "x"), ("grn_y", "grn_x")]
        {
            assert_eq!(shown(&[("authorization", &basic(user, password))]), found, "{user}:{password}");
        }
        assert_eq!(shown(&[("authorization", "Bearer grn_x"), ("x-api-key", "grn_x")]), found);
    }

    #[test]
    fn what_cannot_be_read_or_is_said_twice_is_refused() {
        for unreadable in ["grn_x", "Digest x", "Basic !", "Basic eA==", "Basic", "Basic Og=="] {
            assert_eq!(
                shown(&[("authorization", unreadable)]),
                Err(CredentialError::Unreadable),
                "{unreadable}"
            );
        }
        let two = [("authorization", "Bearer grn_x"), ("x-api-key", "grn_y")];
        assert_eq!(shown(&two), Err(CredentialError::Several));
        let mut twice = headers(&[("authorization", "Bearer grn_x")]);
        twice.append(AUTHORIZATION, "Bearer grn_y".parse().unwrap());
        assert_eq!(Credential::of_request(&twice), Err(CredentialError::Several));
    }

    #[test]
    fn clickhouse_s_own_places_count_where_they_are_asked_for_and_nowhere_else() {
        let of = |given: &[(&'static str, &str)], query| {
            Credential::of_clickhouse(&headers(given), query).map(|shown| shown.map(|one| one.0))
        };
        let found = Ok(Some("grn_x".to_owned()));
        assert_eq!(of(&[("x-clickhouse-user", "default"), ("x-clickhouse-key", "grn_x")], None), found);
        assert_eq!(of(&[("x-clickhouse-user", "grn_x")], None), found);
        assert_eq!(of(&[], Some("user=default&password=grn%5Fx&query=SELECT+1")), found);
        assert_eq!(of(&[], Some("user=grn_x")), found);
        assert_eq!(of(&[("authorization", "Bearer grn_x")], Some("database=otel")), found);
        assert_eq!(
            of(&[("x-clickhouse-key", "grn_x")], Some("password=grn_y")),
            Err(CredentialError::Several)
        );
        assert_eq!(shown(&[("x-clickhouse-key", "grn_x")]), Ok(None));
    }

    #[test]
    fn a_credential_does_not_print() {
        assert!(!format!("{:?}", Credential::new("grn_secret")).contains("secret"));
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(value in ".{0,60}", query in ".{0,60}") {
            if let Ok(value) = http::HeaderValue::try_from(value.as_bytes()) {
                for name in ["authorization", "x-api-key", "x-clickhouse-key"] {
                    let headers = HeaderMap::from_iter([(HeaderName::from_static(name), value.clone())]);
                    drop(Credential::of_clickhouse(&headers, Some(&query)));
                }
            }
        }
    }
}
