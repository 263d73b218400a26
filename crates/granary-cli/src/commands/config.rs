//! `granary config`

use std::io::IsTerminal;

use crate::arguments::ConfigFormat;
use crate::output;
use crate::settings::Loaded;

pub(crate) fn run(loaded: &Loaded, format: Option<ConfigFormat>) -> anyhow::Result<()> {
    let usual = if std::io::stdout().is_terminal() { ConfigFormat::Table } else { ConfigFormat::Toml };
    match format.unwrap_or(usual) {
        ConfigFormat::Table => {
            let mut table = output::table(["setting", "value", "from"]);
            for (key, value, source) in loaded.rows() {
                table.add_row([key.path.to_owned(), value, source]);
            }
            say!("{table}");
        }
        ConfigFormat::Toml => {
            for (key, value, source) in loaded.rows() {
                let value = if value.is_empty() {
                    String::new()
                } else if key.is_text || !is_toml(&value) {
                    serde_json::to_string(&value)?
                } else {
                    value
                };
                let comment = if value.is_empty() { "# " } else { "" };
                say!("{comment}{} = {value}  # {source}", key.path);
            }
        }
    }
    Ok(())
}

/// Whether a value stands in TOML as it is; text does not.
fn is_toml(value: &str) -> bool {
    value.parse::<f64>().is_ok() || matches!(value, "true" | "false") || value.starts_with(['[', '{'])
}
