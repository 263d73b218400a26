//! How long objects are kept, and in which storage class: the settings, read; and the rules for a bucket.

use std::time::Duration;

use granary_model::TenantId;
use serde_json::{Value, json};

use crate::expire::Rule;
use crate::{ArchiveConfig, ArchiveError};

/// The settings, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Retention {
    keep: Option<Duration>,
    tenants: Vec<(TenantId, Duration)>,
    transitions: Vec<Transition>,
}

/// From which age on objects are in which storage class.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Transition {
    days: u64,
    class: String,
}

/// Classes that a lifecycle rule can move objects to.
const CLASSES: [&str; 6] =
    ["STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"];

const DAY: u64 = 24 * 3_600;

impl Retention {
    /// # Errors
    ///
    /// [`ArchiveError::Config`] with what is wrong with which.
    pub(crate) fn read(config: &ArchiveConfig) -> Result<Self, ArchiveError> {
        let wrong = |problem: String| ArchiveError::Config { problem };
        let keep = (config.keep != Duration::ZERO).then_some(config.keep);
        let tenants = config.keep_tenants.iter().map(|text| {
            let (tenant, keep) = text.rsplit_once('=').ok_or_else(|| {
                wrong(format!("{text:?} of archive.keep_tenants is not as in \"acme=90d\""))
            })?;
            Ok((TenantId::new(tenant.to_owned()), duration("archive.keep_tenants", text, keep)?))
        });
        let transitions = config.transitions.iter().map(|text| {
            let (after, class) = text.split_once('=').ok_or_else(|| {
                wrong(format!("{text:?} of archive.transitions is not as in \"90d=GLACIER_IR\""))
            })?;
            let after = duration("archive.transitions", text, after)?;
            if !CLASSES.contains(&class) {
                let classes = CLASSES.join(", ");
                return Err(wrong(format!(
                    "the class {class:?} of archive.transitions is none of {classes}"
                )));
            }
            if class.ends_with("_IA") && after < Duration::from_secs(30 * DAY) {
                return Err(wrong(format!(
                    "{text:?} of archive.transitions is refused by S3: {class} takes objects from 30d on"
                )));
            }
            Ok(Transition { days: after.as_secs() / DAY, class: class.to_owned() })
        });
        let mut transitions = transitions.collect::<Result<Vec<_>, ArchiveError>>()?;
        transitions.sort_by_key(|transition| transition.days);
        Ok(Self { keep, tenants: tenants.collect::<Result<_, ArchiveError>>()?, transitions })
    }

    /// Each tenant is in exactly one rule.
    pub(crate) fn rules(&self) -> Vec<Rule> {
        let keep = |keep: Duration| (keep != Duration::ZERO).then_some(keep);
        let mut rules: Vec<_> = self
            .tenants
            .iter()
            .map(|(tenant, time)| Rule { tenants: vec![tenant.clone()], others: false, keep: keep(*time) })
            .collect();
        let named = self.tenants.iter().map(|(tenant, _)| tenant.clone()).collect();
        rules.push(Rule { tenants: named, others: true, keep: self.keep });
        rules
    }
}

fn duration(setting: &str, text: &str, of: &str) -> Result<Duration, ArchiveError> {
    humantime::parse_duration(of)
        .map_err(|error| ArchiveError::Config { problem: format!("{text:?} of {setting}: {error}") })
}

