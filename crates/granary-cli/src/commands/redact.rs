//! `granary redact`

use std::io::{BufRead, Write};

use anyhow::Context;
use granary_redact::Redactor;

use crate::arguments::Redact;
use crate::settings::Settings;

pub(crate) fn run(settings: &Settings, command: &Redact) -> anyhow::Result<()> {
    let redactor = Redactor::new(&settings.redact).context("the redaction rules cannot be used")?;
    match command {
        Redact::Try => try_lines(&redactor),
        Redact::Rules => {
            redactor.counts().rules.iter().for_each(|rule| say!("{}", rule.rule));
            Ok(())
        }
    }
}

/// Redacts standard input line by line; which rules fired, and how often, goes to standard error.
fn try_lines(redactor: &Redactor) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let mut input = std::io::stdin().lock();
    let mut line = Vec::new();
    // By bytes: a line that is no text is still shown, with its bytes replaced.
    while input.read_until(b'\n', &mut line).context("standard input cannot be read")? > 0 {
        let text = String::from_utf8_lossy(&line);
        out.write_all(redactor.redact_text(&text).as_bytes())?;
        line.clear();
    }
    out.flush()?;
    for rule in redactor.counts().fired() {
        eprintln!("{:>6}  {}", rule.count, rule.rule);
    }
    Ok(())
}
