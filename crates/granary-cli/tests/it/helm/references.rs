//! What one object names in another is there.

use serde_json::Value;

use super::rendering::{Rendering, Workload, hook, renderings};

/// The `Secret` or `ConfigMap` of a volume has the keys that are mounted; in a hook before the release's own objects it has to
/// come with the hook.
fn source_is_there(rendering: &Rendering, workload: &Workload, volume: &Value) {
    let (kind, source, name) = if volume["secret"].is_object() {
        ("Secret", &volume["secret"], &volume["secret"]["secretName"])
    } else if volume["configMap"].is_object() {
        ("ConfigMap", &volume["configMap"], &volume["configMap"]["name"])
    } else {
        assert!(volume["emptyDir"].is_object(), "{workload}: {volume}");
        return;
    };
    let is_early = hook(&workload.object).is_some_and(|hook| hook.starts_with("pre-install"));
    let found = if is_early {
        let mut early = rendering.of_kind(kind).filter(|object| hook(object) == hook(&workload.object));
        early.find(|object| object["metadata"]["name"] == *name)
    } else {
        rendering.find(kind, name)
    };
    match found {
        Some(found) => {
            for item in source["items"].as_array().into_iter().flatten() {
                let key = item["key"].as_str().unwrap();
                assert!(found["data"][key].is_string(), "{workload}: {name} has no {key}");
            }
        }
        None => assert!(rendering.given.contains(name.as_str().unwrap()), "{workload}: no {kind} {name}"),
    }
}

#[test]
fn volumes_mounts_and_accounts_are_there() {
    for rendering in renderings() {
        for workload in rendering.workloads() {
            let volumes = workload.volumes();
            for volume in &volumes {
                source_is_there(&rendering, &workload, volume);
            }
            let claims = workload.object["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten();
            let known: Vec<_> = volumes
                .iter()
                .map(|volume| &volume["name"])
                .chain(claims.map(|claim| &claim["metadata"]["name"]))
                .collect();
            let mounts: Vec<_> =
                workload.containers().iter().flat_map(|c| c["volumeMounts"].as_array().unwrap()).collect();
            for mount in &mounts {
                assert!(known.contains(&&mount["name"]), "{workload}: {mount} mounts nothing");
            }
            for name in known {
                assert!(
                    mounts.iter().any(|mount| mount["name"] == *name),
                    "{workload}: {name} is mounted nowhere"
                );
            }
            match &workload.pod["serviceAccountName"] {
                Value::Null => assert_eq!(workload.role, "migrate", "{workload}"),
                name => assert!(rendering.find("ServiceAccount", name).is_some(), "{workload}: {name}"),
            }
            for secret in workload.pod["imagePullSecrets"].as_array().into_iter().flatten() {
                assert!(rendering.given.contains(secret["name"].as_str().unwrap()), "{workload}");
            }
        }
    }
}

/// The workloads that a selector means: one at least.
fn selected<'a>(all: &'a [Workload], selector: &Value, by: &Value) -> Vec<&'a Workload> {
    let selected: Vec<_> = all.iter().filter(|workload| workload.is_selected_by(selector)).collect();
    assert!(!selected.is_empty(), "{} {} means no pod", by["kind"], by["metadata"]["name"]);
    selected
}

#[test]
fn selectors_mean_pods_and_named_ports_are_theirs() {
    for rendering in renderings() {
        let all = rendering.workloads();
        for object in &rendering.objects {
            let spec = &object["spec"];
            let (selector, ports): (_, Vec<&Value>) = match object["kind"].as_str().unwrap() {
                "Service" => (
                    &spec["selector"],
                    spec["ports"].as_array().unwrap().iter().map(|p| &p["targetPort"]).collect(),
                ),
                "NetworkPolicy" => {
                    let rules = spec["ingress"].as_array().into_iter().flatten();
                    (
                        &spec["podSelector"],
                        rules
                            .flat_map(|rule| rule["ports"].as_array().unwrap())
                            .map(|p| &p["port"])
                            .collect(),
                    )
                }
                "PodMonitor" => (
                    &spec["selector"],
                    spec["podMetricsEndpoints"].as_array().unwrap().iter().map(|e| &e["port"]).collect(),
                ),
                "PodDisruptionBudget" | "StatefulSet" | "Deployment" => (&spec["selector"], Vec::new()),
                _ => continue,
            };
            let workloads = selected(&all, selector, object);
            if object["kind"] != "PodMonitor" && object["kind"] != "NetworkPolicy" {
                assert_eq!(workloads.len(), 1, "{} {}", object["kind"], object["metadata"]["name"]);
            }
            for port in ports {
                let is_there = |workload: &&Workload| match port.as_str() {
                    Some(name) => workload.ports().contains_key(name),
                    None => workload.ports().values().any(|number| Some(*number) == port.as_u64()),
                };
                assert!(
                    workloads.iter().any(is_there),
                    "{} {}: {port}",
                    object["kind"],
                    object["metadata"]["name"]
                );
            }
        }
    }
}

