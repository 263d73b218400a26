//! What an error says of its causes.

/// An error's message with those of what caused it: a client's own says only that it failed. Some say their cause themselves; it is not
/// said again.
#[must_use]
pub fn with_cause(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Failure {
        #[error("port 80 cannot be had: {source}; choose another")]
        Telling { source: std::io::Error },
        #[error("the request failed")]
        Silent { source: Box<Failure> },
    }

    #[test]
    fn every_cause_is_said_once() {
        let telling = Failure::Telling { source: std::io::Error::other("it is taken") };
        assert_eq!(with_cause(&telling), "port 80 cannot be had: it is taken; choose another");
        let silent = Failure::Silent { source: Box::new(telling) };
        assert_eq!(
            with_cause(&silent),
            "the request failed: port 80 cannot be had: it is taken; choose another"
        );
    }
}
