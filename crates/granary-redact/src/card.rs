//! Where in a text is a card number?
//!
//! Thirteen to nineteen digits, in one run or in the groups that are printed on cards, with a prefix that an
//! issuer has and a check digit that is right (ISO/IEC 7812). All of it is asked for: timestamps in
//! nanoseconds, request ids and UUIDs are long runs of digits too, and one in ten of them has a right check digit.

use std::ops::Range;

/// The shortest and the longest card number.
const DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// How many bytes are looked at together, and by how many the next look begins further on: a run of thirteen
/// bytes is whole in one of them.
const WINDOW: usize = 64;
const WINDOW_STEP: usize = 48;

/// Whether the text could hold a card number: thirteen bytes in a row that are digits or single separators
/// between digits, with enough digits among them.
///
/// Ids are full of digits and take different turns each, so this has no branch per byte.
pub(crate) fn may_hold(text: &[u8]) -> bool {
    (0..text.len().saturating_sub(*DIGITS.start() - 1)).step_by(WINDOW_STEP).any(|start| {
        let window = &text[start..(start + WINDOW).min(text.len())];
        runs_of_thirteen(bits_of(window, is_roughly_a_part)) != 0 && window_may_hold(text, start, window)
    })
}

fn window_may_hold(text: &[u8], start: usize, window: &[u8]) -> bool {
    let separators = bits_of(window, is_separator_byte);
    let digits = bits_of(window, is_digit_byte);
    let mut runs = runs_of_thirteen(digits | (separators & (digits << 1) & (digits >> 1)));
    while runs != 0 {
        let first = runs.trailing_zeros();
        if has_enough_digits(text, &run_around(text, start + first as usize)) {
            return true;
        }
        // The sum's carry goes through the ones of this run.
        runs &= runs.wrapping_add(1 << first);
    }
    false
}

/// One bit for each byte of a window, which has at least eight, of which a predicate sets the top bit.
fn bits_of(window: &[u8], predicate: fn(u64) -> u64) -> u64 {
    let (words, rest) = window.as_chunks::<8>();
    let mut bits = 0;
    for (index, word) in words.iter().enumerate() {
        bits |= top_bits(predicate(u64::from_le_bytes(*word))) << (8 * index);
    }
    // The last eight bytes are read once more, for the ones that no word had.
    if let (Some(last), false) = (window.last_chunk::<8>(), rest.is_empty()) {
        bits |= top_bits(predicate(u64::from_le_bytes(*last))) << (window.len() - 8);
    }
    bits
}

/// Digits, space, `-`, and what else lies between them.
fn is_roughly_a_part(word: u64) -> u64 {
    at_least(word, b' ') & !at_least(word, b'9' + 1)
}

fn is_digit_byte(word: u64) -> u64 {
    at_least(word, b'0') & !at_least(word, b'9' + 1) & !word
}

fn is_separator_byte(word: u64) -> u64 {
    equal(word, b' ') | equal(word, b'-')
}

const ONES: u64 = u64::from_le_bytes([1; 8]);
const TOPS: u64 = ONES << 7;

/// The top bit of each byte whose lower seven bits are at least a bound.
fn at_least(word: u64, bound: u8) -> u64 {
    (word | TOPS) - ONES * u64::from(bound)
}

/// The top bit of each byte that is equal to one below 128.
fn equal(word: u64, byte: u8) -> u64 {
    let difference = word ^ (ONES * u64::from(byte));
    !at_least(difference, 1) & !difference
}

/// The top bits of the eight bytes, side by side.
fn top_bits(word: u64) -> u64 {
    /// Moves the bit of each byte to its place in the topmost byte.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    ((word & TOPS) >> 7).wrapping_mul(GATHER) >> 56
}

/// Where thirteen bits in a row are set.
fn runs_of_thirteen(bits: u64) -> u64 {
    let two = bits & (bits >> 1);
    let four = two & (two >> 2);
    let eight = four & (four >> 4);
    eight & (four >> 8) & (bits >> 12)
}

fn has_enough_digits(text: &[u8], run: &Range<usize>) -> bool {
    text[run.clone()].iter().filter(|byte| byte.is_ascii_digit()).count() >= *DIGITS.start()
}

