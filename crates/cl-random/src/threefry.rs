//! The block function.

/// Rotation distances of Threefry-2x32 (Salmon et al. 2011, table 2): of four rounds, and of the next.
const ROTATIONS: [[u32; 4]; 2] = [[13, 15, 26, 6], [17, 29, 16, 24]];
/// The key schedule's parity constant (Salmon et al. 2011, section 3.2; "SKEIN_KS_PARITY32").
const PARITY: u32 = 0x1BD1_1BDA;
/// Four rounds and one injection of the key each: 20 rounds.
const INJECTIONS: usize = 5;

/// Threefry-2x32 with 20 rounds: encrypts `counter` under `key`.
///
/// Distinct counters under one key give independent-looking pairs of uniform 32-bit words.
#[inline]
#[must_use]
pub fn threefry2x32(key: [u32; 2], counter: [u32; 2]) -> [u32; 2] {
    let [[a], [b]] = encrypt(key, [[counter[0]], [counter[1]]]);
    [a, b]
}

/// The blocks of [`threefry2x32`] at the counters (first, 0) to (first + N − 1, 0), the first words
/// of all and the second words of all; counters wrap around. Compiled for the vectors of its caller.
#[inline(always)]
#[must_use]
pub fn threefry2x32_blocks<const N: usize>(key: [u32; 2], first: u32) -> [[u32; N]; 2] {
    encrypt(key, [std::array::from_fn(|i| first.wrapping_add(i as u32)), [0; N]])
}

/// N blocks side by side.
#[inline(always)]
fn encrypt<const N: usize>(key: [u32; 2], [mut a, mut b]: [[u32; N]; 2]) -> [[u32; N]; 2] {
    let schedule = [key[0], key[1], key[0] ^ key[1] ^ PARITY];
    add(&mut a, key[0]);
    add(&mut b, key[1]);
    for injection in 1..=INJECTIONS {
        for rotation in ROTATIONS[(injection - 1) % 2] {
            for (a, b) in a.iter_mut().zip(&mut b) {
                *a = a.wrapping_add(*b);
                *b = b.rotate_left(rotation) ^ *a;
            }
        }
        add(&mut a, schedule[injection % 3]);
        add(&mut b, schedule[(injection + 1) % 3].wrapping_add(injection as u32));
    }
    [a, b]
}

#[inline(always)]
fn add<const N: usize>(words: &mut [u32; N], word: u32) {
    for one in words {
        *one = one.wrapping_add(word);
    }
}

#[cfg(test)]
mod tests {
    use super::{threefry2x32, threefry2x32_blocks};

    /// Known answers of the Random123 distribution (`kat_vectors`, `threefry2x32 20`).
    #[test]
    fn known_answers_of_random123() {
        assert_eq!(threefry2x32([0, 0], [0, 0]), [0x6b20_0159, 0x99ba_4efe]);
        assert_eq!(threefry2x32([u32::MAX; 2], [u32::MAX; 2]), [0x1cb9_96fc, 0xbb00_2be7]);
        assert_eq!(
            threefry2x32([0x1319_8a2e, 0x0370_7344], [0x243f_6a88, 0x85a3_08d3]),
            [0xc492_3a9c, 0x483d_f7a0]
        );
    }

    #[test]
    fn blocks_are_those_of_single_counters() {
        let key = [7, 0xDEAD_BEEF];
        for first in [0, 40, u32::MAX - 2] {
            let [a, b] = threefry2x32_blocks::<5>(key, first);
            for i in 0..5 {
                let counter = first.wrapping_add(i as u32);
                assert_eq!([a[i], b[i]], threefry2x32(key, [counter, 0]), "{counter}");
            }
        }
    }
}
