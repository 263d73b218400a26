//! The pages for operators say what is so.

use crate::process::granary;

const OPERATIONS: &str = include_str!("../../../../deploy/OPERATIONS.md");
const DEPLOYING: &str = include_str!("../../../../deploy/README.md");
const RULES: [&str; 2] = [
    include_str!("../../../../deploy/prometheus/granary.rules.yml"),
    include_str!("../../../../deploy/prometheus/agents.rules.yml"),
];

/// What stands between backquotes and begins with `granary` and a space.
fn commands(page: &str) -> Vec<String> {
    let parts: Vec<_> = page.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).collect();
    let mut commands: Vec<_> = parts.iter().filter_map(|part| part.strip_prefix("granary ")).collect();
    commands.sort_unstable();
    commands.dedup();
    commands.into_iter().map(str::to_owned).collect()
}

#[test]
fn every_command_of_the_pages_is_known_with_its_flags() {
    let dir = tempfile::tempdir().unwrap();
    for (page, text, least) in [("OPERATIONS.md", OPERATIONS, 15), ("README.md", DEPLOYING, 3)] {
        let commands = commands(text);
        assert!(commands.len() >= least, "{page}: {commands:?}");
        for command in commands {
            let words = command.split(" > ").next().unwrap_or_default().split_whitespace();
            // Behind the words, for only those are looked at: an unknown one ends it before the help is printed.
            let known = granary(dir.path()).args(words).arg("--help").output().unwrap();
            let problem = String::from_utf8_lossy(&known.stderr).into_owned();
            assert!(known.status.success(), "{page}: granary {command}: {problem}");
        }
    }
}

#[test]
fn every_alert_is_on_the_page_with_what_to_do() {
    let names = RULES
        .iter()
        .flat_map(|rules| rules.lines())
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
        .map(str::to_owned);
    let mut alerts: Vec<_> = names.collect();
    let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/grafana/source/alerts");
    for source in std::fs::read_dir(sources).unwrap() {
        let text = std::fs::read_to_string(source.unwrap().path()).unwrap();
        let title = text.lines().find_map(|line| line.strip_prefix("title = \"")?.strip_suffix('"'));
        alerts.push(title.unwrap().to_owned());
    }
    assert!(alerts.len() > 35, "{alerts:?}");
    let (_, page) = OPERATIONS.split_once("## Alerts").unwrap();
    for alert in alerts {
        assert!(page.contains(&alert), "{alert} is not on the page");
    }
}