/// Reports where the card numbers of a text are.
pub(crate) fn find(text: &str, mut found: impl FnMut(Range<usize>)) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let run = run_around(bytes, at);
        at = run.end;
        if !has_enough_digits(bytes, &run) {
            continue;
        }
        let groups = groups_of(bytes, &run);
        let mut first = 0;
        while first < groups.len() {
            let card =
                GROUPS_OF_A_CARD.into_iter().filter(|count| first + count <= groups.len()).find(|count| {
                    let groups = &groups[first..first + count];
                    is_grouped_like_a_card(bytes, groups)
                        && is_card(bytes, &(groups[0].start..groups[count - 1].end))
                });
            if let Some(count) = card {
                found(groups[first].start..groups[first + count - 1].end);
            }
            first += card.unwrap_or(1);
        }
    }
}

/// In how many groups card numbers are printed; the most first, so that a group less is not cut off.
const GROUPS_OF_A_CARD: [usize; 4] = [5, 4, 3, 1];

/// The runs of digits within a run that has separators.
fn groups_of(text: &[u8], run: &Range<usize>) -> Vec<Range<usize>> {
    let mut groups = Vec::new();
    let mut start = run.start;
    for at in run.clone().filter(|at| is_separator(text[*at])) {
        groups.push(start..at);
        start = at + 1;
    }
    groups.push(start..run.end);
    groups
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'-')
}

/// The digits around a position, single separators between them included; begins and ends with a digit, or is
/// empty.
fn run_around(text: &[u8], at: usize) -> Range<usize> {
    let digit = |index: usize| text.get(index).is_some_and(u8::is_ascii_digit);
    let (mut start, mut end) = (at, at);
    loop {
        if start >= 1 && digit(start - 1) {
            start -= 1;
        } else if start >= 2 && is_separator(text[start - 1]) && digit(start - 2) {
            start -= 2;
        } else {
            break;
        }
    }
    loop {
        if digit(end) {
            end += 1;
        } else if end < text.len() && is_separator(text[end]) && digit(end + 1) {
            end += 2;
        } else {
            break;
        }
    }
    if !digit(start) {
        start = (start + 1).min(end);
    }
    start..end
}

/// Whether the run is neither part of a word or id nor of a decimal fraction.
fn is_alone(text: &[u8], run: &Range<usize>) -> bool {
    let before = run.start.checked_sub(1).map(|at| text[at]);
    let far_before = run.start.checked_sub(2).map(|at| text[at]);
    let after = text.get(run.end);
    let far_after = text.get(run.end + 1);
    let is_fraction = before == Some(b'.') && far_before.is_some_and(|byte| byte.is_ascii_digit());
    let has_fraction = after == Some(&b'.') && far_after.is_some_and(u8::is_ascii_digit);
    // Text that was escaped once more than it is read: `\n4111…`.
    let is_escape = far_before == Some(b'\\') && matches!(before, Some(b'n' | b'r' | b't'));
    let follows_word = before.is_some_and(|byte| byte.is_ascii_alphanumeric()) && !is_escape;
    !is_fraction && !has_fraction && !follows_word && !after.is_some_and(u8::is_ascii_alphanumeric)
}

fn is_card(text: &[u8], run: &Range<usize>) -> bool {
    let mut digits = [0_u8; *DIGITS.end()];
    let mut length = 0;
    for byte in text[run.clone()].iter().filter(|byte| byte.is_ascii_digit()) {
        let Some(digit) = digits.get_mut(length) else { return false };
        *digit = byte - b'0';
        length += 1;
    }
    let digits = &digits[..length];
    DIGITS.contains(&length) && is_alone(text, run) && has_issuer(digits) && has_check_digit(digits)
}

/// One run, fours with the rest last, or the 4-6-5 and 4-6-4 of American Express and Diners Club; with one and
/// the same separator.
fn is_grouped_like_a_card(text: &[u8], groups: &[Range<usize>]) -> bool {
    let lengths: Vec<usize> = groups.iter().map(ExactSizeIterator::len).collect();
    let separator = |group: &Range<usize>| text[group.end];
    let is_even =
        groups[..groups.len() - 1].windows(2).all(|pair| separator(&pair[0]) == separator(&pair[1]));
    is_even && matches!(lengths[..], [_] | [4, 6, 4 | 5] | [4, 4, 4, 1..=4] | [4, 4, 4, 4, 1..=3])
}

