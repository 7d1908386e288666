//! Standard normal numbers that a slot starts with.

use cl_random::Address;

/// Standard normal numbers in pairs (Box & Muller 1958): the first ones are the same, however many.
pub(crate) fn normal(address: Address, slot: &mut [f32]) {
    let mut rng = address.rng();
    let scale = f64::from(1_u32 << 31);
    for pair in slot.chunks_mut(2) {
        let [radius, angle] = [0; 2].map(|_| (f64::from(rng.below(1 << 31)) + 0.5) / scale);
        let (sin, cos) = (angle * std::f64::consts::TAU).sin_cos();
        let radius = (-2.0 * radius.ln()).sqrt();
        for (value, part) in pair.iter_mut().zip([cos, sin]) {
            *value = (radius * part) as f32;
        }
    }
}
