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
    std::iter::once(file).chain(settings).collect()
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
/// A file cannot be read, a key is unknown, a value is not what its setting takes: the message says which, what was
/// expected and where it came from.
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
        }
    }
    let settings = figment.extract().map_err(Box::new).context("the settings cannot be used")?;
    Ok(Loaded { settings, figment })
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
