//! What Grafana and its ClickHouse data source make of a query before the server sees it.
//!
//! In the browser `$__conditionalAll` goes by the viewer's choice and then variables are filled in; the data source's
//! backend fills in the macros of range and interval. An alert rule is only seen by the second.

/// A range in seconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    pub(crate) from: i64,
    pub(crate) to: i64,
}

/// A value of each variable.
#[derive(Debug, Clone, Default)]
pub(crate) struct Someone {
    pub(crate) session: String,
    pub(crate) team: String,
    pub(crate) project: String,
    pub(crate) user: String,
    pub(crate) model: String,
    pub(crate) tool: String,
    pub(crate) terminal: String,
}

/// What somebody looks at.
#[derive(Debug)]
pub(crate) struct View {
    range: Range,
    /// The variables that are chosen; the others stand at All.
    chosen: Vec<(&'static str, String)>,
}

/// The width of a point of a chart, in seconds.
const INTERVAL: &str = "3600";

impl View {
    /// The range, and everything in it; the session is one that is typed.
    pub(crate) fn of_all(range: Range, someone: &Someone) -> Self {
        Self { range, chosen: vec![("session", someone.session.clone())] }
    }

    /// The range, and one value of every variable.
    pub(crate) fn of_one(range: Range, someone: &Someone) -> Self {
        let Someone { session: _, team, project, user, model, tool, terminal } = someone.clone();
        let mut view = Self::of_all(range, someone);
        let chosen = [
            ("team", team),
            ("project", project),
            ("user", user),
            ("model", model),
            ("tool", tool),
            ("terminal", terminal),
        ];
        view.chosen.extend(chosen);
        view
    }

    /// The SQL as it reaches the server.
    pub(crate) fn fill(&self, sql: &str) -> String {
        let Range { from, to } = self.range;
        let mut sql = sql.to_owned();
        replace(&mut sql, "conditionalAll", |arguments| {
            let [condition, variable] = arguments else { panic!("{arguments:?} for $__conditionalAll") };
            let name = variable.trim().trim_start_matches('$');
            if self.is_chosen(name) { condition.clone() } else { "1=1".to_owned() }
        });
        for (name, value) in &self.chosen {
            sql = sql
                .replace(&format!("${{{name}:singlequote}}"), &format!("'{}'", value.replace('\'', "\\'")));
        }
        let column = |arguments: &[String]| {
            let [column] = arguments else { panic!("{arguments:?} for a macro of one column") };
            column.clone()
        };
        replace(&mut sql, "timeFilter", |arguments| {
            let column = column(arguments);
            format!("{column} >= toDateTime({from}) AND {column} <= toDateTime({to})")
        });
        replace(&mut sql, "timeInterval", |arguments| {
            format!("toStartOfInterval(toDateTime({}), INTERVAL {INTERVAL} second)", column(arguments))
        });
        for (name, value) in [
            ("$__fromTime_ms", format!("fromUnixTimestamp64Milli({from}000)")),
            ("$__toTime_ms", format!("fromUnixTimestamp64Milli({to}000)")),
            ("$__fromTime", format!("toDateTime({from})")),
            ("$__toTime", format!("toDateTime({to})")),
            ("$__interval_s", INTERVAL.to_owned()),
        ] {
            sql = sql.replace(name, &value);
        }
        for left in ["$__", "${"] {
            assert!(!sql.contains(left), "a macro or variable that nobody fills in:\n{sql}");
        }
        sql
    }

    fn is_chosen(&self, name: &str) -> bool {
        self.chosen.iter().any(|(chosen, _)| *chosen == name)
    }
}

/// Replaces every `$__name(…)`. Its arguments are split at commas in no parentheses; the data source's reader knows neither
/// brackets nor texts, so a query that has a comma or parenthesis in one must fail here as it does there.
fn replace(sql: &mut String, name: &str, with: impl Fn(&[String]) -> String) {
    let mark = format!("$__{name}(");
    while let Some(start) = sql.rfind(&mark) {
        let inner = &sql[start + mark.len()..];
        let (mut arguments, mut depth, mut end) = (vec![String::new()], 0, None);
        for (place, character) in inner.char_indices() {
            match character {
                '(' => depth += 1,
                ')' if depth == 0 => {
                    end = Some(place + 1);
                    break;
                }
                ')' => depth -= 1,
                ',' if depth == 0 => {
                    arguments.push(String::new());
                    continue;
                }
                _ => {}
            }
            arguments.last_mut().unwrap().push(character);
        }
        let end = start + mark.len() + end.unwrap_or_else(|| panic!("{mark} has no end:\n{sql}"));
        sql.replace_range(start..end, &with(&arguments));
    }
}

#[test]
fn macros_are_filled_in_as_the_data_source_does() {
    let range = Range { from: 1, to: 2 };
    let sql = "$__timeFilter(t) AND $__conditionalAll(hasAny(a, [${team:singlequote}]), $team) AND x > $__fromTime_ms";
    let all = "t >= toDateTime(1) AND t <= toDateTime(2) AND 1=1 AND x > fromUnixTimestamp64Milli(1000)";
    let someone = Someone { team: "it's".to_owned(), ..Someone::default() };
    assert_eq!(View::of_all(range, &someone).fill(sql), all);
    let one =
        View::of_one(range, &someone).fill("$__conditionalAll(hasAny(a, [${team:singlequote}]), $team)");
    assert_eq!(one, "hasAny(a, ['it\\'s'])");
}
