//! What does a request cost?
//!
//! List prices per token in nano-dollars, which makes every price and every sum a whole number.

use crate::dice::real;

/// A model the simulated agents use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Model {
    /// The one most people work with.
    Sonnet46,
    /// Slower and dearer.
    Opus46,
    /// Small: subagents that search, titles, a few people's choice.
    Haiku45,
}

/// The price of one token of each kind, in nano-dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// Read without a cache.
    pub input: u64,
    /// Written by the model.
    pub output: u64,
    /// Read from the cache.
    pub cache_read: u64,
    /// Written to the cache.
    pub cache_creation: u64,
}

/// Tokens of one request, or of many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Read without a cache.
    pub input: u64,
    /// Written by the model.
    pub output: u64,
    /// Read from the cache.
    pub cache_read: u64,
    /// Written to the cache.
    pub cache_creation: u64,
}

impl Model {
    /// Lists every model.
    pub const ALL: [Self; 3] = [Self::Sonnet46, Self::Opus46, Self::Haiku45];

    /// Returns the name that stands in the telemetry.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sonnet46 => "claude-sonnet-4-6",
            Self::Opus46 => "claude-opus-4-6",
            Self::Haiku45 => "claude-haiku-4-5",
        }
    }

    /// Returns the model with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|model| model.name() == name)
    }

    /// Returns the list price.
    pub const fn price(self) -> Price {
        match self {
            Self::Sonnet46 => Price { input: 3_000, output: 15_000, cache_read: 300, cache_creation: 3_750 },
            Self::Opus46 => Price { input: 5_000, output: 25_000, cache_read: 500, cache_creation: 6_250 },
            Self::Haiku45 => Price { input: 1_000, output: 5_000, cache_read: 100, cache_creation: 1_250 },
        }
    }

    /// Says whether requests to the model carry an effort.
    pub(crate) const fn has_effort(self) -> bool {
        !matches!(self, Self::Haiku45)
    }

    /// Returns the median time to the first token in milliseconds, and how many tokens follow in a second.
    pub(crate) const fn pace(self) -> (f64, f64) {
        match self {
            Self::Sonnet46 => (1_400.0, 75.0),
            Self::Opus46 => (2_100.0, 58.0),
            Self::Haiku45 => (620.0, 150.0),
        }
    }
}

impl Price {
    /// Returns what the tokens cost, exactly.
    pub const fn cost_nano_usd(self, tokens: Tokens) -> u64 {
        self.input * tokens.input
            + self.output * tokens.output
            + self.cache_read * tokens.cache_read
            + self.cache_creation * tokens.cache_creation
    }

    /// Returns what the client reports: the same in dollars, added up in floating point, with the error in the last
    /// digits that a warehouse has to round away.
    pub fn reported_usd(self, tokens: Tokens) -> f64 {
        let part = |count: u64, nano: u64| real(count) / 1e6 * (real(nano) / 1e3);
        part(tokens.input, self.input)
            + part(tokens.output, self.output)
            + part(tokens.cache_read, self.cache_read)
            + part(tokens.cache_creation, self.cache_creation)
    }
}

impl Tokens {
    /// Returns how many they are together.
    pub const fn total(self) -> u64 {
        self.input + self.output + self.cache_read + self.cache_creation
    }
}

impl std::ops::AddAssign for Tokens {
    fn add_assign(&mut self, other: Self) {
        self.input += other.input;
        self.output += other.output;
        self.cache_read += other.cache_read;
        self.cache_creation += other.cache_creation;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::whole;

    #[test]
    fn a_captured_request_costs_what_the_client_said() {
        let haiku = Tokens { input: 1206, output: 1488, cache_read: 77_507, cache_creation: 630 };
        let opus = Tokens { input: 326, output: 277, cache_read: 57_421, cache_creation: 3413 };
        assert_eq!(Model::Haiku45.price().cost_nano_usd(haiku), 17_184_200);
        assert_eq!(Model::Opus46.price().cost_nano_usd(opus), 58_596_750);
    }

    #[test]
    fn the_reported_dollars_round_to_the_exact_cost() {
        let tokens = Tokens { input: 1247, output: 1213, cache_read: 18_506, cache_creation: 920 };
        for model in Model::ALL {
            let price = model.price();
            assert_eq!(whole(price.reported_usd(tokens) * 1e9), price.cost_nano_usd(tokens));
        }
    }
}
