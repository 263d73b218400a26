//! Which tool does an agent reach for next?
//!
//! A Markov chain: what comes next depends on what was done last. One searches, reads, edits, runs the tests, reads
//! again.

use crate::dice::Dice;

/// A tool of the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    Read,
    Grep,
    Glob,
    Bash,
    Edit,
    Write,
    TodoWrite,
    WebFetch,
    Agent,
    Mcp,
}

/// How likely each tool is after the one before, in the order of [`Tool`].
type Row = [f64; 10];

const ALL: [Tool; 10] = [
    Tool::Read,
    Tool::Grep,
    Tool::Glob,
    Tool::Bash,
    Tool::Edit,
    Tool::Write,
    Tool::TodoWrite,
    Tool::WebFetch,
    Tool::Agent,
    Tool::Mcp,
];

const FIRST: Row = [20.0, 18.0, 10.0, 18.0, 2.0, 1.0, 9.0, 2.5, 12.0, 5.0];

/// One row for each tool done last.
const NEXT: [Row; 10] = [
    [34.0, 13.0, 3.0, 15.0, 26.0, 3.0, 2.0, 1.0, 2.0, 1.0],
    [48.0, 20.0, 4.0, 12.0, 9.0, 0.5, 1.0, 0.5, 2.2, 0.6],
    [55.0, 14.0, 9.0, 12.0, 3.0, 2.0, 0.5, 0.5, 1.2, 0.5],
    [17.0, 7.0, 2.0, 44.0, 19.0, 2.5, 3.5, 0.8, 1.6, 1.0],
    [9.0, 4.0, 0.8, 38.0, 40.0, 2.5, 4.0, 0.3, 0.2, 0.4],
    [6.0, 2.0, 1.0, 52.0, 18.0, 14.0, 6.0, 0.2, 0.2, 0.3],
    [28.0, 10.0, 4.0, 24.0, 20.0, 5.0, 0.5, 1.0, 2.0, 2.0],
    [18.0, 6.0, 2.0, 20.0, 18.0, 6.0, 2.0, 22.0, 0.5, 1.0],
    [36.0, 8.0, 2.0, 16.0, 20.0, 5.0, 7.0, 0.5, 6.0, 1.0],
    [22.0, 10.0, 2.0, 14.0, 12.0, 3.0, 3.0, 1.0, 1.0, 30.0],
];

impl Tool {
    /// Returns the tool to use after this one.
    pub(crate) fn next(dice: &mut Dice, last: Option<Self>, may: impl Fn(Self) -> bool) -> Self {
        let row = last.map_or(&FIRST, |last| &NEXT[last as usize]);
        let choices: Vec<(Self, f64)> = ALL.into_iter().zip(*row).filter(|(tool, _)| may(*tool)).collect();
        dice.weighted(&choices)
    }

    /// Returns the name, if the tool is one of the client's own.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Read => "Read",
            Self::Grep => "Grep",
            Self::Glob => "Glob",
            Self::Bash => "Bash",
            Self::Edit => "Edit",
            Self::Write => "Write",
            Self::TodoWrite => "TodoWrite",
            Self::WebFetch => "WebFetch",
            Self::Agent => "Agent",
            Self::Mcp => "mcp_tool",
        }
    }

    /// Says whether the tool changes files.
    pub(crate) const fn edits(self) -> bool {
        matches!(self, Self::Edit | Self::Write)
    }

    /// Says whether the tool may run without anybody being asked.
    pub(crate) const fn is_harmless(self) -> bool {
        matches!(self, Self::Read | Self::Grep | Self::Glob | Self::TodoWrite | Self::Agent)
    }

    /// Says whether a subagent that only looks around has the tool.
    pub(crate) const fn looks_around(self) -> bool {
        matches!(self, Self::Read | Self::Grep | Self::Glob | Self::Bash | Self::WebFetch)
    }

    /// Says whether one reply of the model may ask for several of it at once.
    pub(crate) const fn runs_beside_others(self) -> bool {
        matches!(self, Self::Read | Self::Grep | Self::Glob)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_comes_by_every_tool() {
        let mut dice = Dice::new(11);
        let mut last = None;
        let mut seen = [0; 10];
        for _ in 0..5_000 {
            let tool = Tool::next(&mut dice, last, |_| true);
            seen[tool as usize] += 1;
            last = Some(tool);
        }
        assert!(seen.iter().all(|&times| times > 10), "{seen:?}");
    }

    #[test]
    fn a_tool_one_does_not_have_is_never_drawn() {
        let mut dice = Dice::new(12);
        for last in [None, Some(Tool::Edit), Some(Tool::Agent)] {
            for _ in 0..500 {
                assert!(Tool::next(&mut dice, last, Tool::looks_around).looks_around());
            }
        }
    }
}
