//! Sixteen floats at a time.

use super::vector::{Strip, Vector, tile};
use std::arch::x86_64::*;

#[derive(Clone, Copy)]
pub(super) struct Avx512(__m512);

// Every block below: SAFETY: the caller's code is compiled for AVX-512 and its pointers are good.
#[allow(clippy::undocumented_unsafe_blocks)]
impl Vector for Avx512 {
    const LANES: usize = 16;
    const WIDEST: usize = 3;
    type Mask = __mmask16;

    #[inline(always)]
    unsafe fn first(count: usize) -> __mmask16 {
        if count >= 16 { !0 } else { (1 << count) - 1 }
    }

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self(unsafe { _mm512_setzero_ps() })
    }

    #[inline(always)]
    unsafe fn splat(from: *const f32) -> Self {
        Self(unsafe { _mm512_set1_ps(*from) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(unsafe { _mm512_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn load_masked(from: *const f32, mask: __mmask16) -> Self {
        Self(unsafe { _mm512_maskz_loadu_ps(mask, from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { _mm512_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn store_masked(self, to: *mut f32, mask: __mmask16) {
        unsafe { _mm512_mask_storeu_ps(to, mask, self.0) }
    }

    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        Self(unsafe { _mm512_fmadd_ps(a.0, b.0, self.0) })
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
            let mut out = [_mm512_setzero_ps(); 16];
            let mut groups = [[_mm512_setzero_ps(); 4]; 4];
            for (g, group) in groups.iter_mut().enumerate() {
                let mut rows = [_mm512_setzero_ps(); 4];
                for (i, row) in rows.iter_mut().enumerate() {
                    if 4 * g + i < columns {
                        *row = _mm512_maskz_loadu_ps(mask, from.add((4 * g + i) * stride));
                    }
                }
                let low = _mm512_unpacklo_ps(rows[0], rows[1]);
                let high = _mm512_unpackhi_ps(rows[0], rows[1]);
                let low_2 = _mm512_unpacklo_ps(rows[2], rows[3]);
                let high_2 = _mm512_unpackhi_ps(rows[2], rows[3]);
                // group[c]: four rows of columns c, c + 4, c + 8 and c + 12.
                *group = [
                    _mm512_shuffle_ps::<0x44>(low, low_2),
                    _mm512_shuffle_ps::<0xee>(low, low_2),
                    _mm512_shuffle_ps::<0x44>(high, high_2),
                    _mm512_shuffle_ps::<0xee>(high, high_2),
                ];
            }
            for c in 0..4 {
                let a = _mm512_shuffle_f32x4::<0x44>(groups[0][c], groups[1][c]);
                let b = _mm512_shuffle_f32x4::<0xee>(groups[0][c], groups[1][c]);
                let d = _mm512_shuffle_f32x4::<0x44>(groups[2][c], groups[3][c]);
                let e = _mm512_shuffle_f32x4::<0xee>(groups[2][c], groups[3][c]);
                out[c] = _mm512_shuffle_f32x4::<0x88>(a, d);
                out[c + 4] = _mm512_shuffle_f32x4::<0xdd>(a, d);
                out[c + 8] = _mm512_shuffle_f32x4::<0x88>(b, e);
                out[c + 12] = _mm512_shuffle_f32x4::<0xdd>(b, e);
            }
            for (i, row) in out.iter().enumerate() {
                if i < depth {
                    _mm512_storeu_ps(to.add(i * to_stride), *row);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn rows<const PACKED: bool>(strip: &Strip<Self>, vectors: usize, rows: usize) -> usize {
        unsafe {
            match (vectors, rows) {
                (3, 8..) => tile::<Self, 8, 3, PACKED>(strip),
                (3, 4..) => tile::<Self, 4, 3, PACKED>(strip),
                (3, 2..) => tile::<Self, 2, 3, PACKED>(strip),
                (3, _) => tile::<Self, 1, 3, PACKED>(strip),
                (2, 12..) => tile::<Self, 12, 2, PACKED>(strip),
                (2, 8..) => tile::<Self, 8, 2, PACKED>(strip),
                (2, 4..) => tile::<Self, 4, 2, PACKED>(strip),
                (2, 2..) => tile::<Self, 2, 2, PACKED>(strip),
                (2, _) => tile::<Self, 1, 2, PACKED>(strip),
                (_, 16..) => tile::<Self, 16, 1, PACKED>(strip),
                (_, 8..) => tile::<Self, 8, 1, PACKED>(strip),
                (_, 4..) => tile::<Self, 4, 1, PACKED>(strip),
                (_, 2..) => tile::<Self, 2, 1, PACKED>(strip),
                (_, _) => tile::<Self, 1, 1, PACKED>(strip),
            }
        }
    }
}
