//! What `deploy/helm/granary` makes of its example values, as it is committed in `rendered/`, against the binary and
//! against itself. `.ci/helm` holds it against the chart.

mod containers;
mod references;
mod rendering;
mod running;

use std::collections::BTreeSet;
use std::time::Duration;

use bytesize::ByteSize;
use granary_testkit::{metrics_documented, metrics_in};
use serde_json::Value;

use rendering::{Rendering, Workload, renderings};

const CHART: &str = include_str!("../../../../deploy/helm/granary/Chart.yaml");
const RULES: &str = include_str!("../../../../deploy/prometheus/granary.rules.yml");
const RULES_OF_CHART: &str = include_str!("../../../../deploy/helm/granary/files/granary.rules.yml");
/// Each has a table of a role's metrics, which tests hold against what it tells.
const METRICS: [&str; 3] = [
    include_str!("../../../granary-ingest/src/metrics.rs"),
    include_str!("../../../granary-gateway/src/metrics.rs"),
    include_str!("../../../granary-archive/src/metrics.rs"),
];

#[test]
fn the_chart_runs_this_version_and_has_the_rules_of_the_project() {
    let chart: Value = serde_saphyr::from_str(CHART).unwrap();
    assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
    assert_eq!(RULES_OF_CHART, RULES, "`.ci/helm --update` copies them");
}

#[test]
fn nothing_runs_as_root_or_with_more_rights_than_it_needs() {
    for workload in renderings().iter().flat_map(Rendering::workloads) {
        let (pod, who) = (&workload.pod, workload.to_string());
        assert_eq!(pod["automountServiceAccountToken"], false, "{who}");
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{who}");
        assert!(pod["securityContext"]["runAsUser"].as_u64().unwrap() >= 1000, "{who}");
        assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault", "{who}");
        for host in ["hostNetwork", "hostPID", "hostIPC", "initContainers"] {
            assert_eq!(pod[host], Value::Null, "{who}: {host}");
        }
        for container in workload.containers() {
            let security = &container["securityContext"];
            assert_eq!(security["readOnlyRootFilesystem"], true, "{who}");
            assert_eq!(security["allowPrivilegeEscalation"], false, "{who}");
            assert_eq!(security["runAsNonRoot"], true, "{who}");
            assert_eq!(security["capabilities"], serde_json::json!({ "drop": ["ALL"] }), "{who}");
            assert_eq!(security["runAsUser"], Value::Null, "{who}: the pod says it");
            assert!(container["resources"]["limits"]["memory"].is_string(), "{who}");
            assert!(container["resources"]["requests"]["cpu"].is_string(), "{who}");
        }
        for volume in workload.volumes() {
            assert_eq!(volume["hostPath"], Value::Null, "{who}");
            if let Some(secret) = volume["secret"].as_object() {
                assert_eq!(secret["defaultMode"], 0o440, "{who}: others may read {volume}");
            }
        }
    }
}

#[test]
fn a_role_gets_the_passwords_that_it_needs_and_no_others() {
    let of_role = |role: &str| -> &[&str] {
        match role {
            "migrate" => &["clickhouse-password"],
            "ingest" => &["clickhouse-password", "peer-secret", "redact-hash-key"],
            "archiver" => &["clickhouse-password", "s3-secret-access-key"],
            "gateway" => &[
                "clickhouse-auditor-password",
                "clickhouse-guest-password",
                "clickhouse-reader-password",
                "cursor-key",
                "redact-hash-key",
                "s3-secret-access-key",
            ],
            _ => panic!("{role}"),
        }
    };
    for rendering in renderings() {
        for workload in rendering.workloads().iter().filter(|workload| workload.role != "doctor") {
            let secrets = workload.volumes().into_iter().find(|volume| volume["name"] == "secrets").unwrap();
            let items = secrets["secret"]["items"].as_array().unwrap();
            let given: BTreeSet<_> = items.iter().map(|item| item["path"].as_str().unwrap()).collect();
            let expected: BTreeSet<_> = of_role(&workload.role).iter().copied().collect();
            assert!(given.is_subset(&expected), "{workload}: {given:?}");
            if rendering.name == "everything" {
                assert_eq!(given, expected, "{workload}");
            }
        }
    }
}

