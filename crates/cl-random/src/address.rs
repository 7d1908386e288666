//! What a random number is for.

use crate::{Rng, threefry2x32};

/// What random numbers are used for; numbers of different purposes never coincide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Purpose(u32);

impl Purpose {
    /// Initial values of parameters.
    pub const INIT: Self = Self::named("init");
    /// Order in which a stream's examples are drawn.
    pub const DRAW: Self = Self::named("draw");
    /// Which classes come in which context.
    pub const CLASS_ORDER: Self = Self::named("class order");
    /// Pixel permutations of the contexts of a permuted stream.
    pub const PIXELS: Self = Self::named("pixels");
    /// Dropout masks.
    pub const DROPOUT: Self = Self::named("dropout");
    /// Gates drawn before training.
    pub const GATE: Self = Self::named("gate");
    /// Which examples a replay buffer keeps.
    pub const STORE: Self = Self::named("store");
    /// Which stored examples are replayed.
    pub const REPLAY: Self = Self::named("replay");

    /// A purpose of your own, told apart from others by its name (FNV-1a, 32 bits).
    #[must_use]
    pub const fn named(name: &str) -> Self {
        let bytes = name.as_bytes();
        let mut hash = 0x811c_9dc5_u32;
        let mut i = 0;
        while i < bytes.len() {
            hash = (hash ^ bytes[i] as u32).wrapping_mul(0x0100_0193);
            i += 1;
        }
        Self(hash)
    }

    /// The 32 bits that stand for this purpose in a key.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }
}

/// The full name of a stretch of random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// The seed of the run (of the member, in a population).
    pub seed: u64,
    /// What the numbers are for.
    pub purpose: Purpose,
    /// The context, counted from 0.
    pub context: u32,
    /// The step or epoch within the context.
    pub step: u32,
    /// Tells apart several uses of one purpose in one step.
    pub ordinal: u32,
}

impl Address {
    /// The address of `purpose` under `seed` at context 0, step 0, ordinal 0.
    #[must_use]
    pub const fn new(seed: u64, purpose: Purpose) -> Self {
        Self { seed, purpose, context: 0, step: 0, ordinal: 0 }
    }

    /// The same address in another context.
    #[must_use]
    pub const fn context(self, context: u32) -> Self {
        Self { context, ..self }
    }

    /// The same address at another step.
    #[must_use]
    pub const fn step(self, step: u32) -> Self {
        Self { step, ..self }
    }

    /// The same address under another ordinal.
    #[must_use]
    pub const fn ordinal(self, ordinal: u32) -> Self {
        Self { ordinal, ..self }
    }

    /// The Threefry key of this address: the seed encrypts (purpose, context), the result encrypts
    /// (step, ordinal). A program on a GPU computes the same two calls.
    #[must_use]
    pub fn key(self) -> [u32; 2] {
        let seed = [self.seed as u32, (self.seed >> 32) as u32];
        let outer = threefry2x32(seed, [self.purpose.bits(), self.context]);
        threefry2x32(outer, [self.step, self.ordinal])
    }

    /// A generator over this address's numbers.
    #[must_use]
    pub fn rng(self) -> Rng {
        Rng::new(self.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngCore;

    #[test]
    fn every_field_of_an_address_changes_the_numbers() {
        let base = Address::new(1, Purpose::INIT);
        let variants = [
            base,
            Address::new(2, Purpose::INIT),
            Address::new(1 << 32 | 1, Purpose::INIT),
            Address::new(1, Purpose::DRAW),
            base.context(1),
            base.step(1),
            base.ordinal(1),
        ];
        let first: Vec<u64> = variants.iter().map(|a| a.rng().next_u64()).collect();
        for i in 0..first.len() {
            for j in 0..i {
                assert_ne!(first[i], first[j], "{:?} and {:?}", variants[i], variants[j]);
            }
        }
    }
}
