//! An event's content follows from its identity, so that the judge can make it again and compare.

/// Which event: the sender's number and its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct EventName {
    pub(crate) sender: u32,
    pub(crate) number: u64,
}

impl EventName {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (sender, number) = text.split_once('/')?;
        Some(Self { sender: sender.parse().ok()?, number: number.parse().ok()? })
    }
}

impl std::fmt::Display for EventName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.sender, self.number)
    }
}

/// All events of a seed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Events {
    seed: u64,
    /// The first event's time, in nanoseconds since 1970.
    start: u64,
}

const KINDS: [&str; 5] = ["api_request", "tool_result", "user_prompt", "api_error", "tool_decision"];
const MODELS: [&str; 3] = ["claude-opus-4-6", "claude-sonnet-4-6", "claude-haiku-4-5"];
const TOOLS: [&str; 4] = ["Bash", "Read", "Edit", "Grep"];
const WORDS: [&str; 8] = ["granary", "barley", "sieve", "mill", "sheaf", "flail", "winnow", "bushel"];
const MILLISECOND: u64 = 1_000_000;

/// What an event says, whatever signal it is.
pub(crate) struct Content {
    pub(crate) payload: String,
    pub(crate) session: String,
    pub(crate) kind: &'static str,
    pub(crate) model: &'static str,
    pub(crate) tool: &'static str,
    pub(crate) input_tokens: u64,
    pub(crate) cost_micro_usd: u64,
    pub(crate) duration_ms: u64,
    /// In nanoseconds since 1970.
    pub(crate) time: u64,
}

impl Events {
    pub(crate) fn new(seed: u64) -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        // A whole hour back: hours and days turn within a long run.
        let start = u64::try_from(now.as_nanos()).unwrap_or_default() / MILLISECOND * MILLISECOND;
        Self { seed, start: start - 3_600_000 * MILLISECOND }
    }

    /// What the event says.
    pub(crate) fn content(self, name: EventName) -> Content {
        let mut dice = Dice(self.seed ^ u64::from(name.sender) << 48 ^ name.number);
        let kind = KINDS[dice.below(KINDS.len())];
        let words = 3 + dice.below(40);
        let mut payload = String::new();
        for _ in 0..words {
            payload.push_str(WORDS[dice.below(WORDS.len())]);
            payload.push(' ');
        }
        Content {
            payload,
            session: format!("oracle-{}-{}", name.sender, name.number / 100),
            kind,
            model: if kind == "api_request" { MODELS[dice.below(MODELS.len())] } else { "" },
            tool: if kind.starts_with("tool") { TOOLS[dice.below(TOOLS.len())] } else { "" },
            input_tokens: if kind == "api_request" { dice.below(100_000) as u64 } else { 0 },
            cost_micro_usd: if kind == "api_request" { dice.below(5_000_000) as u64 } else { 0 },
            duration_ms: dice.below(60_000) as u64,
            time: self.start + name.number * 7 * MILLISECOND + u64::from(name.sender),
        }
    }
}

/// Random numbers that follow from a seed (`SplitMix64`).
#[derive(Debug, Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    #[expect(clippy::cast_possible_truncation, reason = "less than `limit`, which is a usize")]
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}
