//! The committed renderings, read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

/// What one file of example values gives.
pub(super) struct Rendering {
    pub(super) name: &'static str,
    pub(super) objects: Vec<Value>,
    /// Names in the values of what is not the chart's.
    pub(super) given: BTreeSet<String>,
}

/// Something that starts pods.
pub(super) struct Workload {
    rendering: &'static str,
    pub(super) object: Value,
    pub(super) role: String,
    pub(super) labels: Value,
    pub(super) pod: Value,
}

macro_rules! rendering {
    ($name:literal) => {
        Rendering::read(
            $name,
            include_str!(concat!("../../../../../deploy/helm/granary/rendered/", $name, ".yaml")),
            include_str!(concat!("../../../../../deploy/helm/granary/ci/", $name, "-values.yaml")),
        )
    };
}

pub(super) fn renderings() -> [Rendering; 3] {
    [rendering!("minimal"), rendering!("cloud"), rendering!("everything")]
}

impl Rendering {
    fn read(name: &'static str, rendered: &str, values: &str) -> Self {
        let objects: Vec<Value> = serde_saphyr::from_multiple(rendered).unwrap();
        let objects: Vec<_> = objects.into_iter().filter(Value::is_object).collect();
        assert!(objects.len() > 10, "{name}");
        let mut given = BTreeSet::new();
        names(&serde_saphyr::from_str(values).unwrap(), &mut given);
        Self { name, objects, given }
    }

    pub(super) fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.objects.iter().filter(move |object| object["kind"] == kind)
    }

    /// The object of that kind and name, unless it is one that comes and goes with a hook.
    pub(super) fn find(&self, kind: &str, name: &Value) -> Option<&Value> {
        self.of_kind(kind).find(|object| object["metadata"]["name"] == *name && hook(object).is_none())
    }

    pub(super) fn workloads(&self) -> Vec<Workload> {
        self.objects.iter().filter_map(|object| Workload::of(self.name, object)).collect()
    }

    pub(super) fn workload(&self, role: &str) -> Workload {
        self.workloads().into_iter().find(|workload| workload.role == role).unwrap()
    }
}

/// When an object is made, where that is not with the others.
pub(super) fn hook(object: &Value) -> Option<&str> {
    object["metadata"]["annotations"]["helm.sh/hook"].as_str()
}

/// What the values call the `Secret`s and `ConfigMap`s that are not the chart's.
fn names(values: &Value, out: &mut BTreeSet<String>) {
    const KEYS: [&str; 6] = ["existing", "existingSecret", "configMap", "tlsSecret", "secretName", "name"];
    match values {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(name) if KEYS.contains(&key.as_str()) => drop(out.insert(name.clone())),
                    value => names(value, out),
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                names(item, out);
            }
        }
        _ => {}
    }
}

impl Workload {
    fn of(rendering: &'static str, object: &Value) -> Option<Self> {
        let template = match object["kind"].as_str().unwrap() {
            "Deployment" | "StatefulSet" | "Job" => &object["spec"]["template"],
            "Pod" => object,
            _ => return None,
        };
        let labels = template["metadata"]["labels"].clone();
        Some(Self {
            rendering,
            role: labels["app.kubernetes.io/component"].as_str().unwrap().to_owned(),
            object: object.clone(),
            labels,
            pod: template["spec"].clone(),
        })
    }

    pub(super) fn containers(&self) -> &[Value] {
        self.pod["containers"].as_array().unwrap()
    }

    pub(super) fn volumes(&self) -> Vec<Value> {
        self.pod["volumes"].as_array().unwrap().clone()
    }

    /// The environment of its only container.
    pub(super) fn variables(&self) -> BTreeMap<String, String> {
        let [container] = self.containers() else { panic!("{self}") };
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let variables = container["env"].as_array().unwrap();
        let by_name: BTreeMap<_, _> =
            variables.iter().map(|variable| (text(&variable["name"]), text(&variable["value"]))).collect();
        assert_eq!(by_name.len(), variables.len(), "{self}: a variable is there twice");
        by_name
    }

    /// The numbers of its ports by their names.
    pub(super) fn ports(&self) -> BTreeMap<String, u64> {
        let ports = self.containers().iter().filter_map(|container| container["ports"].as_array()).flatten();
        ports
            .map(|port| (port["name"].as_str().unwrap().to_owned(), port["containerPort"].as_u64().unwrap()))
            .collect()
    }

    /// Whether `matchLabels` and `matchExpressions`, or a service's selector, mean its pods.
    pub(super) fn is_selected_by(&self, selector: &Value) -> bool {
        let has = |labels: &Value| {
            labels.as_object().unwrap().iter().all(|(label, value)| self.labels[label] == *value)
        };
        if !selector["matchLabels"].is_object() {
            return has(selector);
        }
        let expressions = selector["matchExpressions"].as_array().map_or(&[][..], Vec::as_slice);
        has(&selector["matchLabels"])
            && expressions.iter().all(|expression| {
                assert_eq!(expression["operator"], "In");
                let label = &self.labels[expression["key"].as_str().unwrap()];
                expression["values"].as_array().unwrap().contains(label)
            })
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.rendering, self.object["kind"], self.object["metadata"]["name"])
    }
}
