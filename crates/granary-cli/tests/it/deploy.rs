//! What `deploy/compose` sets is what the binary takes.

use std::collections::BTreeMap;
use std::path::Path;

use crate::process::{granary, stdout};

const COMPOSE: &str = include_str!("../../../../deploy/compose/docker-compose.yml");
const TLS: &str = include_str!("../../../../deploy/compose/docker-compose.tls.yml");
const ENV: &str = include_str!("../../../../deploy/compose/.env");

/// The lines `NAME=value` of the environment file.
fn env_file() -> BTreeMap<&'static str, &'static str> {
    let lines = ENV.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| line.split_once('=').unwrap()).collect()
}

/// Granary's environment in a compose file, variables filled in.
fn environment(compose: &str) -> BTreeMap<String, String> {
    let (_, service) = compose.split_once("\n  granary:\n").unwrap();
    let service = service.lines().take_while(|line| line.starts_with("    ") || line.is_empty());
    service
        .filter_map(|line| line.trim().split_once(": "))
        .filter(|(name, _)| name.starts_with("GRANARY_"))
        .map(|(name, value)| (name.to_owned(), filled(value.trim_matches('"'))))
        .collect()
}

fn filled(value: &str) -> String {
    let file = env_file();
    file.iter().fold(value.to_owned(), |value, (name, by)| value.replace(&format!("${{{name}}}"), by))
}

/// Every setting is taken, and is what the file says it is.
fn every_setting_is_taken(dir: &Path, compose: &str) {
    let mut expected = Vec::new();
    let mut command = granary(dir);
    for (name, value) in environment(compose) {
        assert!(!value.contains("${"), "{name}: {value} is not in .env");
        if let Some(secret) = value.strip_prefix("/run/secrets/") {
            assert!(
                compose.contains(&format!("{secret}: {{ file: ./secrets/{secret} }}")),
                "{secret} is no secret"
            );
            let file = dir.join(secret);
            std::fs::write(&file, "a secret\n").unwrap();
            expected.push((name.clone(), format!("file {}", file.display())));
            command.env(name, file);
        } else {
            expected.push((name.clone(), format!("environment {name}")));
            command.env(name, value);
        }
    }
    let said = stdout(&command.args(["config", "--format", "toml"]).output().unwrap());
    for (name, source) in expected {
        assert!(
            said.lines().any(|line| line.ends_with(&source)),
            "{name} is nothing that granary knows:\n{said}"
        );
    }
}

#[test]
fn every_setting_of_the_compose_files_is_one_that_granary_takes() {
    let dir = tempfile::tempdir().unwrap();
    assert!(environment(COMPOSE).len() > 15 && environment(TLS).len() == 2);
    every_setting_is_taken(dir.path(), COMPOSE);
    every_setting_is_taken(dir.path(), TLS);
}

#[test]
fn every_line_of_the_environment_file_is_asked_for() {
    for name in env_file().keys() {
        assert!(COMPOSE.contains(&format!("${{{name}}}")), "{name} is asked for nowhere");
    }
}

#[test]
fn the_settings_of_a_plain_machine_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/systemd/granary.toml");
    let output =
        granary(dir.path()).args(["config", "--format", "toml", "--config"]).arg(&file).output().unwrap();
    let said = stdout(&output);
    let taken = said.lines().filter(|line| line.ends_with("granary.toml")).count();
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(taken, text.lines().filter(|line| line.contains(" = ")).count(), "{said}");
}