/// The variable's value as a duration.
fn duration(workload: &Workload, name: &str) -> Duration {
    humantime::parse_duration(&workload.variables()[name]).unwrap()
}

#[test]
fn a_stop_has_the_time_that_it_takes() {
    for rendering in renderings() {
        for role in ["ingest", "gateway"] {
            let workload = rendering.workload(role);
            let grace = Duration::from_secs(workload.pod["terminationGracePeriodSeconds"].as_u64().unwrap());
            let pause = &workload.containers()[0]["lifecycle"]["preStop"]["sleep"]["seconds"];
            let pause = Duration::from_secs(pause.as_u64().unwrap());
            let shutdown = duration(&workload, "GRANARY_SHUTDOWN_TIMEOUT");
            assert!(grace > pause + shutdown, "{workload}: {grace:?}, {pause:?} and {shutdown:?}");
            let part = if role == "ingest" { "INGEST_DRAIN_TIMEOUT" } else { "GATEWAY_SHUTDOWN_GRACE" };
            // What is under way ends before, and what was asked is written down after.
            assert!(shutdown > duration(&workload, &format!("GRANARY_{part}")) + Duration::from_secs(8));
        }
    }
}

#[test]
fn a_receiver_s_log_fits_into_its_volume_which_outlives_it() {
    for rendering in renderings() {
        let receiver = rendering.workload("ingest");
        let set = &receiver.object["spec"];
        let retention = &set["persistentVolumeClaimRetentionPolicy"];
        assert_eq!(
            (&retention["whenDeleted"], &retention["whenScaled"]),
            (&"Retain".into(), &"Retain".into())
        );
        let claim = &set["volumeClaimTemplates"][0];
        let mounts = receiver.containers()[0]["volumeMounts"].clone();
        let mount =
            mounts.as_array().unwrap().iter().find(|mount| mount["name"] == claim["metadata"]["name"]);
        let variables = receiver.variables();
        assert_eq!(mount.unwrap()["mountPath"], variables["GRANARY_DATA_DIR"].as_str());
        let size = claim["spec"]["resources"]["requests"]["storage"].as_str().unwrap();
        // Kubernetes' Gi is GiB.
        let size: ByteSize = format!("{size}B").parse().unwrap();
        let of = |name: &str| variables[name].parse::<ByteSize>().unwrap().as_u64();
        let needed = of("GRANARY_INGEST_WAL_MAX_BYTES") + of("GRANARY_INGEST_QUARANTINE_MAX_BYTES");
        assert!(size.as_u64() > needed, "{receiver}: {size} for {}", ByteSize(needed));
    }
}

#[test]
fn every_metric_that_scales_or_warns_is_one_that_granary_has() {
    let known: BTreeSet<_> = METRICS.into_iter().flat_map(metrics_documented).collect();
    let mut asked = BTreeSet::new();
    for rendering in renderings() {
        for scaler in rendering.of_kind("HorizontalPodAutoscaler") {
            for metric in scaler["spec"]["metrics"].as_array().unwrap() {
                if metric["type"] == "Pods" {
                    asked.insert(metric["pods"]["metric"]["name"].as_str().unwrap().to_owned());
                }
            }
        }
        for rules in rendering.of_kind("PrometheusRule") {
            asked.extend(metrics_in(&rules["spec"].to_string()));
        }
    }
    assert!(asked.contains("granary_wal_waiting_bytes") && asked.len() > 10, "{asked:?}");
    for name in asked {
        assert!(known.contains(name.trim_end_matches("_bucket")), "{name} is no metric of Granary's");
    }
}
