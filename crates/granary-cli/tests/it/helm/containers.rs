//! Arguments, variables, files, ports and probes of each container against the binary.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::rendering::{Rendering, Workload, renderings};
use crate::process::{granary, stdout};

const FILES: &str = "/etc/granary/";

/// The file of a volume that a path in the container is.
fn mounted(workload: &Workload, path: &str) -> (Value, String) {
    let mounts = workload.containers()[0]["volumeMounts"].as_array().unwrap();
    let mount = mounts.iter().find(|mount| Path::new(path).starts_with(mount["mountPath"].as_str().unwrap()));
    let mount = mount.unwrap_or_else(|| panic!("{workload}: {path} is in no volume"));
    assert_eq!(mount["subPath"], Value::Null, "{workload}: {path} would stay as it was when it is renewed");
    let rest = path.strip_prefix(mount["mountPath"].as_str().unwrap()).unwrap().trim_start_matches('/');
    let volume = workload.volumes().into_iter().find(|volume| volume["name"] == mount["name"]).unwrap();
    (volume, rest.to_owned())
}

/// What a file has to have in it for the binary to read it.
fn contents(rendering: &Rendering, workload: &Workload, path: &str) -> String {
    let (volume, rest) = mounted(workload, path);
    let source = if volume["secret"].is_object() { &volume["secret"] } else { &volume["configMap"] };
    match source["items"].as_array() {
        Some(items) => {
            let is_there = items.iter().any(|item| item["path"].as_str().unwrap().starts_with(&rest));
            assert!(is_there, "{workload}: nothing is put at {path}");
            "a secret\n".to_owned()
        }
        None => {
            let found = rendering.of_kind("ConfigMap").find(|map| map["metadata"]["name"] == source["name"]);
            found.unwrap()["data"][&rest].as_str().unwrap_or_else(|| panic!("{workload}: {path}")).to_owned()
        }
    }
}

#[test]
fn every_argument_and_every_variable_is_taken() {
    for rendering in renderings() {
        for workload in rendering.workloads() {
            let dir = tempfile::tempdir().unwrap();
            let inside = |path: &str| -> PathBuf { dir.path().join(path.strip_prefix(FILES).unwrap()) };
            let container = &workload.containers()[0];
            assert_eq!(container["command"], Value::Null, "{workload}: the image has it");
            let arguments = container["args"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap());
            let known = granary(dir.path()).args(arguments).arg("--help").output().unwrap();
            assert!(stdout(&known).contains("Usage: granary"), "{workload}");

            let mut command = granary(dir.path());
            let mut expected = Vec::new();
            for (name, value) in workload.variables() {
                if value.starts_with(FILES) {
                    let file = inside(&value);
                    let contents = contents(&rendering, &workload, &value);
                    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
                    std::fs::write(&file, contents).unwrap();
                    command.env(&name, &file);
                    if name.ends_with("_FILE")
                        && name != "SSL_CERT_FILE"
                        && !name.ends_with("KEYS_FILE")
                        && !name.ends_with("CA_FILE")
                    {
                        expected.push((name, format!("file {}", file.display())));
                        continue;
                    }
                } else {
                    command.env(&name, &value);
                }
                if name.starts_with("GRANARY_") && name != "GRANARY_CONFIG" {
                    expected.push((name.clone(), format!("environment {name}")));
                }
            }
            assert!(expected.len() > 5, "{workload}");
            let said = stdout(&command.args(["config", "--format", "toml"]).output().unwrap());
            for (name, source) in expected {
                assert!(
                    said.lines().any(|line| line.ends_with(&source)),
                    "{workload}: {name} is nothing that granary knows"
                );
            }
            if rendering.name == "everything" {
                assert!(said.lines().any(|line| line.ends_with("granary.toml")), "{workload}: {said}");
            }
        }
    }
}

/// The address variables and the port of each.
const DOORS: [(&str, &str); 5] = [
    ("GRANARY_INGEST_GRPC", "otlp-grpc"),
    ("GRANARY_INGEST_HTTP", "otlp-http"),
    ("GRANARY_HEALTH", "health"),
    ("GRANARY_GATEWAY_LISTEN", "http"),
    ("GRANARY_INGEST_PEER_ADDRESS", "peers"),
];

#[test]
fn ports_are_the_doors_that_the_role_opens() {
    for workload in renderings().iter().flat_map(Rendering::workloads) {
        let opens: &[usize] = match workload.role.as_str() {
            "ingest" => &[0, 1, 2, 4],
            "gateway" => &[3],
            "archiver" => &[2],
            _ => &[],
        };
        let (ports, variables) = (workload.ports(), workload.variables());
        assert_eq!(ports.len(), opens.len(), "{workload}");
        for (variable, port) in opens.iter().map(|door| DOORS[*door]) {
            let address: std::net::SocketAddr = variables[variable].parse().unwrap();
            assert!(address.ip().is_unspecified(), "{workload}: {variable}");
            assert_eq!(u64::from(address.port()), ports[port], "{workload}: {port}");
        }
    }
}

#[test]
fn probes_ask_at_a_door_that_answers_them() {
    for workload in renderings().iter().flat_map(Rendering::workloads) {
        let (container, variables) = (&workload.containers()[0], workload.variables());
        let probes = ["startupProbe", "livenessProbe", "readinessProbe"].map(|kind| &container[kind]);
        if matches!(workload.role.as_str(), "migrate" | "doctor") {
            assert!(probes.iter().all(|probe| probe.is_null()), "{workload}: it ends");
            continue;
        }
        for probe in probes.into_iter().filter(|probe| !probe.is_null()) {
            let asked = &probe["httpGet"];
            let door = if workload.role == "gateway" { "http" } else { "health" };
            assert_eq!(asked["port"], door, "{workload}");
            assert!(asked["path"] == "/livez" || asked["path"] == "/readyz", "{workload}: {asked}");
            // The door of health speaks no TLS.
            let over_tls = door == "http" && variables.contains_key("GRANARY_GATEWAY_TLS_CERT");
            assert_eq!(asked["scheme"] == "HTTPS", over_tls, "{workload}");
        }
        assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/livez", "{workload}");
        let ready = &container["readinessProbe"]["httpGet"]["path"];
        // A receiver takes events without ClickHouse, which /readyz asks for.
        assert_eq!(ready, if workload.role == "ingest" { "/livez" } else { "/readyz" }, "{workload}");
    }
}
