//! Defaults, file, environment and flags, laid over one another.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, value_parser};
use figment::providers::{Format, Serialized, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::Settings;
use super::keys::{KEYS, Key};

/// The settings in force and where each comes from.
pub(crate) struct Loaded {
    pub(crate) settings: Settings,
    figment: Figment,
}

impl Loaded {
    /// Each setting with its value in force and its source, secrets hidden.
    pub(crate) fn rows(&self) -> Vec<(&'static Key, String, String)> {
        KEYS.iter()
            .map(|key| {
                let value = match self.figment.find_value(key.path) {
                    Ok(value) if key.is_secret && value.as_str().is_some_and(|text| !text.is_empty()) => {
                        "***".to_owned()
                    }
                    Ok(value) => plain(&value),
                    Err(_) => String::new(),
                };
                let source = self.figment.find_metadata(key.path).map_or_else(|| DEFAULT.to_owned(), source);
                (key, value, source)
            })
            .collect()
    }
}

const DEFAULT: &str = "default";

fn source(metadata: &Metadata) -> String {
    match &metadata.source {
        Some(figment::Source::File(path)) => format!("file {}", path.display()),
        _ => metadata.name.to_string(),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(_, text) => text.clone(),
        Value::Bool(_, truth) => truth.to_string(),
        Value::Empty(..) => String::new(),
        other => serde_json::to_string(other).unwrap_or_default(),
    }
}

/// The flags of all settings, with their environment variables.
pub(crate) fn arguments() -> Vec<Arg> {
    let file = Arg::new(FILE)
        .long("config")
        .env("GRANARY_CONFIG")
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .global(true)
        .help_heading("General")
        .help(
            "Read settings from this TOML file; granary.toml in the user's configuration folder by default",
        );
    let settings = KEYS.iter().map(|key| {
        Arg::new(key.path)
            .long(key.flag())
            .env(key.variable())
            .hide_env_values(true)
            .value_name("VALUE")
            .global(true)
            // The short help of each command stays readable; --help has them all.
            .hide_short_help(!IN_SHORT_HELP.contains(&key.path))
            .help_heading(key.section())
            .help(key.help)
    });
    // A secret can stand in a file of its own, as containers get theirs.
    let files = KEYS.iter().filter_map(|key| {
        let variable = key.file_variable()?;
        let arg = Arg::new(variable.clone())
            .long(format!("{}-file", key.flag()))
            .env(variable)
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .global(true)
            .hide_short_help(true)
            .help_heading(key.section())
            .help(format!("Read {} from this file; a line's end behind it does not belong to it", key.path));
        Some(arg)
    });
    std::iter::once(file).chain(settings).chain(files).collect()
}

const FILE: &str = "config_file";

const IN_SHORT_HELP: [&str; 8] = [
    "data_dir",
    "log.level",
    "engine.http",
    "clickhouse.url",
    "ingest.grpc",
    "ingest.http",
    "archive.url",
    "gateway.listen",
];

/// Lays everything over everything.
///
/// # Errors
///
/// A file cannot be read, a key is unknown, a value is not what its setting takes, a secret is given twice: the message
/// says which, what was expected and where it came from.
pub(crate) fn load(matches: &ArgMatches) -> anyhow::Result<Loaded> {
    let mut figment =
        Figment::from(Named { name: DEFAULT.to_owned(), inner: Serialized::defaults(Settings::default()) });
    if let Some(file) = matches.get_one::<PathBuf>(FILE) {
        if !file.is_file() {
            bail!("the configuration file {} is not there", file.display());
        }
        figment = figment.merge(Toml::file_exact(file));
    } else if let Some(file) = dirs::config_dir().map(|dir| dir.join("granary").join("granary.toml"))
        && file.is_file()
    {
        figment = figment.merge(Toml::file_exact(file));
    }
    for wanted in [ValueSource::EnvVariable, ValueSource::CommandLine] {
        for key in KEYS {
            if matches.value_source(key.path) == Some(wanted)
                && let Some(text) = matches.get_one::<String>(key.path)
            {
                let name = if wanted == ValueSource::EnvVariable {
                    format!("environment {}", key.variable())
                } else {
                    format!("flag --{}", key.flag())
                };
                figment = figment.merge(OneSetting { key, text: text.clone(), name });
            }
            if let Some((text, name)) = secret_of_file(key, matches, wanted)? {
                figment = figment.merge(OneSetting { key, text, name });
            }
        }
    }
    let settings: Settings = figment.extract().map_err(Box::new).context("the settings cannot be used")?;
    if settings.clickhouse.shared_merge_tree && settings.clickhouse.cluster().is_some() {
        bail!(
            "clickhouse.cluster and clickhouse.shared_merge_tree exclude one another: a service with SharedMergeTree has no \
             shards of ours, and its servers share what they have"
        );
    }
    Ok(Loaded { settings, figment })
}

/// The secret in the file that the environment or a flag names for this setting, and where that is.
fn secret_of_file(
    key: &Key,
    matches: &ArgMatches,
    wanted: ValueSource,
) -> anyhow::Result<Option<(String, String)>> {
    let Some(variable) = key.file_variable() else { return Ok(None) };
    if matches.value_source(&variable) != Some(wanted) {
        return Ok(None);
    }
    let Some(path) = matches.get_one::<PathBuf>(&variable) else { return Ok(None) };
    if matches.value_source(key.path) == Some(wanted) {
        bail!("{} is given twice, by its value and by the file {}; leave one out", key.path, path.display());
    }
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read from the file {}", key.path, path.display()))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        bail!("the file {} for {} is empty", path.display(), key.path);
    }
    Ok(Some((text.to_owned(), format!("file {}", path.display()))))
}

