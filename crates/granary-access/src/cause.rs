//! What an error says of its causes.

/// An error's message with those of what caused it: a client's own says only that it failed.
#[must_use]
pub fn with_cause(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
