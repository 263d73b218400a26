//! `granary completions`

use clap_complete::Shell;

pub(crate) fn run(shell: Shell) {
    clap_complete::generate(shell, &mut crate::arguments::command(), "granary", &mut std::io::stdout());
}
