//! Vectors of one instruction set, and the tile of a product that fits its registers.

use super::Strides;

/// Vectors of one instruction set.
///
/// # Safety
/// Every function may only be called (inlined) in code compiled for the instruction set, on a CPU that has it;
/// those with pointers read or write as many floats there as they say.
pub(super) trait Vector: Copy {
    /// Floats in a vector.
    const LANES: usize;
    /// Vectors in the widest tile: its columns.
    const WIDEST: usize;
    /// Which lanes of a vector take part.
    type Mask: Copy;

    /// The first `count` lanes; all where there are more.
    unsafe fn first(count: usize) -> Self::Mask;
    unsafe fn zero() -> Self;
    /// The float at `from` in every lane.
    unsafe fn splat(from: *const f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    /// Lanes of the mask; the others are 0 and not read.
    unsafe fn load_masked(from: *const f32, mask: Self::Mask) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn store_masked(self, to: *mut f32, mask: Self::Mask);
    /// `a b + self`, rounded once.
    unsafe fn add_product(self, a: Self, b: Self) -> Self;
    /// Writes the first `depth` rows of the transpose of `columns` rows (both at most [`Vector::LANES`]), `stride`
    /// apart, to rows `to_stride` apart; rows that are not there count as 0.
    unsafe fn transpose(
        from: *const f32,
        stride: usize,
        columns: usize,
        depth: usize,
        to: *mut f32,
        to_stride: usize,
    );
    /// Computes the first rows of a strip that is `vectors` wide with the largest tile that `rows` rows fill, and
    /// says how many those were.
    unsafe fn rows<const PACKED: bool>(strip: &Strip<Self>, vectors: usize, rows: usize) -> usize;
}

/// A strip of columns of the result, one tile wide, over some of k.
#[derive(Clone, Copy)]
pub(super) struct Strip<V: Vector> {
    pub k: usize,
    pub a: Strides,
    pub b: *const f32,
    /// From one row of b to the next.
    pub b_row: usize,
    pub c: *mut f32,
    pub c_row: usize,
    /// Lanes of the last vector.
    pub last: V::Mask,
    /// Goes on from the sums in c.
    pub resumes: bool,
}

/// Computes `R` rows of a strip of `N` vectors. Packed, rows of b are whole vectors.
///
/// # Safety
/// As for [`Vector`]: a has `R` rows, b rows of as many columns as the strip has lanes, c both.
#[inline(always)]
// Plain loops over constants: all unrolled, each index a register.
#[allow(clippy::needless_range_loop)]
pub(super) unsafe fn tile<V: Vector, const R: usize, const N: usize, const PACKED: bool>(
    strip: &Strip<V>,
) -> usize {
    let Strip { k, a, mut b, b_row, c, c_row, last, resumes } = *strip;
    // SAFETY: the loops stay within R rows, N vectors (of which the last is masked) and k, all of which the
    // caller vouches for.
    unsafe {
        let mut sums = [[V::zero(); N]; R];
        if resumes {
            for r in 0..R {
                for v in 0..N {
                    let from = c.add(r * c_row + v * V::LANES);
                    sums[r][v] = if v + 1 < N { V::load(from) } else { V::load_masked(from, last) };
                }
            }
        }
        let mut from = a.pointer;
        for _ in 0..k {
            let mut row = [V::zero(); N];
            for v in 0..N {
                let from = b.add(v * V::LANES);
                row[v] =
                    if PACKED || v + 1 < N { V::load(from) } else { V::load_masked(from, last) };
            }
            for r in 0..R {
                let x = V::splat(from.add(r * a.row));
                for v in 0..N {
                    sums[r][v] = sums[r][v].add_product(x, row[v]);
                }
            }
            from = from.wrapping_add(a.column);
            b = b.wrapping_add(b_row);
        }
        for r in 0..R {
            for v in 0..N {
                let to = c.add(r * c_row + v * V::LANES);
                if v + 1 < N { sums[r][v].store(to) } else { sums[r][v].store_masked(to, last) }
            }
        }
    }
    R
}
