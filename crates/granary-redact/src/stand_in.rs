//! Is a value one that must be kept from others, or does it only stand for one?
//!
//! `password=$PASSWORD` and `token: string` tell nothing. Every form is checked to its end: what only begins like a
//! stand-in is a value.

/// Types of strings in the languages that write a type between a variable and its value, and words for "none".
const TYPES: [&str; 17] = [
    "string",
    "str",
    "bytes",
    "text",
    "varchar",
    "char",
    "optional",
    "option",
    "any",
    "none",
    "null",
    "nil",
    "undefined",
    "true",
    "false",
    "bool",
    "boolean",
];

pub(crate) fn is_type(value: &str) -> bool {
    TYPES.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// Where code takes the value from, instead of naming it.
const SOURCES: [&str; 12] = [
    "process.env",
    "import.meta.env",
    "os.environ",
    "os.getenv",
    "env.",
    "env::",
    "self.",
    "this.",
    "config.",
    "settings.",
    "secrets.",
    "std::env",
];

/// Whether the value is not one, but says where it comes from or that it was left out.
pub(crate) fn is_stand_in(value: &str) -> bool {
    is_left_out(value)
        || is_type(value)
        || is_variable(value)
        || is_template(value)
        || SOURCES.iter().any(|source| value.strip_prefix(source).is_some_and(is_path))
}

fn is_left_out(value: &str) -> bool {
    let inner = value.strip_prefix("[REDACTED").and_then(|rest| rest.strip_suffix(']'));
    inner.is_some_and(|inner| inner.bytes().all(|byte| byte == b':' || is_word_byte(byte)))
        || value.eq_ignore_ascii_case("<redacted>")
        || value.bytes().all(|byte| b"*.x".contains(&byte))
}

/// Whether the place lies within what an earlier redaction has left: its colon is no user's.
pub(crate) fn is_within_marker(text: &str, at: usize) -> bool {
    const MARKER: &[u8] = b"[REDACTED:";
    let text = text.as_bytes();
    let is_inner = |byte: &u8| *byte == b':' || is_word_byte(*byte);
    // Names of rules are shorter than any text that could be meant.
    let before = text[..at].iter().rev().take(64).take_while(|byte| is_inner(byte)).count();
    let Some(begin) = (at - before).checked_sub(1) else { return false };
    text[begin..].starts_with(MARKER)
        && begin + MARKER.len() <= at
        && text[at..].iter().find(|byte| !is_inner(byte)) == Some(&b']')
}

/// `$NAME`, `${name}`, `$env:name` and `%NAME%`, and a command in `$(…)`, at least up to its first space.
fn is_variable(value: &str) -> bool {
    let is_name = |text: &str| !text.is_empty() && text.bytes().all(is_word_byte);
    let is_constant = |text: &str| is_name(text) && !text.bytes().any(|byte| byte.is_ascii_lowercase());
    let within = |before: &str, after: &str| value.strip_prefix(before)?.strip_suffix(after);
    within("${", "}").is_some_and(is_name)
        || within("$env:", "").is_some_and(is_name)
        || within("$", "").is_some_and(is_constant)
        || within("%", "%").is_some_and(is_constant)
        || within("$(", "").is_some_and(|command| command.ends_with(')') || is_path(command))
}

/// `{{ name }}` and `${{ name }}`, or only the beginning of one that has a space behind it.
fn is_template(value: &str) -> bool {
    let inner = value.trim_start_matches('$').strip_prefix("{{");
    inner.is_some_and(|inner| inner.is_empty() || inner.strip_suffix("}}").is_some_and(is_path))
}

/// A path of names or files, perhaps with an index or a call in it.
fn is_path(text: &str) -> bool {
    text.bytes().all(|byte| is_word_byte(byte) || b" ./:-[]()'\"".contains(&byte))
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inside_of_a_marker_is_known() {
        let text = "a [REDACTED:email] b [REDACTED: c";
        let inside = text.find("email").unwrap();
        assert!(is_within_marker(text, inside) && is_within_marker(text, inside + 5));
        for outside in [0, 2, inside - 1, inside + 6, text.find(" c").unwrap(), text.len()] {
            assert!(!is_within_marker(text, outside), "{outside}");
        }
    }

    #[test]
    fn variables_templates_types_and_redactions_are_stand_ins() {
        for value in [
            "$PASSWORD",
            "${db_password}",
            "$env:Password",
            "%PASSWORD%",
            "$(cat f)",
            "$(cat",
            "{{ db.password }}",
            "${{ secrets.TOKEN }}",
            "{{",
            "[REDACTED:password]",
            "[REDACTED]",
            "<REDACTED>",
            "***",
            "null",
            "String",
            "os.environ['P']",
            "process.env.API_KEY",
        ] {
            assert!(is_stand_in(value), "{value}");
        }
    }

    #[test]
    fn what_only_begins_like_a_stand_in_is_a_value() {
        for value in [
            "{{a&b",
            "$ecret",
            "[REDACTED]x",
            "[REDACTED:a b]",
            "$(a&b",
            "${a}b",
            "xxxy",
            "env.a&b",
            "{a}",
            "nullx",
        ] {
            assert!(!is_stand_in(value), "{value}");
        }
    }
}
