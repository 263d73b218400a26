use super::*;

const HEADER: &str = "question = 'q?'\nfilters = ['user']\ntables = ['t']\n[params.by]\ntype = 'enum'\nvalues = ['a', 'b']\ndefault = 'a'\nhelp = ''\n[columns]\nx = 'x'";
const SQL: &str = "SELECT\n-- @when by = a\nx\n-- @end\nFROM t WHERE TenantId = {tenant:String} AND user IN {user:Array(String)}";

fn parsed(header: &str, sql: &str) -> Result<NamedQuery, String> {
    NamedQuery::parse("g", "n", &format!("/*\n{header}\n*/\n{sql}"))
}

#[test]
fn all_queries_that_come_along_load() {
    let mut catalogue = Catalogue { queries: BTreeMap::new() };
    let broken: Vec<_> = embedded::files()
        .filter_map(|(group, name, text)| catalogue.add(group, name, text).err())
        .map(|error| error.to_string())
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(catalogue.iter().count() > 10);
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

#[test]
fn an_operators_folder_adds_queries_and_cannot_replace_any() {
    let dir = tempfile::tempdir().unwrap();
    let group = dir.path().join("ours");
    fs::create_dir(&group).unwrap();
    let text = format!("/*\n{HEADER}\n*/\n{SQL}");
    fs::write(group.join("mine.sql"), &text).unwrap();
    fs::write(group.join("notes.md"), "not a query").unwrap();
    fs::write(dir.path().join("README.md"), "not a query").unwrap();
    let catalogue = Catalogue::load(Some(dir.path())).unwrap();
    assert_eq!(catalogue.get("mine").unwrap().group(), "ours");

    fs::rename(group.join("mine.sql"), group.join("cost_summary.sql")).unwrap();
    let error = Catalogue::load(Some(dir.path())).unwrap_err();
    assert_eq!(
        error.to_string(),
        "query file ours/cost_summary.sql: cost/cost_summary.sql has that name already"
    );
}

#[test]
fn a_broken_file_of_the_operators_says_where_and_why() {
    let dir = tempfile::tempdir().unwrap();
    let group = dir.path().join("ours");
    fs::create_dir(&group).unwrap();
    fs::write(group.join("bad.sql"), format!("/*\nquestoin = 'q?'\n{HEADER}\n*/\n{SQL}")).unwrap();
    let error = Catalogue::load(Some(dir.path())).unwrap_err().to_string();
    assert!(error.starts_with("query file ours/bad.sql: TOML parse error at line 2"), "{error}");

    fs::rename(group.join("bad.sql"), dir.path().join("loose.sql")).unwrap();
    let error = Catalogue::load(Some(dir.path())).unwrap_err().to_string();
    assert!(error.ends_with("loose.sql: belongs into a folder with its group's name"), "{error}");

    let gone = dir.path().join("gone");
    assert!(
        matches!(Catalogue::load(Some(&gone)), Err(CatalogueError::Unreadable { path, .. }) if path == gone)
    );
}