/// The prefixes that are given out, with the lengths that go with them.
fn has_issuer(digits: &[u8]) -> bool {
    let prefix =
        |length: usize| digits[..length].iter().fold(0_u32, |sum, digit| sum * 10 + u32::from(*digit));
    match (prefix(4), digits.len()) {
        // Visa
        (4000..=4999, 13 | 16 | 19) |
        // Mastercard
        (5100..=5599 | 2221..=2720, 16) |
        // American Express
        (3400..=3499 | 3700..=3799, 15) |
        // Diners Club
        (3000..=3059 | 3095 | 3600..=3699 | 3800..=3999, 14..=19) |
        // Discover, UnionPay, JCB, Mir
        (6011 | 6440..=6599 | 6200..=6299 | 3528..=3589 | 2200..=2204, 16..=19) |
        // Maestro
        (5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763, 13..=19) => true,
        _ => false,
    }
}

/// The check of Luhn: of the digits from the right every second one is doubled.
fn has_check_digit(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| match u32::from(*digit) {
            digit if index % 2 == 0 => digit,
            digit if digit < 5 => digit * 2,
            digit => digit * 2 - 9,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cards(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        find(text, |range| found.push(&text[range]));
        found
    }

    #[test]
    fn cards_are_found_in_one_run_and_in_their_groups() {
        for card in [
            "4111111111111111",
            "4111 1111 1111 1111",
            "5500-0000-0000-0004",
            "378282246310005",
            "3782 822463 10005",
            "30569309025904",
            "6011111111111117",
            "3530111333300000",
            "2223003122003222",
            "4222222222222",
        ] {
            assert!(may_hold(card.as_bytes()), "{card}");
            assert_eq!(cards(&format!("pay with {card}, please")), [card]);
            assert_eq!(cards(card), [card]);
        }
    }

    #[test]
    fn digits_beside_a_card_do_not_hide_it() {
        for text in
            ["order 12 4111 1111 1111 1111 12/27", "4111 1111 1111 1111 123", "12-4111111111111111-12"]
        {
            assert_eq!(cards(text).len(), 1, "{text}");
        }
    }

    #[test]
    fn ids_times_and_fractions_are_no_cards() {
        for text in [
            "1795164633269000000",
            "1795164633269",
            "41111111-1111-1111-a111-111111111111",
            "a1b2c3d4-4111-1111-1111-111111111111",
            "req_0114111111111111",
            "0.4111111111111111",
            "4111111111111111.5",
            "4111111111111112",
            "9111111111111111",
            "41 11 11 11 11 11 11 11",
            "4111111111111111a",
            "411111111111111141111111111111114111",
            "4111 1111-1111 1111",
        ] {
            assert_eq!(cards(text), [""; 0], "{text}");
        }
    }

    /// The first look, byte by byte.
    fn may_hold_slowly(text: &[u8]) -> bool {
        (0..text.len()).any(|at| {
            let run = run_around(text, at);
            text[at].is_ascii_digit() && run.len() >= 13 && has_enough_digits(text, &run)
        })
    }

    proptest! {
        #[test]
        fn the_first_look_misses_no_card(before in "[a-z0-9 .\"-]{0,80}", after in "[a-z0-9 .\"-]{0,30}", card in
            prop::sample::select(vec!["4111 1111 1111 1111", "4222222222222", "3782-822463-10005"])) {
            let text = format!("{before}{card}{after}");
            prop_assert!(may_hold(text.as_bytes()));
        }

        #[test]
        fn looking_at_many_bytes_at_once_is_like_looking_at_each(text in "([0-9]{1,9}[ -]{0,2}|[a-zäπ:/]){0,60}") {
            prop_assert_eq!(may_hold(text.as_bytes()), may_hold_slowly(text.as_bytes()), "{}", text);
        }
    }
}
