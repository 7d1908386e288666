//! A generator over one address, for `rand`, `rand_distr` and `ndarray-rand`.

use crate::threefry2x32;
use rand::RngCore;

/// The numbers of one [`Address`](crate::Address) in order, as a `rand` generator.
///
/// It lives for one use and is never saved: make a new one from the address.
#[derive(Clone, Debug)]
pub struct Rng {
    key: [u32; 2],
    block: u64,
    spare: Option<u32>,
}

impl Rng {
    pub(crate) fn new(key: [u32; 2]) -> Self {
        Self { key, block: 0, spare: None }
    }

    fn next_block(&mut self) -> [u32; 2] {
        let block = threefry2x32(self.key, [self.block as u32, (self.block >> 32) as u32]);
        self.block += 1;
        block
    }

    /// A uniform integer below `bound`, without bias (Lemire 2019, arXiv 1805.10941).
    ///
    /// # Panics
    /// If `bound` is 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        assert!(bound > 0, "Rng::below: no integer is below 0");
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u64::from(self.next_u32()) * u64::from(bound);
            if product as u32 >= threshold {
                return (product >> 32) as u32;
            }
        }
    }

    /// Shuffles in place (Fisher-Yates), every order equally likely.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let chosen = self.below(last as u32 + 1) as usize;
            items.swap(last, chosen);
        }
    }
}

impl RngCore for Rng {
    fn next_u32(&mut self) -> u32 {
        if let Some(word) = self.spare.take() {
            return word;
        }
        let [first, second] = self.next_block();
        self.spare = Some(second);
        first
    }

    fn next_u64(&mut self) -> u64 {
        let low = u64::from(self.next_u32());
        low | u64::from(self.next_u32()) << 32
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(4) {
            let word = self.next_u32().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Address, Purpose, threefry2x32};
    use rand::RngCore;

    /// The generator's words are the block function's at counters 0, 1, ...: a change here would
    /// change every result ever published with this library.
    #[test]
    fn value_stability() {
        let address = Address::new(7, Purpose::DRAW).context(3).step(2).ordinal(1);
        let mut rng = address.rng();
        let words: Vec<u32> = (0..4).map(|_| rng.next_u32()).collect();
        let [a, b] = threefry2x32(address.key(), [0, 0]);
        let [c, d] = threefry2x32(address.key(), [1, 0]);
        assert_eq!(words, [a, b, c, d]);
        assert_eq!(words, [3_873_303_172, 2_492_158_494, 3_922_317_772, 418_123_289]);
    }

    #[test]
    fn shuffle_and_below_are_stable() {
        let mut items: Vec<u32> = (0..8).collect();
        Address::new(1, Purpose::CLASS_ORDER).rng().shuffle(&mut items);
        assert_eq!(items, [0, 6, 7, 3, 4, 2, 5, 1]);
    }

    #[test]
    fn below_is_uniform() {
        let mut counts = [0_u32; 6];
        let mut rng = Address::new(0, Purpose::named("test")).rng();
        for _ in 0..60_000 {
            counts[rng.below(6) as usize] += 1;
        }
        // Chi-square with 5 degrees of freedom: 20.5 is its 99.9 % quantile.
        let chi2: f64 = counts.iter().map(|&n| (f64::from(n) - 1e4).powi(2) / 1e4).sum();
        assert!(chi2 < 20.5, "chi-square {chi2}, counts {counts:?}");
    }
}
