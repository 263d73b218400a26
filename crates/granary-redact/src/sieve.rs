//! Could any of many literals be in a text? A coarse answer, several times as fast as the exact one.
//!
//! Of each literal three neighbouring bytes are remembered, by class rather than by value: letters without their
//! case, the digits that the literals have, some marks, and all the rest as one class. A text without any of these
//! triples has none of the literals. The loop has no branch and no long chain of dependent loads, which
//! is what an automaton's speed is bound by.

/// How many bits a class takes.
const CLASS_BITS: u32 = 5;

/// The class of bytes that no other class is for, digits that no literal has among them.
const OTHER: u8 = 28;

/// No class, but a bit that every triple has: a byte with it is enough by itself.
const FLAG: u32 = 1 << 31;

/// Letters from the most frequent one in English text to the rarest. What is rare makes a good triple.
const LETTERS_BY_FREQUENCY: &[u8; 26] = b"etaoinsrhldcumfpgwybvkxjqz";

/// How rare the classes of digits and marks are, on the scale of the letters' places.
const MARK_RARITY: usize = 6;

/// What stands in most records of this telemetry, though the letters are not frequent ones.
const FREQUENT: &str =
    "bash vscode token cache creation query_source toolu_ prompt.id tool_use_id claude_code session.id";

/// How much a triple is worth less for standing there.
const FREQUENT_COST: usize = 12;

/// The triples of some literals.
#[derive(Debug)]
pub(crate) struct Sieve {
    /// The class of each byte.
    classes: [u8; 256],
    /// The bit of each byte's class, and [`FLAG`] for some.
    bits: [u32; 256],
    /// By the first two classes of a triple, the bits of the third.
    thirds: Box<[u32; 1 << (2 * CLASS_BITS)]>,
}

impl Sieve {
    pub(crate) fn new<'a>(literals: impl Iterator<Item = &'a str>) -> Self {
        let mut sieve = Self {
            classes: std::array::from_fn(class_of),
            bits: std::array::from_fn(|byte| 1 << class_of(byte)),
            thirds: Box::new([FLAG; 1 << (2 * CLASS_BITS)]),
        };
        for literal in literals {
            sieve.add(literal.as_bytes());
        }
        sieve
    }

    fn add(&mut self, literal: &[u8]) {
        let classes: Vec<u8> = literal.iter().map(|byte| class_of(usize::from(*byte))).collect();
        let best = classes.windows(3).max_by_key(|triple| worth(triple)).filter(|triple| worth(triple) > 0);
        match (best, literal.first()) {
            (Some(&[first, second, third]), _) => self.thirds[pair(first, second)] |= 1 << third,
            (_, Some(byte)) => {
                self.bits[usize::from(byte.to_ascii_lowercase())] |= FLAG;
                self.bits[usize::from(byte.to_ascii_uppercase())] |= FLAG;
            }
            _ => {}
        }
    }

    /// Whether a text could have one of the literals.
    pub(crate) fn lets_through(&self, text: &[u8]) -> bool {
        let (mut first, mut second) = (OTHER, OTHER);
        let mut hits = 0;
        let mut look = |byte: u8| {
            hits |= self.thirds[pair(first, second)] & self.bits[usize::from(byte)];
            (first, second) = (second, self.classes[usize::from(byte)]);
        };
        // In steps of a known length the compiler keeps the classes in registers.
        let (fours, rest) = text.as_chunks::<4>();
        for four in fours {
            for byte in four {
                look(*byte);
            }
        }
        for byte in rest {
            look(*byte);
        }
        hits != 0
    }
}

fn pair(first: u8, second: u8) -> usize {
    (usize::from(first) << CLASS_BITS | usize::from(second)) % (1 << (2 * CLASS_BITS))
}

/// The class of a byte. `x` and `z`, `j` and `q` are rare enough to share one.
fn class_of(byte: usize) -> u8 {
    match u8::try_from(byte).unwrap_or_default().to_ascii_lowercase() {
        b'z' => b'x' - b'a',
        b'q' => b'j' - b'a',
        letter @ b'a'..=b'y' => letter - b'a',
        b'0' => b'q' - b'a',
        b'1' => b'z' - b'a',
        b'2' => 26,
        b'7' => 27,
        b'-' | b'_' => 29,
        b'.' => 30,
        _ => OTHER,
    }
}

/// How seldom a triple stands in a text without the literal; 0 where it is no help.
fn worth(triple: &[u8]) -> usize {
    let frequent: Vec<u8> = FREQUENT.bytes().map(|byte| class_of(usize::from(byte))).collect();
    let cost = if frequent.windows(3).any(|other| other == triple) { FREQUENT_COST } else { MARK_RARITY };
    triple.iter().map(|class| rarity(*class)).sum::<usize>().saturating_sub(cost)
}

fn rarity(class: u8) -> usize {
    match b'a' + class {
        b'q' | b'z' => MARK_RARITY,
        letter @ b'a'..=b'y' => {
            LETTERS_BY_FREQUENCY.iter().position(|other| *other == letter).unwrap_or_default()
        }
        _ if class == OTHER => 0,
        _ => MARK_RARITY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Some that have no good triple among them.
    const LITERALS: [&str; 9] = ["sk-", "@", "10.", "192.168.", "password", "%40", "token=", "eyJ", "tee"];

    #[test]
    fn what_telemetry_is_made_of_is_held_back() {
        let sieve = Sieve::new(LITERALS[..8].iter().copied());
        for text in [
            "session.id",
            "3f0ba2f4-77de-4000-8000-000000000001",
            "2026-11-20T09:08:11.069Z",
            "claude_code.api_request",
        ] {
            assert!(!sieve.lets_through(text.as_bytes()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_with_a_literal_is_held_back(
            before in ".{0,20}",
            literal in prop::sample::select(LITERALS.to_vec()),
            after in ".{0,20}",
            upper in any::<bool>(),
        ) {
            let literal = if upper { literal.to_uppercase() } else { literal.to_owned() };
            let text = format!("{before}{literal}{after}");
            prop_assert!(Sieve::new(LITERALS.into_iter()).lets_through(text.as_bytes()));
        }
    }
}
