//! SQL over Granary's tables as SQL over the published views, and in the words that the gateway's door takes.
//!
//! Grafana asks through the door for BI tools, where a statement sees the published views and in them the rows of its
//! key's tenant. The named queries are written over the tables. The Collector's tables are published under their names;
//! a rollup has a view in its own columns, `rollup_<table>`, since views for people have the shorter name.
//!
//! An embedded engine takes no statement with the words of [`GUARDED`] in it, whatever they name there: see `guard.rs`
//! of the gateway's door. What is called so here is called something else, and texts spell them with an escape, so
//! that it does not matter what else a viewer's choice puts into the statement.

use std::fmt::Write;

use anyhow::ensure;

use crate::tokens::{Token, is_word, tokens};

/// Tables whose view has another name.
const ROLLUPS: [&str; 5] =
    ["cost_hourly", "cost_hourly_priced", "session_models_priced", "sessions", "tool_usage_hourly"];

/// Words that the door refuses before an embedded engine.
const GUARDED: [&str; 3] = ["file", "identifier", "catboostevaluate"];

/// The view in which a table can be read.
fn view(table: &str) -> String {
    if ROLLUPS.contains(&table) { format!("rollup_{table}") } else { table.to_owned() }
}

/// A named query over the views of its tables; these have no tenants but the key's.
///
/// # Errors
///
/// A table is not published.
pub(crate) fn over_views(sql: &str, tables: &[String]) -> anyhow::Result<String> {
    for table in tables {
        let file = crate::folder().join("../../ddl/published").join(format!("{}.sql", view(table)));
        ensure!(file.is_file(), "the table {table} is not published, so Grafana cannot read it");
    }
    let sql = sql.replace("TenantId = {tenant:String}", "1");
    let mut out = String::new();
    let mut after_from = false;
    for token in tokens(&sql) {
        match token {
            // The name stays as an alias, since columns may be qualified by it.
            Token::Word(table) if after_from && ROLLUPS.contains(&table) => {
                out.extend([view(table).as_str(), " AS ", table]);
            }
            other => out.push_str(other.text()),
        }
        after_from = match token {
            Token::Word(word) => matches!(word, "FROM" | "JOIN"),
            Token::Space(_) => after_from,
            _ => false,
        };
    }
    Ok(out)
}

/// The same statement without comments, in words that the door takes.
///
/// # Errors
///
/// It has a word that cannot be spelt otherwise.
pub(crate) fn for_the_door(sql: &str) -> anyhow::Result<String> {
    let mut out = String::new();
    let pieces = tokens(sql);
    for (at, token) in pieces.iter().enumerate() {
        match *token {
            Token::Comment(_) => {}
            Token::Text(text) => {
                ensure!(!text.contains('\n'), "the text {text} goes over a line's end");
                out.push_str(&spelt(text));
            }
            Token::Word("file") if matches!(pieces.get(at.wrapping_sub(1)), Some(Token::Mark("."))) => {
                out.pop();
                let start = out.rfind(|letter| !is_word(letter)).map_or(0, |at| at + 1);
                let tuple = out.split_off(start);
                out.extend(["tupleElement(", &tuple, ", ", &spelt("'file'"), ")"]);
            }
            Token::Word("file") => out.push_str("file_"),
            Token::Word(word) | Token::Quoted(word) => {
                let is_taken = !word.split(|letter| !is_word(letter)).any(is_guarded);
                ensure!(is_taken, "the door does not take the word {word}");
                out.push_str(word);
            }
            other => out.push_str(other.text()),
        }
    }
    let lines: Vec<_> = out.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    Ok(lines.join("\n"))
}

fn is_guarded(word: &str) -> bool {
    GUARDED.iter().any(|guarded| word.eq_ignore_ascii_case(guarded))
}

/// A text in which the last letter of each guarded word is an escape, and so is each mark that elsewhere begins a name in
/// quotes: where it is not certain what is text, the door reads it as SQL.
fn spelt(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    let mut escaped = false;
    while let Some(next) = rest.chars().next() {
        let length = if is_word(next) {
            rest.find(|letter| !is_word(letter)).unwrap_or(rest.len())
        } else {
            next.len_utf8()
        };
        let (piece, after) = rest.split_at(length);
        match next {
            '"' | '`' => {
                let backslash = if escaped { "" } else { "\\" };
                write!(out, "{backslash}x{:02x}", u32::from(next)).ok();
            }
            _ if is_guarded(piece) => {
                let (start, last) = piece.split_at(piece.len() - 1);
                write!(out, "{start}\\x{:02x}", last.bytes().next().unwrap_or_default()).ok();
            }
            _ => out.push_str(piece),
        }
        escaped = next == '\\' && !escaped;
        rest = after;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollup_is_read_through_its_view_and_keeps_its_name_and_the_tenant_is_the_key_s() {
        let sql =
            "SELECT max(sessions.End) AS sessions FROM sessions WHERE TenantId = {tenant:String} AND Day > 1";
        assert_eq!(
            over_views(sql, &["sessions".to_owned()]).unwrap(),
            "SELECT max(sessions.End) AS sessions FROM rollup_sessions AS sessions WHERE 1 AND Day > 1"
        );
        let logs = "SELECT 1 FROM otel_logs JOIN spans";
        assert_eq!(over_views(logs, &["otel_logs".to_owned()]).unwrap(), logs);
        assert!(over_views("SELECT 1 FROM query_audit", &["query_audit".to_owned()]).is_err());
    }

    #[test]
    fn the_door_s_words_are_spelt_otherwise_and_mean_the_same() {
        assert_eq!(
            for_the_door("SELECT file, c.file, files, 'a file' -- of a file\nFROM t\n").unwrap(),
            "SELECT file_, tupleElement(c, 'fil\\x65'), files, 'a fil\\x65'\nFROM t"
        );
        assert_eq!(
            for_the_door(r#"SELECT 'a "b" \"c', "d e""#).unwrap(),
            r#"SELECT 'a \x22b\x22 \x22c', "d e""#
        );
        assert_eq!(for_the_door(r#"SELECT '\\" file'"#).unwrap(), r"SELECT '\\\x22 fil\x65'");
        assert_eq!(for_the_door("SELECT 'File.é'").unwrap(), "SELECT 'Fil\\x65.é'");
        assert!(for_the_door("SELECT `the file`").is_err());
        assert!(for_the_door("SELECT IDENTIFIER").is_err());
    }
}