#[test]
fn ingresses_scalers_and_sets_name_what_is_there() {
    for rendering in renderings() {
        for ingress in rendering.of_kind("Ingress") {
            for rule in ingress["spec"]["rules"].as_array().unwrap() {
                assert!(rule["host"].as_str().is_some_and(|host| !host.is_empty()), "{ingress}");
                for path in rule["http"]["paths"].as_array().unwrap() {
                    let backend = &path["backend"]["service"];
                    let service = rendering.find("Service", &backend["name"]).unwrap();
                    let ports = service["spec"]["ports"].as_array().unwrap();
                    assert!(ports.iter().any(|port| port["name"] == backend["port"]["name"]), "{backend}");
                }
            }
        }
        for scaler in rendering.of_kind("HorizontalPodAutoscaler") {
            let target = &scaler["spec"]["scaleTargetRef"];
            let found = rendering.find(target["kind"].as_str().unwrap(), &target["name"]).unwrap();
            assert_eq!(found["spec"]["replicas"], Value::Null, "two would set it");
        }
        for set in rendering.of_kind("StatefulSet") {
            let service = rendering.find("Service", &set["spec"]["serviceName"]).unwrap();
            assert_eq!(service["spec"]["clusterIP"], "None");
        }
    }
}

#[test]
fn receivers_ask_one_another_by_a_name_that_has_those_that_are_not_ready_too() {
    for rendering in renderings() {
        let receiver = rendering.workload("ingest");
        let peers = receiver.variables()["GRANARY_INGEST_PEERS"].clone();
        let peers: Vec<String> = serde_json::from_str(&peers).unwrap();
        let [(name, port)] = peers.iter().map(|peer| peer.rsplit_once(':').unwrap()).collect::<Vec<_>>()[..]
        else {
            panic!("{peers:?}")
        };
        let service =
            rendering.of_kind("Service").find(|service| service["metadata"]["name"] == name).unwrap();
        assert_eq!(service["spec"]["clusterIP"], "None", "it has an address of each");
        assert_eq!(service["spec"]["publishNotReadyAddresses"], true);
        assert!(receiver.is_selected_by(&service["spec"]["selector"]));
        let ports = service["spec"]["ports"].as_array().unwrap();
        let of_peers = ports.iter().find(|port| port["name"] == "peers").unwrap();
        assert_eq!(of_peers["port"].to_string(), port);
        for policy in rendering.of_kind("NetworkPolicy").map(|policy| &policy["spec"]) {
            let selector = &policy["podSelector"];
            if !selector["matchExpressions"].is_null() || !receiver.is_selected_by(&selector["matchLabels"]) {
                continue;
            }
            for (rules, side) in [("ingress", "from"), ("egress", "to")] {
                let rules = policy[rules].as_array().unwrap();
                let rule = rules.iter().find(|rule| rule["ports"][0]["port"] == "peers").unwrap();
                assert!(receiver.is_selected_by(&rule[side][0]["podSelector"]["matchLabels"]));
            }
        }
    }
}

/// A key may be bound to networks.
#[test]
fn a_balancer_in_front_of_receivers_keeps_the_sender_s_address() {
    for rendering in renderings() {
        let balancers =
            rendering.of_kind("Service").filter(|service| service["spec"]["type"] == "LoadBalancer");
        for service in balancers {
            assert_eq!(service["spec"]["externalTrafficPolicy"], "Local", "{}", rendering.name);
        }
    }
}
