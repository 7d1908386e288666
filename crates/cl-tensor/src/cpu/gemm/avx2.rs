//! Eight floats at a time.

use super::vector::{Strip, Vector, tile};
use std::arch::x86_64::*;

#[derive(Clone, Copy)]
pub(super) struct Avx2(__m256);

// Every block below: SAFETY: the caller's code is compiled for AVX2 and FMA and its pointers are good.
#[allow(clippy::undocumented_unsafe_blocks)]
impl Vector for Avx2 {
    const LANES: usize = 8;
    const WIDEST: usize = 2;
    type Mask = __m256i;

    #[inline(always)]
    unsafe fn first(count: usize) -> __m256i {
        unsafe {
            let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            _mm256_cmpgt_epi32(_mm256_set1_epi32(count.min(8) as i32), lanes)
        }
    }

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self(unsafe { _mm256_setzero_ps() })
    }

    #[inline(always)]
    unsafe fn splat(from: *const f32) -> Self {
        Self(unsafe { _mm256_set1_ps(*from) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(unsafe { _mm256_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn load_masked(from: *const f32, mask: __m256i) -> Self {
        Self(unsafe { _mm256_maskload_ps(from, mask) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { _mm256_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn store_masked(self, to: *mut f32, mask: __m256i) {
        unsafe { _mm256_maskstore_ps(to, mask, self.0) }
    }

    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        Self(unsafe { _mm256_fmadd_ps(a.0, b.0, self.0) })
    }

    #[inline(always)]
    unsafe fn transpose(
        from: *const f32,
        stride: usize,
        columns: usize,
        depth: usize,
        to: *mut f32,
        to_stride: usize,
    ) {
        unsafe {
            let mask = Self::first(depth);
            let mut out = [_mm256_setzero_ps(); 8];
            let mut groups = [[_mm256_setzero_ps(); 4]; 2];
            for (g, group) in groups.iter_mut().enumerate() {
                let mut rows = [_mm256_setzero_ps(); 4];
                for (i, row) in rows.iter_mut().enumerate() {
                    if 4 * g + i < columns {
                        *row = _mm256_maskload_ps(from.add((4 * g + i) * stride), mask);
                    }
                }
                let low = _mm256_unpacklo_ps(rows[0], rows[1]);
                let high = _mm256_unpackhi_ps(rows[0], rows[1]);
                let low_2 = _mm256_unpacklo_ps(rows[2], rows[3]);
                let high_2 = _mm256_unpackhi_ps(rows[2], rows[3]);
                // group[c]: four rows of columns c and c + 4.
                *group = [
                    _mm256_shuffle_ps::<0x44>(low, low_2),
                    _mm256_shuffle_ps::<0xee>(low, low_2),
                    _mm256_shuffle_ps::<0x44>(high, high_2),
                    _mm256_shuffle_ps::<0xee>(high, high_2),
                ];
            }
            for c in 0..4 {
                out[c] = _mm256_permute2f128_ps::<0x20>(groups[0][c], groups[1][c]);
                out[c + 4] = _mm256_permute2f128_ps::<0x31>(groups[0][c], groups[1][c]);
            }
            for (i, row) in out.iter().enumerate() {
                if i < depth {
                    _mm256_storeu_ps(to.add(i * to_stride), *row);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn rows<const PACKED: bool>(strip: &Strip<Self>, vectors: usize, rows: usize) -> usize {
        unsafe {
            match (vectors, rows) {
                (2, 6..) => tile::<Self, 6, 2, PACKED>(strip),
                (2, 4..) => tile::<Self, 4, 2, PACKED>(strip),
                (2, 2..) => tile::<Self, 2, 2, PACKED>(strip),
                (2, _) => tile::<Self, 1, 2, PACKED>(strip),
                (_, 8..) => tile::<Self, 8, 1, PACKED>(strip),
                (_, 4..) => tile::<Self, 4, 1, PACKED>(strip),
                (_, 2..) => tile::<Self, 2, 1, PACKED>(strip),
                (_, _) => tile::<Self, 1, 1, PACKED>(strip),
            }
        }
    }
}
