//! Repeatable randomness: SplitMix64, so that a seed means the same data on every platform, for ever.
//!
//! Algorithm: Steele, Lea, Flood: *Fast Splittable Pseudorandom Number Generators* (OOPSLA 2014).

/// A stream of numbers that depends on its seed alone.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// The stream of `seed` for the thing called `name`: one repository's data does not change when
    /// another joins the catalogue.
    pub(crate) fn of(seed: u64, name: &str) -> Self {
        Self(seed ^ hash(name))
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both included; `low` when they are the wrong way round.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let Ok(width) = u64::try_from(high.saturating_sub(low)) else { return low };
        // The remainder fits, as it is at most `width`, which came from an i64.
        low + i64::try_from(self.next() % (width + 1)).unwrap_or(0)
    }

    /// True `percent` times in a hundred.
    pub(crate) fn chance(&mut self, percent: i64) -> bool {
        self.between(0, 99) < percent
    }

    /// One of them. The lists are ours and never empty.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let last = i64::try_from(from.len()).unwrap_or(1) - 1;
        &from[usize::try_from(self.between(0, last)).unwrap_or(0)]
    }

    /// One of them, each as often as its weight says.
    pub(crate) fn weighted<'a, T>(&mut self, from: &'a [(i64, T)]) -> &'a T {
        let total: i64 = from.iter().map(|(weight, _)| weight).sum();
        let mut left = self.between(1, total);
        for (weight, value) in from {
            left -= weight;
            if left <= 0 {
                return value;
            }
        }
        &from[0].1
    }
}

/// FNV-1a, 64 bits: a name as a number, the same on every platform (the standard hasher is not).
pub(crate) fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_published_one() {
        // First values of the reference implementation for the seed 1234567.
        let mut random = Random(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn numbers_stay_within_their_bounds() {
        let mut random = Random::of(1, "x");
        assert!((0..1000).all(|_| (3..=7).contains(&random.between(3, 7))));
        assert_eq!(random.between(5, 4), 5);
    }
}
