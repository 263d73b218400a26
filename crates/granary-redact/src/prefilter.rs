//! Which finders could find something in a text? One pass over its bytes says so, and mostly says: none.
//!
//! Every finder has literals, one of which stands in each text where it can find something. They are looked for
//! together and without regard to ASCII case by one automaton. Card numbers have no literal;
//! see [`card::may_hold`].

use aho_corasick::automaton::Automaton;
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, BuildError, MatchKind, StartKind};

use crate::card;
use crate::sieve::Sieve;

/// Triggers of configured rules are this long at least; shorter ones stand in too many texts. No rule with a
/// trigger matches a shorter text: the one built-in trigger that is shorter is the `@` of an address.
pub(crate) const MIN_TRIGGER_BYTES: usize = 3;

/// In JSON any character may be written as an escape, those of a trigger too. A text with such an escape is
/// looked at when it is JSON.
const ESCAPE: &str = "\\u00";

/// A set of rules or finders by their position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct BitSet(u128);

impl BitSet {
    /// The last bit stands for [`ESCAPE`].
    pub(crate) const CAPACITY: usize = 127;
    const ESCAPED: Self = Self(1 << Self::CAPACITY);

    pub(crate) fn of(position: usize) -> Self {
        debug_assert!(position < Self::CAPACITY);
        Self(1 << position)
    }

    pub(crate) fn insert(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub(crate) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The positions in their order.
    pub(crate) fn iter(self) -> impl Iterator<Item = usize> {
        let mut rest = self.without(Self::ESCAPED).0;
        std::iter::from_fn(move || {
            let position = rest.trailing_zeros() as usize;
            rest &= rest.wrapping_sub(1);
            (position < Self::CAPACITY).then_some(position)
        })
    }
}

/// The automaton and what its patterns stand for.
#[derive(Debug)]
pub(crate) struct Prefilter {
    sieve: Sieve,
    automaton: DFA,
    start: aho_corasick::automaton::StateID,
    /// The finders of each pattern of the automaton.
    finders: Vec<BitSet>,
    /// Finders without triggers, which look at every text.
    untriggered: BitSet,
    /// The finder of card numbers.
    cards: BitSet,
}

impl Prefilter {
    /// Puts the triggers of all finders together; those of the finder of card numbers are not literals.
    pub(crate) fn new<'a>(
        triggers: impl Iterator<Item = &'a [String]>,
        cards: BitSet,
    ) -> Result<Self, BuildError> {
        let mut literals: Vec<(String, BitSet)> = vec![(ESCAPE.to_owned(), BitSet::ESCAPED)];
        let mut untriggered = BitSet::default();
        for (position, triggers) in triggers.enumerate() {
            let finder = BitSet::of(position);
            if triggers.is_empty() && finder != cards {
                untriggered.insert(finder);
            }
            for trigger in triggers {
                let trigger = trigger.to_ascii_lowercase();
                match literals.iter_mut().find(|(literal, _)| *literal == trigger) {
                    Some((_, finders)) => finders.insert(finder),
                    None => literals.push((trigger, finder)),
                }
            }
        }
        let automaton = DFA::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .start_kind(StartKind::Unanchored)
            .prefilter(false)
            .build(literals.iter().map(|(literal, _)| literal))?;
        Ok(Self {
            sieve: Sieve::new(literals.iter().map(|(literal, _)| literal.as_str())),
            start: automaton
                .start_state(Anchored::No)
                .expect("the automaton is built for unanchored searches"),
            automaton,
            finders: literals.into_iter().map(|(_, finders)| finders).collect(),
            untriggered,
            cards,
        })
    }

    /// The finders that could find something in the text.
    pub(crate) fn candidates(&self, text: &str) -> BitSet {
        let mut found = self.untriggered;
        if text.len() < MIN_TRIGGER_BYTES {
            return found;
        }
        if self.sieve.lets_through(text.as_bytes()) {
            found.insert(self.triggered(text));
        }
        if !self.cards.is_empty() && card::may_hold(text.as_bytes()) {
            found.insert(self.cards);
        }
        found
    }

    /// The finders that have a trigger in the text.
    fn triggered(&self, text: &str) -> BitSet {
        let mut found = BitSet::default();
        let mut state = self.start;
        for &byte in text.as_bytes() {
            state = self.automaton.next_state(Anchored::No, state, byte);
            if self.automaton.is_match(state) {
                for index in 0..self.automaton.match_len(state) {
                    found.insert(self.finders[self.automaton.match_pattern(state, index)]);
                }
            }
        }
        found
    }
}
