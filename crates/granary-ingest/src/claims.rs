//! Which of several receivers stores an event that came to more than one of them.
//!
//! Every receiver asks all others before it delivers, and exactly one may keep the event. What a receiver knows of an event:
//!
//! | | means | when another asks |
//! |---|---|---|
//! | nothing | it has not come here, or long ago | it is theirs from now on |
//! | asking | it is in the log here, and the others are being asked | it is theirs if their instance is the lower one; else no |
//! | mine | nobody objected: it is delivered from here | no |
//! | theirs | another has it | yes |
//!
//! *At most one has it as its own*: of two, the one that was answered yes has made the other's state `theirs` with that
//! answer, and who finds `theirs` when it settles leaves the event out. *At least one does*: who leaves an event out yields to
//! one that was asking, and lower, or had it as its own already; the lowest that asks yields to nobody but the latter.
//! One that yielded before it asked never asks, so nobody yields to it.
//!
//! Both hold as long as receivers reach one another. What holds where one is away is said in [`crate::peers`].

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use granary_model::EventId;

use crate::recent::Recent;

/// One life of a receiver: drawn by lot at its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instance(pub(crate) u128);

impl Instance {
    pub(crate) fn new() -> Self {
        Self(rand::random())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Asking,
    Mine,
    Theirs,
}

/// What this receiver knows of the events that came lately, here and elsewhere.
#[derive(Debug)]
pub(crate) struct Claims {
    me: Instance,
    known: Mutex<Recent<State>>,
}

impl Claims {
    /// Remembers events for at least that time, or the latest half of so many.
    pub(crate) fn new(me: Instance, time: Duration, events: usize) -> Self {
        Self { me, known: Mutex::new(Recent::new(time, events.max(2))) }
    }

    pub(crate) fn me(&self) -> Instance {
        self.me
    }

    /// Says what an earlier life had settled: whether an event is delivered from here.
    pub(crate) fn recovered(&self, id: EventId, is_mine: bool) {
        set(&mut self.lock(), id, if is_mine { State::Mine } else { State::Theirs });
    }

    /// Begins to ask for events that are in the log; the result is those that the others must be asked for.
    pub(crate) fn ask(&self, ids: &[EventId]) -> Vec<EventId> {
        let mut known = self.lock();
        let mut asked = Vec::with_capacity(ids.len());
        for id in ids {
            match known.get_mut(*id) {
                // One that is mine is in the log twice: it came again after the window had passed.
                Some(State::Mine | State::Theirs) => continue,
                Some(State::Asking) => {}
                None => add(&mut known, *id, State::Asking),
            }
            asked.push(*id);
        }
        asked
    }

    /// Answers another receiver that asks for events: those that it must leave out, by their place in the list.
    pub(crate) fn asked_by(&self, other: Instance, ids: &[EventId]) -> Vec<u32> {
        if other == self.me {
            return Vec::new();
        }
        let mut known = self.lock();
        let mut denied = Vec::new();
        for (at, id) in (0..).zip(ids) {
            match known.get_mut(*id) {
                Some(State::Mine) => denied.push(at),
                Some(State::Asking) if self.me < other => denied.push(at),
                Some(state) => *state = State::Theirs,
                None => add(&mut known, *id, State::Theirs),
            }
        }
        denied
    }

    /// Settles events after the others have answered, and says which are to be left out. From here on the rest is
    /// delivered from here, whoever asks.
    pub(crate) fn settle(
        &self,
        ids: &[EventId],
        denied: impl IntoIterator<Item = EventId>,
    ) -> HashSet<EventId> {
        let mut known = self.lock();
        for id in denied {
            set(&mut known, id, State::Theirs);
        }
        let mut left_out = HashSet::new();
        for id in ids {
            match known.get_mut(*id) {
                Some(State::Theirs) => drop(left_out.insert(*id)),
                Some(state) => *state = State::Mine,
                None => add(&mut known, *id, State::Mine),
            }
        }
        left_out
    }

