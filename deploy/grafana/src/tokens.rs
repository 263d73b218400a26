//! SQL in pieces: enough of its words, texts and comments to change what is named without touching what is said.

/// A piece. All of them, one behind the other, are the SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// A name, keyword or number.
    Word(&'a str),
    /// In single quotes, which are part of it.
    Text(&'a str),
    /// A name in backticks or double quotes, which are part of it.
    Quoted(&'a str),
    /// Without the end of its line.
    Comment(&'a str),
    Space(&'a str),
    /// One character of any other kind.
    Mark(&'a str),
}

impl<'a> Token<'a> {
    pub(crate) fn text(self) -> &'a str {
        match self {
            Self::Word(text)
            | Self::Text(text)
            | Self::Quoted(text)
            | Self::Comment(text)
            | Self::Space(text)
            | Self::Mark(text) => text,
        }
    }
}

pub(crate) fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

pub(crate) fn tokens<'a>(sql: &'a str) -> Vec<Token<'a>> {
    let mut found = Vec::new();
    let mut rest: &'a str = sql;
    while let Some(first) = rest.chars().next() {
        let (kind, length): (fn(&'a str) -> Token<'a>, usize) = match first {
            '\'' => (Token::Text, quoted(rest, first)),
            '`' | '"' => (Token::Quoted, quoted(rest, first)),
            '-' if rest.starts_with("--") => (Token::Comment, rest.find('\n').unwrap_or(rest.len())),
            '/' if rest.starts_with("/*") => {
                (Token::Comment, rest.find("*/").map_or(rest.len(), |end| end + 2))
            }
            letter if is_word(letter) => (Token::Word, run(rest, is_word)),
            letter if letter.is_whitespace() => (Token::Space, run(rest, char::is_whitespace)),
            other => (Token::Mark, other.len_utf8()),
        };
        let (token, after) = rest.split_at(length);
        found.push(kind(token));
        rest = after;
    }
    found
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|letter| !belongs(letter)).unwrap_or(text.len())
}

/// The length of what begins with a quotation mark, up to and with its end.
fn quoted(text: &str, mark: char) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            letter if letter == mark => return at + letter.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_are_words_texts_names_and_comments_and_together_the_whole() {
        let sql = "SELECT a_1, 'it''s \\' -- no' AS `b c` -- so\nFROM t/* x */";
        let found = tokens(sql);
        assert_eq!(found.iter().map(|token| token.text()).collect::<String>(), sql);
        let of = |wanted: fn(&Token<'_>) -> bool| {
            found.iter().filter(|token| wanted(token)).map(|token| token.text()).collect::<Vec<_>>()
        };
        assert_eq!(of(|token| matches!(token, Token::Word(_))), ["SELECT", "a_1", "AS", "FROM", "t"]);
        // A doubled mark ends one text and begins the next, which comes to the same.
        assert_eq!(of(|token| matches!(token, Token::Text(_))), ["'it'", "'s \\' -- no'"]);
        assert_eq!(of(|token| matches!(token, Token::Quoted(_))), ["`b c`"]);
        assert_eq!(of(|token| matches!(token, Token::Comment(_))), ["-- so", "/* x */"]);
    }
}
