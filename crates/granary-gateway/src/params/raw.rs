//! Names and values as a caller gives them, before anything is known about them.

use super::{ParamError, shortened};

/// Pairs of name and value in the order given; a name may stand there several times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawParams(Vec<(String, String)>);

impl RawParams {
    /// Reads the part of an address behind its question mark.
    ///
    /// # Errors
    ///
    /// A part that is not percent-encoded UTF-8. It is not guessed what it may have been.
    pub fn from_query_string(text: &str) -> Result<Self, ParamError> {
        let pairs = text.split('&').filter(|piece| !piece.is_empty()).map(|piece| {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            decode(name).zip(decode(value)).ok_or_else(|| ParamError::Encoding { piece: shortened(piece) })
        });
        Ok(Self(pairs.collect::<Result<_, _>>()?))
    }

    /// Adds a pair.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    /// Takes the values of a name out.
    pub(crate) fn take(&mut self, name: &str) -> Vec<String> {
        let (taken, rest) = std::mem::take(&mut self.0).into_iter().partition(|(given, _)| given == name);
        self.0 = rest;
        let taken: Vec<(String, String)> = taken;
        taken.into_iter().map(|(_, value)| value).collect()
    }

    /// The pairs in the order given.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for RawParams {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| value.try_into().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Vec<(String, String)>> {
        RawParams::from_query_string(text).ok().map(|params| params.0)
    }

    #[test]
    fn names_may_repeat_and_values_may_be_anything() {
        let pairs = [("user", "a b&c=é"), ("user", ""), ("flag", "")];
        assert_eq!(
            read("user=a+b%26c%3D%C3%A9&&user=&flag").unwrap(),
            pairs.map(|(n, v)| (n.into(), v.into()))
        );
        assert_eq!(read("").unwrap(), []);
    }

    #[test]
    fn what_is_not_percent_encoded_utf_8_is_refused() {
        for text in ["a=%", "a=%4", "a=%zz", "a=%ff", "%c3=1", "a=%+1"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
