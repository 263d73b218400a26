//! What receivers say to one another: 16 bytes of the instance that speaks, then 16 of each event that it asks for, or 4 of
//! each place in the question that it denies; all little-endian.

use bytes::Bytes;
use granary_model::EventId;

use crate::claims::Instance;

const INSTANCE: usize = 16;

/// Asks for events.
pub(super) fn question(me: Instance, ids: &[EventId]) -> Bytes {
    let mut out = Vec::with_capacity(INSTANCE + size_of_val(ids));
    out.extend_from_slice(&me.0.to_le_bytes());
    out.extend(ids.iter().flat_map(|id| id.0.to_le_bytes()));
    out.into()
}

/// `None` if it is no question.
pub(super) fn read_question(body: &[u8]) -> Option<(Instance, Vec<EventId>)> {
    let (instance, ids) = body.split_first_chunk()?;
    let (ids, rest) = ids.as_chunks();
    let ids = ids.iter().map(|id| EventId(u128::from_le_bytes(*id))).collect();
    rest.is_empty().then(|| (Instance(u128::from_le_bytes(*instance)), ids))
}

/// Denies events by their places in the question.
pub(super) fn answer(me: Instance, denied: &[u32]) -> Bytes {
    let mut out = Vec::with_capacity(INSTANCE + size_of_val(denied));
    out.extend_from_slice(&me.0.to_le_bytes());
    out.extend(denied.iter().flat_map(|place| place.to_le_bytes()));
    out.into()
}

/// `None` if it is no answer.
pub(super) fn read_answer(body: &[u8]) -> Option<(Instance, impl Iterator<Item = u32>)> {
    let (instance, places) = body.split_first_chunk()?;
    let (places, rest) = places.as_chunks();
    let places = places.iter().map(|place| u32::from_le_bytes(*place));
    rest.is_empty().then(|| (Instance(u128::from_le_bytes(*instance)), places))
}

/// The most that an answer to a question for so many events has.
pub(super) const fn answer_bytes(events: usize) -> usize {
    INSTANCE + events * size_of::<u32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_understood_and_what_is_cut_short_is_not() {
        let (me, ids) = (Instance(7), [EventId(1), EventId(u128::MAX)]);
        let body = question(me, &ids);
        assert_eq!(read_question(&body), Some((me, ids.to_vec())));
        for length in [0, 15, 17, body.len() - 1] {
            assert_eq!(read_question(&body[..length]), None, "{length}");
        }
        let body = answer(me, &[0, 9]);
        let (other, places) = read_answer(&body).unwrap();
        assert_eq!((other, places.collect::<Vec<_>>()), (me, vec![0, 9]));
        assert!(read_answer(&body[..3]).is_none() && read_answer(&body[..19]).is_none());
    }
}
