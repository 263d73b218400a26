//! What a role says once it runs: where it is.

use granary_service::logging::Format;

/// Tells people on standard output; where the log is for machines, it goes there, as a line of text among JSON would be an error to them.
pub(crate) fn announce(format: Format, what: &'static str, places: &[(&'static str, String)]) {
    match format {
        Format::Text => say!("{what}\n{}", lines(places)),
        Format::Json => {
            for (part, address) in places {
                tracing::info!(part, address, "{what}");
            }
        }
    }
}

/// A line for each.
pub(crate) fn lines(places: &[(&'static str, String)]) -> String {
    let lines: Vec<_> = places.iter().map(|(part, address)| format!("  {part:<17}{address}")).collect();
    lines.join("\n")
}
