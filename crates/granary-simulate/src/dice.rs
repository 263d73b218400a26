//! Where does chance come from, so that a seed always tells the same story?
//!
//! One small generator whose stream is part of its specification; nothing here reads a clock or the system's
//! entropy. Durations and sizes follow log-normal laws, as measured ones do: many small, a few very large.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng as _, RngExt as _, SeedableRng as _};

/// The alphabet of the API's own identifiers: no character that reads like another.
const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// A seeded source of chance.
#[derive(Debug, Clone)]
pub(crate) struct Dice(Xoshiro256PlusPlus);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// Returns a number to seed another `Dice` with.
    pub(crate) fn seed(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Returns a number from 0 up to, but not including, 1.
    pub(crate) fn unit(&mut self) -> f64 {
        self.0.random()
    }

    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Returns a number between the two, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0.random_range(low..=high)
    }

    /// Returns an index into something of this length, which must not be zero.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        self.0.random_range(0..length)
    }

    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.index(items.len())]
    }

    /// Returns one of the items, each as often as its weight says.
    pub(crate) fn weighted<T: Copy>(&mut self, items: &[(T, f64)]) -> T {
        let total: f64 = items.iter().map(|(_, weight)| weight).sum();
        let mut left = self.unit() * total;
        for (item, weight) in items {
            left -= weight;
            if left < 0.0 {
                return *item;
            }
        }
        items[items.len() - 1].0
    }

    /// Returns a number of which half are below the median; `sigma` is the spread of its logarithm.
    pub(crate) fn log_normal(&mut self, median: f64, sigma: f64) -> u64 {
        // Box and Muller; 1 - u, because the logarithm of zero is none.
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        let normal = radius * (std::f64::consts::TAU * self.unit()).cos();
        whole(median * (sigma * normal).exp())
    }

    /// Returns a count of at least zero with this mean, the chance of going on being the same at each step.
    pub(crate) fn geometric(&mut self, mean: f64) -> u64 {
        whole((1.0 - self.unit()).ln() / (mean / (mean + 1.0)).ln())
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// Returns this many hexadecimal digits.
    pub(crate) fn hex(&mut self, digits: usize) -> String {
        (0..digits).map(|_| char::from(b"0123456789abcdef"[self.index(16)])).collect()
    }

    /// Returns this many characters of the alphabet the API's identifiers are written in.
    pub(crate) fn base58(&mut self, characters: usize) -> String {
        (0..characters).map(|_| char::from(BASE58[self.index(BASE58.len())])).collect()
    }

    /// Returns a random UUID (version 4).
    pub(crate) fn uuid(&mut self) -> String {
        let mut text = [0; 36];
        write_uuid(&mut text, self.seed(), self.seed());
        text.iter().map(|&byte| char::from(byte)).collect()
    }
}

/// Writes a version 4 UUID made of these bits.
pub(crate) fn write_uuid(text: &mut [u8; 36], high: u64, low: u64) {
    let high = high & 0xffff_ffff_ffff_0fff | 0x4000;
    let low = low & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000;
    let mut nibbles = (0..16)
        .map(|nibble| high >> (60 - 4 * nibble))
        .chain((0..16).map(|nibble| low >> (60 - 4 * nibble)))
        .map(|bits| b"0123456789abcdef"[(bits & 0xf) as usize]);
    for (position, byte) in text.iter_mut().enumerate() {
        *byte = if matches!(position, 8 | 13 | 18 | 23) { b'-' } else { nibbles.next().unwrap_or(b'0') };
    }
}

/// Fills the text with characters of the API's alphabet, made of these bits.
pub(crate) fn write_base58(text: &mut [u8], high: u64, low: u64) {
    /// As many characters as 64 bits have room for.
    const HALF: usize = 10;
    let half = text.len().min(HALF);
    let (left, right) = text.split_at_mut(half);
    for (part, mut bits) in [(left, high), (right, low)] {
        for byte in part {
            *byte = BASE58[(bits % 58) as usize];
            bits /= 58;
        }
    }
}

/// Returns a mixture of the bits in which each depends on all (the finisher of `SplitMix64`).
pub(crate) fn mix(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Returns the nearest whole number that is not negative.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, which is what is wanted of an extreme draw"
)]
pub(crate) fn whole(number: f64) -> u64 {
    number.round() as u64
}

/// Returns the number as a float, exactly so up to 2^53, which no count of ours reaches.
#[expect(clippy::cast_precision_loss, reason = "no count here comes near 2^53")]
pub(crate) fn real(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_gives_the_same_throws() {
        let throws = |seed| {
            let mut dice = Dice::new(seed);
            (dice.uuid(), dice.log_normal(1000.0, 0.7), dice.base58(20), dice.between(3, 9))
        };
        assert_eq!(throws(7), throws(7));
        assert_ne!(throws(7), throws(8));
    }

    #[test]
    fn half_of_a_log_normal_is_below_its_median() {
        let mut dice = Dice::new(1);
        let below = (0..10_000).filter(|_| dice.log_normal(500.0, 1.0) < 500).count();
        assert!((4_800..5_200).contains(&below), "{below}");
    }

    #[test]
    fn a_geometric_count_has_its_mean() {
        let mut dice = Dice::new(2);
        let total: u64 = (0..20_000).map(|_| dice.geometric(6.0)).sum();
        assert!((110_000..140_000).contains(&total), "{total}");
    }

    #[test]
    fn a_uuid_says_version_4_and_its_variant() {
        let uuid = Dice::new(3).uuid();
        let bytes = uuid.as_bytes();
        assert_eq!((bytes.len(), bytes[14]), (36, b'4'));
        assert!(b"89ab".contains(&bytes[19]), "{uuid}");
    }
}