/// The lifecycle rules for the bucket, as `aws s3api put-bucket-lifecycle-configuration` takes them.
///
/// They do what the store does better than a job: parts of uploads that were cut off go after a week, replaced versions
/// and what deletions leave in a versioned bucket after a month, and objects move to cheaper classes. They do
/// not delete sessions: the archiver does (`archive.keep`), because it also records that.
///
/// # Errors
///
/// [`ArchiveError::Config`] where the archive is a folder or the settings make no sense.
pub fn bucket_lifecycle(config: &ArchiveConfig) -> Result<Value, ArchiveError> {
    let wrong = |problem: String| ArchiveError::Config { problem };
    let place = config.url.strip_prefix("s3://").ok_or_else(|| {
        wrong(format!("lifecycle rules are a bucket's, and {:?} is a folder; set archive.url", config.url))
    })?;
    let prefix = place.split_once('/').map_or("", |(_, prefix)| prefix.trim_matches('/'));
    let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
    let rule = |id: &str, prefix: &str, what: Value| {
        let mut rule = json!({ "ID": id, "Status": "Enabled", "Filter": { "Prefix": prefix } });
        if let (Some(rule), Value::Object(what)) = (rule.as_object_mut(), what) {
            rule.extend(what);
        }
        rule
    };
    let mut rules = vec![
        rule(
            "granary-incomplete-uploads",
            &prefix,
            json!({ "AbortIncompleteMultipartUpload": { "DaysAfterInitiation": 7 } }),
        ),
        rule(
            "granary-replaced-versions",
            &prefix,
            json!({
                "NoncurrentVersionExpiration": { "NoncurrentDays": 30 },
                "Expiration": { "ExpiredObjectDeleteMarker": true },
            }),
        ),
    ];
    let retention = Retention::read(config)?;
    if !retention.transitions.is_empty() {
        let transitions: Vec<_> = retention
            .transitions
            .iter()
            .map(|Transition { days, class }| json!({ "Days": days, "StorageClass": class }))
            .collect();
        for (id, of) in [("granary-classes", "sessions/"), ("granary-classes-of-tenants", "tenants/")] {
            rules.push(rule(id, &format!("{prefix}{of}"), json!({ "Transitions": transitions })));
        }
    }
    Ok(json!({ "Rules": rules }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(keep_tenants: &[&str], transitions: &[&str]) -> ArchiveConfig {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        ArchiveConfig {
            url: "s3://telemetry/granary".to_owned(),
            keep: Duration::from_secs(365 * DAY),
            keep_tenants: owned(keep_tenants),
            transitions: owned(transitions),
            ..ArchiveConfig::default()
        }
    }

    #[test]
    fn a_tenant_with_a_time_of_its_own_is_in_no_other_rule() {
        let rules = Retention::read(&config(&["acme=90d", "eternal=0s"], &[])).unwrap().rules();
        let [acme, eternal] = ["acme", "eternal"].map(|name| TenantId::new(name.to_owned()));
        let days = |days: u64| Some(Duration::from_secs(days * DAY));
        assert_eq!(
            rules,
            [
                Rule { tenants: vec![acme.clone()], others: false, keep: days(90) },
                Rule { tenants: vec![eternal.clone()], others: false, keep: None },
                Rule { tenants: vec![acme, eternal], others: true, keep: days(365) },
            ]
        );
        let usual = Retention::read(&ArchiveConfig::default()).unwrap().rules();
        assert_eq!(usual, [Rule { tenants: vec![], others: true, keep: None }]);
    }

    #[test]
    fn a_rule_that_makes_no_sense_is_refused_by_name() {
        for (keep, transitions, problem) in [
            (&["acme"][..], &[][..], "\"acme\" of archive.keep_tenants is not as in"),
            (&["acme=soon"], &[], "archive.keep_tenants"),
            (&[], &["GLACIER"], "not as in \"90d=GLACIER_IR\""),
            (&[], &["90d=ICE"], "none of STANDARD_IA"),
            (&[], &["7d=STANDARD_IA"], "from 30d on"),
        ] {
            let error = Retention::read(&config(keep, transitions)).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
    }

    #[test]
    fn the_bucket_s_rules_are_what_aws_takes() {
        let rules = bucket_lifecycle(&config(&[], &["180d=DEEP_ARCHIVE", "30d=STANDARD_IA"])).unwrap();
        assert_eq!(
            rules["Rules"][0],
            json!({
                "ID": "granary-incomplete-uploads",
                "Status": "Enabled",
                "Filter": { "Prefix": "granary/" },
                "AbortIncompleteMultipartUpload": { "DaysAfterInitiation": 7 },
            })
        );
        assert_eq!(
            rules["Rules"][2],
            json!({
                "ID": "granary-classes",
                "Status": "Enabled",
                "Filter": { "Prefix": "granary/sessions/" },
                "Transitions": [
                    { "Days": 30, "StorageClass": "STANDARD_IA" },
                    { "Days": 180, "StorageClass": "DEEP_ARCHIVE" },
                ],
            })
        );
        assert_eq!(rules["Rules"].as_array().unwrap().len(), 4);
        let folder = ArchiveConfig { url: "/var/archive".to_owned(), ..ArchiveConfig::default() };
        assert!(bucket_lifecycle(&folder).unwrap_err().to_string().contains("is a folder"));
    }
}
