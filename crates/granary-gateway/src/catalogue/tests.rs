use std::fs;

use super::*;

const HEADER: &str = "question = 'q?'\nfilters = ['user']\ntables = ['t']\n[params.by]\ntype = 'enum'\nvalues = ['a', 'b']\ndefault = 'a'\nhelp = ''\n[columns]\nx = 'x'";
const SQL: &str = "SELECT\n-- @when by = a\nx\n-- @end\nFROM t WHERE TenantId = {tenant:String} AND user IN {user:Array(String)}";

fn parsed(header: &str, sql: &str) -> Result<NamedQuery, String> {
    NamedQuery::parse("g", "n", &format!("/*\n{header}\n*/\n{sql}"))
}

#[test]
fn all_queries_that_come_along_load() {
    let parsed = embedded::files().map(|(group, name, text)| parse(group, name, text));
    let broken: Vec<_> = parsed.filter_map(Result::err).map(|problem| problem.to_string()).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(Catalogue::embedded().unwrap().iter().count() > 10);
}

#[test]
fn header_and_sql_must_fit_together() {
    parsed(HEADER, SQL).unwrap();
    for (from, to, reason) in [
        ("{user:Array(String)}", "{user:String}", "{user:String} is declared as {user:Array(String)}"),
        ("{user:Array(String)}", "{team:Array(String)}", "{team:Array(String)} is not declared"),
        ("{user:Array(String)}", "['me']", "user is declared and nowhere used"),
        ("{tenant:String}", "'default'", "{tenant:String} is nowhere in it; every table is filtered by it"),
        ("by = a", "by = c", "-- @when by: \"c\" is none of its values"),
        ("by = a", "of = a", "-- @when of: no enum of that name is declared"),
        ("FROM t", "FROM u", "tables names t, which it does not read"),
    ] {
        assert_eq!(parsed(HEADER, &SQL.replace(from, to)).unwrap_err(), reason);
    }
    assert_eq!(
        NamedQuery::parse("g", "n", "SELECT 1").unwrap_err(),
        "does not start with a header between /* and */"
    );
}

/// A folder with the group `ours` and these files in it.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("ours")).unwrap();
    for (file, text) in files {
        fs::write(dir.path().join(file), text).unwrap();
    }
    dir
}

fn good() -> String {
    format!("/*\n{HEADER}\n*/\n{SQL}")
}

fn problems(catalogue: &Catalogue) -> Vec<String> {
    catalogue.problems().iter().map(ToString::to_string).collect()
}

#[test]
fn an_operators_folder_adds_queries_and_cannot_replace_any() {
    let files = [
        ("ours/mine.sql", good()),
        ("ours/cost_summary.sql", good()),
        ("ours/notes.md", "not a query".to_owned()),
        ("README.md", "not a query".to_owned()),
    ];
    let dir = folder(&files.each_ref().map(|(file, text)| (*file, text.as_str())));
    let catalogue = Catalogue::load(Some(dir.path())).unwrap();
    assert_eq!(catalogue.get("mine").unwrap().group(), "ours");
    assert_eq!(catalogue.get("cost_summary").unwrap().group(), "cost");
    assert!(catalogue.comes_along(catalogue.get("cost_summary").unwrap()));
    assert!(!catalogue.comes_along(catalogue.get("mine").unwrap()));
    assert_eq!(
        problems(&catalogue),
        ["ours/cost_summary.sql: cost/cost_summary.sql, which comes along, has that name; take another"]
    );
}

#[test]
fn a_broken_file_says_where_and_why_and_keeps_no_other_from_being_used() {
    let bad = format!("/*\nquestoin = 'q?'\n{HEADER}\n*/\n{SQL}");
    let dir = folder(&[("ours/bad.sql", &bad), ("loose.sql", &good()), ("ours/mine.sql", &good())]);
    let catalogue = Catalogue::load(Some(dir.path())).unwrap();
    assert!(catalogue.get("mine").is_some());
    let problems = problems(&catalogue);
    assert_eq!(problems[0], "loose.sql: belongs into a folder with its group's name");
    assert!(problems[1].starts_with("ours/bad.sql:2: TOML parse error at line 2"), "{}", problems[1]);

    let gone = dir.path().join("gone");
    assert!(
        matches!(Catalogue::load(Some(&gone)), Err(CatalogueError::Unreadable { path, .. }) if path == gone)
    );
}

