//! A query's SQL with the lines that an enum switches.
//!
//! The lines between `-- @when <enum> = <value>, …` and `-- @end` are kept where the parameter has one of the
//! values. Nothing else of a caller's has a part in the text; values go where the server binds them.

use super::scan::{Scan, scan};

/// The SQL in pieces.
#[derive(Debug)]
pub(crate) struct Template {
    pieces: Vec<Piece>,
    pub(crate) scan: Scan,
}

#[derive(Debug)]
struct Piece {
    when: Option<Condition>,
    text: String,
}

/// When a piece is kept.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) parameter: String,
    pub(crate) values: Vec<String>,
}

impl Template {
    /// Reads the part of a file behind its header.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words for whoever wrote it.
    pub(crate) fn parse(sql: &str) -> Result<Self, String> {
        let mut pieces = vec![Piece { when: None, text: String::new() }];
        for line in sql.trim().lines() {
            let open = pieces.last().is_some_and(|piece| piece.when.is_some());
            match line.trim().strip_prefix("-- @") {
                Some("end") if open => pieces.push(Piece { when: None, text: String::new() }),
                Some("end") => return Err("an -- @end without an -- @when before it".to_owned()),
                Some(_) if open => {
                    return Err(format!("{:?} before the -- @end of the one above", line.trim()));
                }
                Some(mark) => {
                    let when = Some(condition(mark).ok_or_else(|| {
                        format!("{:?} is not -- @when <parameter> = <value>, <value>", line.trim())
                    })?);
                    pieces.push(Piece { when, text: String::new() });
                }
                None => {
                    if let Some(piece) = pieces.last_mut() {
                        piece.text.push_str(line);
                        piece.text.push('\n');
                    }
                }
            }
        }
        if pieces.last().is_some_and(|piece| piece.when.is_some()) {
            return Err("the last -- @when has no -- @end".to_owned());
        }
        let scan = scan(sql)?;
        check_statement(&scan)?;
        Ok(Self { pieces, scan })
    }

    /// What decides which pieces are kept.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.pieces.iter().filter_map(|piece| piece.when.as_ref())
    }

    /// The SQL for the values that the enums have.
    pub(crate) fn render<'a>(&self, value_of: impl Fn(&str) -> Option<&'a str>) -> String {
        self.pieces
            .iter()
            .filter(|piece| match &piece.when {
                None => true,
                Some(when) => {
                    value_of(&when.parameter).is_some_and(|value| when.values.iter().any(|one| one == value))
                }
            })
            .map(|piece| piece.text.as_str())
            .collect()
    }
}

fn condition(mark: &str) -> Option<Condition> {
    let (parameter, values) = mark.strip_prefix("when ")?.split_once('=')?;
    let values: Vec<_> = values.split(',').map(|value| value.trim().to_owned()).collect();
    Some(Condition { parameter: parameter.trim().to_owned(), values })
}

/// One `SELECT` whose settings and format are the gateway's.
fn check_statement(scan: &Scan) -> Result<(), String> {
    let is = |word: &String, keyword: &str| word.eq_ignore_ascii_case(keyword);
    if !scan.first_word.as_ref().is_some_and(|word| is(word, "SELECT") || is(word, "WITH")) {
        return Err("the statement starts with neither SELECT nor WITH".to_owned());
    }
    if scan.semicolon {
        return Err("a semicolon; a file holds one statement without one".to_owned());
    }
    // Settings in the text would win over the bounds that the gateway sends along.
    for keyword in ["SETTINGS", "FORMAT", "OUTFILE"] {
        if scan.words.iter().any(|word| is(word, keyword)) {
            return Err(format!(
                "{keyword}, which is the gateway's to say; a column of that name needs quotes"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQL: &str = "SELECT\n-- @when bucket = hour, day\n    bucket,\n-- @end\n    model\nFROM t\n";

    #[test]
    fn switched_lines_are_kept_for_their_values_alone() {
        let template = Template::parse(SQL).unwrap();
        assert_eq!(template.render(|_| Some("day")), "SELECT\n    bucket,\n    model\nFROM t\n");
        assert_eq!(template.render(|_| Some("none")), "SELECT\n    model\nFROM t\n");
        let condition = template.conditions().next().unwrap();
        assert_eq!((condition.parameter.as_str(), condition.values.len()), ("bucket", 2));
    }

    #[test]
    fn marks_that_do_not_pair_are_refused() {
        for (sql, reason) in [
            ("SELECT 1\n-- @end", "an -- @end without an -- @when before it"),
            ("SELECT 1\n-- @when a = b\n", "the last -- @when has no -- @end"),
            (
                "SELECT 1\n-- @when a = b\n-- @when c = d",
                "\"-- @when c = d\" before the -- @end of the one above",
            ),
            ("SELECT 1\n-- @if a", "\"-- @if a\" is not -- @when <parameter> = <value>, <value>"),
        ] {
            assert_eq!(Template::parse(sql).unwrap_err(), reason);
        }
    }

    #[test]
    fn only_one_select_without_settings_is_a_query() {
        for sql in [
            "DROP TABLE t",
            "SELECT 1;",
            "SELECT 1 FORMAT JSON",
            "select 1 settings max_threads = 1",
            "INSERT INTO t SELECT 1",
        ] {
            assert!(Template::parse(sql).is_err(), "{sql}");
        }
        Template::parse("WITH (SELECT 1) AS a SELECT format('{}', x), 'SETTINGS;' FROM t").unwrap();
    }
}