    /// How many events are known.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, Recent<State>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn set(known: &mut Recent<State>, id: EventId, state: State) {
    match known.get_mut(id) {
        Some(of) => *of = state,
        None => add(known, id, state),
    }
}

fn add(known: &mut Recent<State>, id: EventId, state: State) {
    known.turn_if_due();
    known.insert(id, state);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    fn claims(me: u128) -> Claims {
        Claims::new(Instance(me), LONG, 1_000_000)
    }

    #[test]
    fn the_one_that_asked_first_has_it_and_the_other_leaves_it_out() {
        let (first, second) = (claims(2), claims(1));
        let ids = [EventId(7)];
        assert_eq!(first.ask(&ids), ids);
        assert!(second.asked_by(first.me(), &ids).is_empty());
        assert!(first.settle(&ids, []).is_empty());
        assert!(second.ask(&ids).is_empty(), "there is nothing to ask");
        assert_eq!(second.settle(&ids, []), HashSet::from(ids));
        assert_eq!(first.asked_by(Instance(3), &ids), [0], "what is settled stays so");
    }

    #[test]
    fn of_two_that_ask_at_once_the_lower_has_it() {
        let (low, high) = (claims(1), claims(2));
        let ids = [EventId(7), EventId(8)];
        low.ask(&ids);
        high.ask(&ids[..1]);
        assert_eq!(low.asked_by(high.me(), &ids[..1]), [0]);
        assert!(high.asked_by(low.me(), &ids).is_empty());
        assert!(low.settle(&ids, []).is_empty());
        assert_eq!(high.settle(&ids[..1], [ids[0]]), HashSet::from([ids[0]]));
    }

    #[test]
    fn an_earlier_life_is_held_to_what_it_settled() {
        let claims = claims(1);
        claims.recovered(EventId(1), true);
        claims.recovered(EventId(2), false);
        assert_eq!(claims.asked_by(Instance(0), &[EventId(1), EventId(2)]), [0]);
        assert_eq!(claims.settle(&[EventId(1), EventId(2)], []), HashSet::from([EventId(2)]));
    }

    #[test]
    fn no_more_events_are_remembered_than_is_set() {
        let claims = Claims::new(Instance(1), LONG, 100);
        for id in 0..1000 {
            claims.settle(&[EventId(id)], []);
            assert!(claims.len() <= 100);
        }
        assert_eq!(claims.asked_by(Instance(0), &[EventId(999), EventId(951)]), [0, 1]);
    }

    /// What the model's receivers do, in any order: ask one other of theirs, or settle once everybody has answered.
    struct Receiver {
        claims: Claims,
        to_ask: Vec<EventId>,
        denied: BTreeSet<EventId>,
        /// Who has not answered.
        open: Vec<usize>,
        begun: bool,
        settled: Option<HashSet<EventId>>,
    }

    const EVENTS: u128 = 4;

    proptest! {
        #[test]
        fn whatever_the_order_each_event_is_kept_by_exactly_one(
            names in proptest::sample::subsequence((0..16_u128).collect::<Vec<_>>(), 2..5),
            shuffled in any::<u64>(),
            has in prop::collection::vec(1..16_u32, 5),
            steps in prop::collection::vec((0..5_usize, 0..5_usize, any::<bool>()), 0..60),
        ) {
            let mut receivers: Vec<_> = names
                .iter()
                // So that the first in the list is not always the lowest.
                .map(|name| Receiver {
                    claims: claims(name ^ u128::from(shuffled % 16)),
                    to_ask: Vec::new(),
                    denied: BTreeSet::new(),
                    open: Vec::new(),
                    begun: false,
                    settled: None,
                })
                .collect();
            let count = receivers.len();
            let of = |at: usize| -> Vec<EventId> {
                (0..EVENTS).filter(|id| has[at] >> id & 1 == 1).map(EventId).collect()
            };
            let every_one_in_the_end =
                (0..count).flat_map(|at| (0..=count).map(move |step| (at, step, true)));
            let all = steps.into_iter().chain(every_one_in_the_end);
            for (at, other, answers) in all {
                let at = at % count;
                if !receivers[at].begun {
                    receivers[at].begun = true;
                    receivers[at].to_ask = receivers[at].claims.ask(&of(at));
                    receivers[at].open = (0..count).filter(|other| *other != at).collect();
                    continue;
                }
                if receivers[at].settled.is_some() {
                    continue;
                }
                if receivers[at].open.is_empty() {
                    let denied = std::mem::take(&mut receivers[at].denied);
                    let left_out = receivers[at].claims.settle(&of(at), denied);
                    receivers[at].settled = Some(left_out);
                    continue;
                }
                let place = other % receivers[at].open.len();
                let asked = receivers[at].open[place];
                let ids = receivers[at].to_ask.clone();
                let denied = receivers[asked].claims.asked_by(receivers[at].claims.me(), &ids);
                // An answer may be lost; then the same is asked again.
                if answers {
                    receivers[at].denied.extend(denied.iter().map(|place| ids[*place as usize]));
                    receivers[at].open.remove(place);
                }
            }
            for id in (0..EVENTS).map(EventId) {
                let holders: Vec<_> = (0..count).filter(|at| of(*at).contains(&id)).collect();
                let kept = holders.iter().filter(|at| {
                    let left_out = receivers[**at].settled.as_ref().expect("everybody has settled");
                    !left_out.contains(&id)
                });
                prop_assert_eq!(kept.count(), usize::from(!holders.is_empty()));
            }
        }
    }
}