/// A folder as it is looked at again and again; the engine agrees to everything.
struct Watched {
    dir: tempfile::TempDir,
    operators: Operators,
    embedded: BTreeMap<String, Arc<NamedQuery>>,
}

impl Watched {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = folder(files);
        let embedded = Catalogue::embedded().unwrap().queries;
        Self { operators: Operators::read(dir.path(), &embedded).unwrap(), dir, embedded }
    }

    /// The catalogue after a change.
    fn after(&mut self, change: impl FnOnce(&Path), refused: Option<&str>) -> Catalogue {
        change(self.dir.path());
        self.operators.look(&self.embedded).unwrap();
        for (file, _) in self.operators.proposed() {
            match refused {
                None => self.operators.agree(&file),
                Some(reason) => self.operators.refuse(&file, reason.to_owned()),
            }
        }
        Catalogue::of(self.embedded.clone(), self.operators.clone())
    }
}

fn question(catalogue: &Catalogue, name: &str) -> Option<String> {
    catalogue.get(name).map(|query| query.question().to_owned())
}

#[test]
fn the_last_good_version_of_a_file_stays_while_the_file_is_broken_and_goes_with_it() {
    let mut watched = Watched::new(&[("ours/mine.sql", &good())]);
    let write = |text: String| move |dir: &Path| fs::write(dir.join("ours/mine.sql"), text).unwrap();
    let asked = |what: &str| write(good().replace("q?", what));

    let catalogue = watched.after(asked("second?"), None);
    assert_eq!(question(&catalogue, "mine").unwrap(), "second?");
    let catalogue = watched.after(write("SELECT 1".to_owned()), None);
    assert_eq!(question(&catalogue, "mine").unwrap(), "second?");
    assert!(catalogue.problems()[0].is_earlier_in_force);
    let catalogue = watched.after(asked("third?"), Some("Unknown function"));
    assert_eq!(question(&catalogue, "mine").unwrap(), "second?");
    assert_eq!(problems(&catalogue), ["ours/mine.sql: Unknown function"]);
    let catalogue = watched.after(asked("fourth?"), None);
    assert_eq!((question(&catalogue, "mine").unwrap().as_str(), problems(&catalogue).len()), ("fourth?", 0));
    let catalogue = watched.after(|dir| fs::remove_file(dir.join("ours/mine.sql")).unwrap(), None);
    assert_eq!((question(&catalogue, "mine"), problems(&catalogue).len()), (None, 0));
}

#[test]
fn what_the_engine_refuses_at_the_start_goes_and_a_folder_that_goes_takes_nothing_along() {
    let mut watched = Watched::new(&[("ours/mine.sql", &good()), ("ours/other.sql", &good())]);
    let catalogue = watched.after(|_| {}, Some("Unknown table"));
    assert_eq!((question(&catalogue, "mine"), catalogue.problems().len()), (None, 2));
    let catalogue = watched.after(|dir| fs::write(dir.join("ours/mine.sql"), good() + "\n").unwrap(), None);
    assert!(question(&catalogue, "mine").is_some());

    let away = watched.dir.path().with_extension("away");
    fs::rename(watched.dir.path(), &away).unwrap();
    let error = watched.operators.look(&watched.embedded).unwrap_err();
    assert!(watched.operators.cannot_look(&error), "new");
    assert!(!watched.operators.cannot_look(&error), "known by now");
    assert!(watched.operators.has("mine"));
    fs::rename(&away, watched.dir.path()).unwrap();
    assert!(watched.operators.look(&watched.embedded).unwrap());
    assert!(watched.operators.problems().iter().all(|problem| problem.file == "ours/other.sql"));
}

#[test]
fn of_two_files_with_one_name_the_one_in_force_has_it_until_it_goes() {
    let mut watched = Watched::new(&[("ours/mine.sql", &good())]);
    let catalogue = watched.after(
        |dir| {
            fs::create_dir(dir.join("another")).unwrap();
            fs::write(dir.join("another/mine.sql"), good()).unwrap();
        },
        None,
    );
    assert_eq!(catalogue.get("mine").unwrap().group(), "ours");
    assert_eq!(problems(&catalogue), ["another/mine.sql: ours/mine.sql has that name already; take another"]);
    let catalogue = watched.after(|dir| fs::remove_file(dir.join("ours/mine.sql")).unwrap(), None);
    assert_eq!((catalogue.get("mine").unwrap().group(), problems(&catalogue).len()), ("another", 0));
}
