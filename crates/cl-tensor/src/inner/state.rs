//! Slots that each inner lane has for itself.

use crate::graph::Init;
use crate::types::Type;
use cl_random::{Address, Purpose};

/// The seed from which inner lane `lane` fills its slots: the member's own for lane 0, so that one
/// lane equals none, and the key of (seed, "inner lane", ordinal `lane`) for the others.
#[must_use]
pub fn lane_seed(seed: u64, lane: usize) -> u64 {
    if lane == 0 {
        return seed;
    }
    let address = Address::new(seed, Purpose::named("inner lane")).ordinal(lane as u32);
    let [low, high] = address.key();
    u64::from(low) | u64::from(high) << 32
}

/// `[..] -> [lanes, ..]`.
pub(super) fn stacked(lanes: usize, ty: &Type) -> Type {
    let shape = std::iter::once(lanes).chain(ty.shape.iter().copied()).collect();
    Type { shape, dtype: ty.dtype }
}

/// Initial values of `lanes` slots of `len` elements each, one after the other.
pub(super) fn stacked_init(init: &Init, lanes: usize, len: usize) -> Init {
    match init {
        Init::Zeros | Init::Constant(_) => init.clone(),
        Init::Values(values) => Init::Values(values.repeat(lanes).into()),
        Init::Indices(indices) => Init::Indices(indices.repeat(lanes).into()),
        Init::Seeded(fill) => {
            let fill = fill.clone();
            Init::seeded(move |seed, slots| {
                for (lane, slot) in slots.chunks_exact_mut(len.max(1)).enumerate() {
                    fill(lane_seed(seed, lane), slot);
                }
            })
        }
    }
}
