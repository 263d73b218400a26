//! What the embedded engine must not be asked.
//!
//! It runs in the mode of a local tool, in which the function `file` reads any file that the process can, whoever asks
//! (a server asks for a grant first). A function can be named in more places than a parser shows (`arrayMap(file, …)`,
//! `APPLY(file)`, a query parameter of type `Identifier`), so its name as a word is refused wherever it may stand for one.
//! This errs on the side of refusing: a column of that name cannot be asked for.

/// In lower case.
const WORDS: [&str; 3] = ["file", "catboostevaluate", "identifier"];

/// The word for which a statement is refused.
pub(super) fn refused_word(statement: &str) -> Option<&'static str> {
    // Texts may say what they like, where it is certain which parts are text. Comments, here-documents and typographic
    // quotes can hold a quotation mark that ends nothing; with one of those around, everything counts.
    let certain = !["--", "/*", "#", "$", "‘", "’", "“", "”"].iter().any(|mark| statement.contains(mark));
    let mut rest = statement;
    let mut word = String::new();
    while let Some(next) = rest.chars().next() {
        rest = rest.get(next.len_utf8()..).unwrap_or_default();
        if is_word(next) {
            word.extend(next.to_lowercase());
            continue;
        }
        if let Some(found) = refused(&word) {
            return Some(found);
        }
        word.clear();
        match next {
            '\'' if certain => rest = after_text(rest),
            '`' | '"' => {
                // A name in quotes can be spelt with escapes, and can hold a quotation mark.
                let (name, after) = rest.split_once(next).unwrap_or((rest, ""));
                if name.contains('\\') {
                    return Some("a name with a backslash");
                }
                if let Some(found) =
                    name.split(|c| !is_word(c)).find_map(|word| refused(&word.to_lowercase()))
                {
                    return Some(found);
                }
                rest = after;
            }
            _ => {}
        }
    }
    refused(&word)
}

fn refused(word: &str) -> Option<&'static str> {
    WORDS.into_iter().find(|refused| *refused == word)
}

/// What follows a text, whose first quotation mark was just read. A doubled mark begins the next text at once.
fn after_text(rest: &str) -> &str {
    let mut escaped = false;
    for (at, next) in rest.char_indices() {
        match next {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\'' => return rest.get(at + 1..).unwrap_or_default(),
            _ => {}
        }
    }
    ""
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_refused_wherever_it_may_name_a_function() {
        for statement in [
            "SELECT file('/etc/passwd')",
            "SELECT FILE ( 'x' )",
            "SELECT * APPLY file FROM t",
            "SELECT arrayMap(file, ['x'])",
            "SELECT `file`('x')",
            "SELECT \"file\"('x')",
            "SELECT \"f\\x69le\"('x')",
            "SELECT arrayMap({f:Identifier}, ['x'])",
            "SELECT 'it''s', file('x')",
            "SELECT 'a\\'', file('x'), '\\''",
            "SELECT 1 -- it's\n, file('x')",
            "SELECT 1 /* ' */, file('x') /* ' */",
            "SELECT $$'$$, file('x'), $$'$$",
            "SELECT ‘'’, file('x'), ‘'’",
            "SELECT \"'\", file('x'), \"'\"",
            "SELECT `'`, file('x'), `'`",
            "SELECT \"a\"\"'\", file('x'), \"'\"",
            "SELECT `a \" b`, \"file\"('x')",
            "SELECT catboostEvaluate('x', 1)",
            "file",
        ] {
            assert!(refused_word(statement).is_some(), "{statement}");
        }
    }

    #[test]
    fn other_words_and_texts_that_hold_it_are_not() {
        for statement in [
            "SELECT file_path, profile, files FROM telemetry_events",
            "SELECT count() FROM tool_calls WHERE tool = 'file'",
            "SELECT 'it''s a file', 'a \\' file'",
            "SELECT \"user\", `team` FROM sessions WHERE project LIKE '%file%'",
            "",
        ] {
            assert_eq!(refused_word(statement), None, "{statement}");
        }
    }
}