/// A provider under another name.
struct Named<P> {
    name: String,
    inner: P,
}

impl<P: Provider> Provider for Named<P> {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        self.inner.data()
    }
}

/// One setting from the environment or a flag.
struct OneSetting {
    key: &'static Key,
    text: String,
    name: String,
}

impl Provider for OneSetting {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name.clone()).interpolater(|_, path| path.join("."))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let value = if self.key.is_text {
            Value::from(self.text.clone())
        } else {
            // Numbers, booleans and lists where the text is one, else the text.
            self.text.parse::<Value>().unwrap_or_else(|error| match error {})
        };
        let dict = self
            .key
            .path
            .rsplit('.')
            .fold(value, |inner, name| Value::from(Dict::from([(name.to_owned(), inner)])));
        let dict = dict.into_dict().unwrap_or_default();
        Ok(Map::from([(Profile::Default, dict)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(arguments: &[&str]) -> anyhow::Result<Loaded> {
        let command = clap::Command::new("granary").args(super::arguments());
        load(&command.try_get_matches_from([&["granary"], arguments].concat()).unwrap())
    }

    fn said(arguments: &[&str]) -> String {
        loaded(arguments).err().unwrap().to_string()
    }

    #[test]
    fn a_secret_is_read_from_its_file_without_the_line_s_end_and_is_not_shown() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("password");
        for (text, password) in [("s3cret\n", "s3cret"), ("s3cret\r\n", "s3cret"), (" s3 \n\n", " s3 \n")] {
            std::fs::write(&file, text).unwrap();
            let loaded = loaded(&["--clickhouse-password-file", file.to_str().unwrap()]).unwrap();
            assert_eq!(loaded.settings.clickhouse.password, password);
            let rows = loaded.rows();
            let (_, value, source) = rows.iter().find(|(key, ..)| key.path == "clickhouse.password").unwrap();
            assert_eq!((value.as_str(), source), ("***", &format!("file {}", file.display())));
        }
    }

    #[test]
    fn a_secret_s_file_that_cannot_be_used_is_named_with_its_setting() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("missing");
        let missing = missing.to_str().unwrap();
        let said_of_missing = said(&["--redact-hash-key-file", missing]);
        assert_eq!(said_of_missing, format!("redact.hash_key cannot be read from the file {missing}"));
        let empty = dir.path().join("empty");
        std::fs::write(&empty, "\n").unwrap();
        let said_of_empty = said(&["--redact-hash-key-file", empty.to_str().unwrap()]);
        assert_eq!(said_of_empty, format!("the file {} for redact.hash_key is empty", empty.display()));
    }

    #[test]
    fn a_secret_that_is_given_twice_is_refused() {
        let said =
            said(&["--clickhouse-password", "a", "--clickhouse-password-file", "/run/secrets/password"]);
        let expected = "clickhouse.password is given twice, by its value and by the file /run/secrets/password; leave one out";
        assert_eq!(said, expected);
    }

    #[test]
    fn every_secret_has_a_file_and_nothing_else_has() {
        for key in KEYS {
            let file = key.file_variable();
            assert_eq!(file.is_some(), key.is_secret, "{}", key.path);
        }
    }
}
