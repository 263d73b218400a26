//! What `deploy/compose` sets is what the binary takes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::process::{granary, stdout};

const COMPOSE: &str = include_str!("../../../../deploy/compose/docker-compose.yml");
const TLS: &str = include_str!("../../../../deploy/compose/docker-compose.tls.yml");
const ENV: &str = include_str!("../../../../deploy/compose/.env");
const PROMETHEUS: [&str; 2] = [
    include_str!("../../../../deploy/compose/prometheus/prometheus.yml"),
    include_str!("../../../../deploy/compose/prometheus/prometheus.tls.yml"),
];

/// The services that run Granary until they are told to stop, and where each says that it is alive.
const ROLES: [(&str, &str, u16); 3] = [
    ("ingest", "GRANARY_HEALTH", 8081),
    ("gateway", "GRANARY_GATEWAY_LISTEN", 8080),
    ("archiver", "GRANARY_HEALTH", 8081),
];

/// The lines `NAME=value` of the environment file.
fn env_file() -> BTreeMap<&'static str, &'static str> {
    let lines = ENV.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| line.split_once('=').unwrap()).collect()
}

fn filled(value: &str) -> String {
    let file = env_file();
    file.iter().fold(value.to_owned(), |value, (name, by)| value.replace(&format!("${{{name}}}"), by))
}

fn document(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

/// The services of a compose file that run Granary, variables filled in.
fn services(compose: &Value) -> Vec<(String, Value)> {
    let of_granary = ["migrate", "keys", "ingest", "gateway", "archiver"];
    let services = compose["services"].as_object().unwrap();
    let services = services.iter().filter(|(name, _)| of_granary.contains(&name.as_str()));
    services.map(|(name, service)| (name.clone(), document(&filled(&service.to_string())))).collect()
}

/// What a service tells Granary.
fn environment(service: &Value) -> BTreeMap<String, String> {
    let variables = service["environment"].as_object().unwrap();
    let variables = variables.iter().filter(|(name, _)| name.starts_with("GRANARY_"));
    variables.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

/// Every setting is taken, and is what the file says it is.
fn every_setting_is_taken(dir: &Path, name: &str, service: &Value) {
    let mut expected = Vec::new();
    let mut command = granary(dir);
    for (variable, value) in environment(service) {
        assert!(!value.contains("${"), "{variable}: {value} is not in .env");
        if let Some(secret) = value.strip_prefix("/run/secrets/") {
            let granted = service["secrets"].as_array().unwrap();
            assert!(granted.iter().any(|granted| granted == secret), "{name} has no secret {secret}");
            let file = dir.join(secret);
            std::fs::write(&file, "a secret\n").unwrap();
            expected.push((variable.clone(), format!("file {}", file.display())));
            command.env(variable, file);
        } else {
            expected.push((variable.clone(), format!("environment {variable}")));
            command.env(variable, value);
        }
    }
    let said = stdout(&command.args(["config", "--format", "toml"]).output().unwrap());
    for (variable, source) in expected {
        assert!(
            said.lines().any(|line| line.ends_with(&source)),
            "{variable} is nothing that granary knows:\n{said}"
        );
    }
}

#[test]
fn every_setting_of_the_compose_files_is_one_that_granary_takes() {
    let dir = tempfile::tempdir().unwrap();
    let (compose, tls) = (services(&document(COMPOSE)), services(&document(TLS)));
    assert!(compose.len() == 5 && tls.len() == 2);
    for (name, service) in compose.iter().chain(&tls) {
        every_setting_is_taken(dir.path(), name, service);
        if let Some(command) = service["command"].as_array() {
            let command = command.iter().map(|word| word.as_str().unwrap());
            let known = granary(dir.path()).args(command).arg("--help").output().unwrap();
            assert!(stdout(&known).contains("Usage: granary"), "{name}");
        }
    }
}

#[test]
fn every_role_is_a_service_that_is_looked_after_and_may_take_its_time_to_stop() {
    let compose = document(COMPOSE);
    let services: BTreeMap<_, _> = services(&compose).into_iter().collect();
    for (name, door, port) in ROLES {
        let service = &services[name];
        let variables = environment(service);
        assert!(variables[door].ends_with(&format!(":{port}")), "{name}");
        // The image asks for /livez there.
        let asked = service["environment"]["HEALTH_PORT"].as_str().unwrap_or("8080");
        assert_eq!(asked, port.to_string(), "{name}");
        let text = |value: &Value| humantime::parse_duration(value.as_str().unwrap()).unwrap();
        let stop = variables.get("GRANARY_SHUTDOWN_TIMEOUT").map_or("30s", String::as_str);
        assert!(text(&service["stop_grace_period"]) > humantime::parse_duration(stop).unwrap(), "{name}");
        assert_eq!(service["depends_on"]["migrate"]["condition"], "service_completed_successfully", "{name}");
    }
    for (name, service) in &services {
        assert_eq!(
            (&service["read_only"], &service["cap_drop"]),
            (&true.into(), &serde_json::json!(["ALL"])),
            "{name}"
        );
        let mounts = service["volumes"].as_array().into_iter().flatten();
        for volume in mounts.map(|mount| mount.as_str().unwrap().split(':').next().unwrap()) {
            assert!(compose["volumes"].as_object().unwrap().contains_key(volume), "{name}: {volume}");
        }
        for secret in service["secrets"].as_array().into_iter().flatten() {
            let file = &compose["secrets"][secret.as_str().unwrap()]["file"];
            assert_eq!(*file, format!("./secrets/{}", secret.as_str().unwrap()), "{name}");
        }
    }
}

#[test]
fn prometheus_has_the_metrics_of_every_role() {
    let expected: BTreeSet<_> = ROLES.iter().map(|(name, _, port)| format!("{name}:{port}")).collect();
    for text in PROMETHEUS {
        let config = document(text);
        let scraped = config["scrape_configs"].as_array().unwrap();
        let targets = scraped.iter().flat_map(|job| job["static_configs"].as_array().unwrap());
        let targets = targets.flat_map(|of| of["targets"].as_array().unwrap());
        let targets: BTreeSet<_> = targets.map(|target| target.as_str().unwrap().to_owned()).collect();
        assert_eq!(targets, expected);
    }
}

#[test]
fn every_line_of_the_environment_file_is_asked_for() {
    for name in env_file().keys() {
        let asked = format!("${{{name}}}");
        assert!([COMPOSE, TLS].iter().any(|file| file.contains(&asked)), "{name} is asked for nowhere");
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
