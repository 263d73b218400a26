//! One value of a row, and how people are shown it.

use std::borrow::Cow;

use serde_json::value::RawValue;

/// Characters of one value in a table; what is longer is cut.
pub(super) const LONGEST: usize = 60;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell<'a> {
    /// None.
    Null,
    /// Text.
    Text(Cow<'a, str>),
    /// A number, a truth value, or a list or map as JSON.
    Plain(&'a str),
}

impl<'a> Cell<'a> {
    pub(crate) fn read(value: &'a RawValue) -> Self {
        let text = value.get();
        match text.as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b'"') => match serde_json::from_str::<String>(text) {
                Ok(text) => Self::Text(Cow::Owned(text)),
                Err(_) => Self::Plain(text),
            },
            _ => Self::Plain(text),
        }
    }

    /// The value as Prometheus reads a number; nothing where it is none.
    pub(super) fn number(&self) -> Option<&str> {
        match self {
            Self::Plain("true") => Some("1"),
            Self::Plain("false") => Some("0"),
            Self::Plain(text) if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Null => "",
            Self::Text(text) => text,
            Self::Plain(text) => text,
        }
    }

    /// The value in one line of [`LONGEST`] characters, none of which does anything to a terminal.
    pub(super) fn shown(&self) -> String {
        if *self == Self::Null {
            return "–".to_owned();
        }
        let text = self.text().trim();
        let mut characters = text.chars().map(|c| match c {
            '\n' | '\r' | '\t' => ' ',
            // Control characters, and those that turn the direction of what follows.
            _ if c.is_control()
                || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
            {
                char::REPLACEMENT_CHARACTER
            }
            other => other,
        });
        let mut shown: String = characters.by_ref().take(LONGEST).collect();
        if characters.next().is_some() {
            shown.pop();
            shown.push('…');
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_one_line_without_anything_a_terminal_would_obey() {
        let text = |text: &'static str| Cell::Text(Cow::Borrowed(text)).shown();
        assert_eq!(text("a\nb\tc"), "a b c");
        assert_eq!(text("\u{1b}[31mred\u{7}"), "\u{fffd}[31mred\u{fffd}");
        assert_eq!(text("a\u{202e}b"), "a\u{fffd}b");
        assert_eq!(Cell::Null.shown(), "–");
        let long = "é".repeat(LONGEST + 1);
        let shown = Cell::Plain(&long).shown();
        assert_eq!((shown.chars().count(), shown.ends_with("é…")), (LONGEST, true));
        assert_eq!(Cell::Plain(&"é".repeat(LONGEST)).shown(), "é".repeat(LONGEST));
    }
}
