//! What stands in a query's SQL outside of its strings and comments: placeholders and words.

use std::collections::BTreeSet;

/// A `{name:Type}`, which the server replaces by a bound value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Placeholder {
    pub(crate) name: String,
    pub(crate) type_name: String,
}

/// The SQL's vocabulary.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) placeholders: BTreeSet<Placeholder>,
    /// Words in their order; those directly before an opening parenthesis, which are functions, left out.
    pub(crate) words: Vec<String>,
    /// The word that comes first of all.
    pub(crate) first_word: Option<String>,
    /// Whether a semicolon stands anywhere.
    pub(crate) semicolon: bool,
}

/// Reads SQL.
///
/// # Errors
///
/// What is wrong with it, in words for whoever wrote it.
pub(crate) fn scan(sql: &str) -> Result<Scan, String> {
    let mut found = Scan::default();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '\'' | '"' | '`' => after_quoted(rest, first)?,
            '-' if rest.starts_with("--") => after(rest, "\n").unwrap_or_default(),
            '#' if rest.starts_with("# ") || rest.starts_with("#!") => after(rest, "\n").unwrap_or_default(),
            '/' if rest.starts_with("/*") => after(rest, "*/").ok_or("a comment is not closed")?,
            '{' => {
                let (inside, behind) = rest.split_once('}').ok_or("a { is not closed")?;
                found.placeholders.insert(placeholder(inside.get(1..).unwrap_or_default())?);
                behind
            }
            ';' => {
                found.semicolon = true;
                rest.get(1..).unwrap_or_default()
            }
            _ if first.is_alphanumeric() || first == '_' => {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                let (word, behind) = rest.split_at(end);
                found.first_word.get_or_insert_with(|| word.to_owned());
                if !behind.trim_start().starts_with('(') {
                    found.words.push(word.to_owned());
                }
                behind
            }
            other => rest.get(other.len_utf8()..).unwrap_or_default(),
        };
    }
    Ok(found)
}

fn after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.split_once(mark).map(|(_, behind)| behind)
}

/// What follows a quoted text; a backslash takes the character behind it along, and a doubled quote is two texts.
fn after_quoted(text: &str, quote: char) -> Result<&str, String> {
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        if character == '\\' {
            characters.next();
        } else if character == quote {
            return Ok(text.get(at + quote.len_utf8()..).unwrap_or_default());
        }
    }
    Err(format!("a {quote} is not closed"))
}

fn placeholder(inside: &str) -> Result<Placeholder, String> {
    let (name, type_name) = inside.split_once(':').unwrap_or((inside, ""));
    if !is_name(name) || type_name.is_empty() {
        return Err(format!("{{{inside}}} is no placeholder such as {{name:Type}}"));
    }
    Ok(Placeholder { name: name.to_owned(), type_name: type_name.trim().to_owned() })
}

/// Whether it may name a query, a parameter or a column.
pub(crate) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase()) && is_choice(text)
}

/// Whether it may be a value of an enum.
pub(crate) fn is_choice(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_in_strings_and_comments_are_no_placeholders() {
        let found = scan(
            "SELECT '{a:String} it''s \\' ', \"{b:String}\", {c:DateTime64(9, 'UTC')} -- {d:String}\n/* {e:String} */ x",
        )
        .unwrap();
        assert_eq!(found.placeholders.len(), 1);
        assert_eq!(found.placeholders.first().unwrap().type_name, "DateTime64(9, 'UTC')");
        assert_eq!(found.words, ["SELECT", "x"]);
    }

    #[test]
    fn what_is_not_closed_is_said() {
        assert_eq!(scan("SELECT 'a").unwrap_err(), "a ' is not closed");
        assert_eq!(scan("SELECT /* a").unwrap_err(), "a comment is not closed");
        assert_eq!(scan("SELECT {a").unwrap_err(), "a { is not closed");
        assert_eq!(scan("SELECT {a}").unwrap_err(), "{a} is no placeholder such as {name:Type}");
    }

    #[test]
    fn functions_are_no_words() {
        assert_eq!(scan("format (x), settings").unwrap().words, ["x", "settings"]);
    }
}
