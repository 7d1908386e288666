//! A product block by block, each of a size that stays in a cache.

use super::avx2::Avx2;
use super::avx512::Avx512;
use super::vector::{Strip, Vector};
use super::{Gemm, Strides};
use crate::cpu::memory::Block;
use std::cell::RefCell;

/// Of k in one block: a strip of b stays in the second cache, near the first.
const DEPTH: usize = 512;
/// Elements of a that stay in the second cache while the strips of b pass by.
const A_BLOCK: usize = 1 << 17;
/// Columns of the widest strip of all instruction sets.
const STRIP: usize = 48;
/// Up to this many rows, b is read where it lies: packing it would cost more than it saves.
const FEW_ROWS: usize = 8;

thread_local! {
    /// A strip of b: as large as any, once per thread.
    static PACKED: RefCell<Block> = RefCell::default();
}

/// # Safety
/// As for [`super::Kernel::run`].
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn with_avx512(product: &Gemm) {
    // SAFETY: the caller's promise; this function is compiled for the instructions.
    unsafe { run::<Avx512>(product) }
}

/// # Safety
/// As for [`super::Kernel::run`].
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn with_avx2(product: &Gemm) {
    // SAFETY: the caller's promise; this function is compiled for the instructions.
    unsafe { run::<Avx2>(product) }
}

/// The thread's room for a strip. Not inlined: closures are not compiled for more than the baseline.
#[inline(never)]
fn room() -> *mut f32 {
    PACKED.with_borrow_mut(|block| {
        if block.as_slice().is_empty() {
            *block = Block::zeros(DEPTH * STRIP, "a strip of a product").expect("98 kB of memory");
        }
        block.as_mut_slice().as_mut_ptr()
    })
}

/// # Safety
/// As for [`super::Kernel::run`], compiled for the instructions of `V`.
#[inline(always)]
unsafe fn run<V: Vector>(product: &Gemm) {
    let Gemm { m, k, n, a, b, c, c_row } = *product;
    if k == 0 {
        for row in 0..m {
            // SAFETY: the row is one of the result's.
            unsafe { std::slice::from_raw_parts_mut(c.add(row * c_row), n) }.fill(0.0);
        }
        return;
    }
    let room = room();
    let direct = m <= FEW_ROWS && b.column == 1;
    let rows_of_a = (A_BLOCK / k.min(DEPTH)).next_multiple_of(8);
    let vectors = n.div_ceil(V::LANES);
    // Strips of nearly equal widths: a narrow one at the end would be slow.
    let strips = vectors.div_ceil(V::WIDEST);
    let mut depth = 0;
    while depth < k {
        let deep = DEPTH.min(k - depth);
        let mut top = 0;
        while top < m {
            let bottom = m.min(top + rows_of_a);
            let mut left = 0;
            for strip in 0..strips {
                let right = (strip + 1) * vectors / strips;
                let (column, wide) = (left * V::LANES, right - left);
                let columns = (n - column).min(wide * V::LANES);
                // SAFETY: all of it lies within the matrices; the room holds the largest strip and is this
                // thread's own until the product is done.
                unsafe {
                    let last = V::first(columns - (wide - 1) * V::LANES);
                    let from = b.at(depth, column);
                    let mut strip = Strip::<V> {
                        k: deep,
                        a: a.at(top, depth),
                        b: from.pointer,
                        b_row: from.row,
                        c: c.add(top * c_row + column),
                        c_row,
                        last,
                        resumes: depth > 0,
                    };
                    if !direct {
                        pack::<V>(from, (deep, columns), wide, room);
                        (strip.b, strip.b_row) = (room, wide * V::LANES);
                    }
                    let mut rows = bottom - top;
                    while rows > 0 {
                        let done = if direct {
                            V::rows::<false>(&strip, wide, rows)
                        } else {
                            V::rows::<true>(&strip, wide, rows)
                        };
                        rows -= done;
                        strip.a = strip.a.at(done, 0);
                        strip.c = strip.c.wrapping_add(done * c_row);
                    }
                }
                left = right;
            }
            top = bottom;
        }
        depth += deep;
    }
}

/// Copies a strip of b, `[k, columns]`, to rows of `wide` vectors; columns that are missing are 0.
///
/// # Safety
/// As for [`super::Kernel::run`]; `to` has room for k rows.
#[inline(always)]
unsafe fn pack<V: Vector>(from: Strides, (k, columns): (usize, usize), wide: usize, to: *mut f32) {
    let row = wide * V::LANES;
    // SAFETY: the caller's promise: reads stay within [k, columns], writes within k rows of `wide` vectors.
    unsafe {
        if from.column == 1 {
            let last = V::first(columns - (wide - 1) * V::LANES);
            for p in 0..k {
                let (from, to) = (from.at(p, 0).pointer, to.add(p * row));
                for v in 0..wide - 1 {
                    V::load(from.add(v * V::LANES)).store(to.add(v * V::LANES));
                }
                let v = (wide - 1) * V::LANES;
                V::load_masked(from.add(v), last).store(to.add(v));
            }
        } else if from.row == 1 {
            for column in (0..row).step_by(V::LANES) {
                let there = columns.saturating_sub(column).min(V::LANES);
                for p in (0..k).step_by(V::LANES) {
                    let (block, depth) = (from.at(p, column).pointer, V::LANES.min(k - p));
                    let to = to.add(p * row + column);
                    V::transpose(block, from.column, there, depth, to, row);
                }
            }
        } else {
            for p in 0..k {
                for column in 0..row {
                    let x = if column < columns { *from.at(p, column).pointer } else { 0.0 };
                    *to.add(p * row + column) = x;
                }
            }
        }
    }
}
