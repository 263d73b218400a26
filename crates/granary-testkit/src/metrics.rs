//! Names of metrics, as Granary tells them and as its documentation has them.

use std::collections::BTreeSet;

/// The words of a text that begin as Granary's metrics do.
#[must_use]
pub fn metrics_in(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("granary_"))
        .map(str::to_owned)
        .collect()
}

/// The metrics in the tables of a source's documentation.
#[must_use]
pub fn metrics_documented(source: &str) -> BTreeSet<String> {
    let is_row = |line: &&str| line.starts_with("//! |") || line.starts_with("/// |");
    source.lines().filter(is_row).flat_map(metrics_in).collect()
}

/// The series that an exposition's `# TYPE` lines promise, a histogram by its name alone.
#[must_use]
pub fn metrics_told(exposition: &str) -> BTreeSet<String> {
    exposition
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .map(|(name, kind)| if kind == "counter" { format!("{name}_total") } else { name.to_owned() })
        .collect()
}
