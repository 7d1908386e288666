//! Matrix products over blocks of rows, each finished by its epilogue while it is in cache.

use super::memory::Bases;
use super::pointwise::{self, Registers};
use crate::plan::{Matrix, Place, Product};
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, ShapeBuilder};

/// Rows per block aimed at: enough to pay for packing the right operand, small enough to share a
/// batch of 128 between two threads.
const ROWS: usize = 96;

/// Rows of one block of a product with `m` rows; depends on the shape only.
pub(super) fn block_rows(m: usize) -> usize {
    let blocks = m.div_ceil(ROWS).max(if m >= 64 { 2 } else { 1 });
    m.div_ceil(blocks).max(1).next_multiple_of(8)
}

/// Number of independent blocks.
pub(super) fn blocks(product: &Product) -> usize {
    product.batch * product.m.div_ceil(block_rows(product.m))
}

/// Computes one block of rows and runs the epilogue on it.
pub(super) fn run_block(product: &Product, bases: &Bases, block: usize, registers: &mut Registers) {
    let rows = block_rows(product.m);
    let per_matrix = product.m.div_ceil(rows);
    let (batch, first) = (block / per_matrix, block % per_matrix * rows);
    let count = rows.min(product.m - first);
    let a = view(bases, &product.a, batch, first, (count, product.k));
    let b = view(bases, &product.b, batch, 0, (product.k, product.n));
    let start = (batch * product.m + first) * product.n;
    let place = Place { offset: product.out.offset + start as u32, ..product.out };
    // SAFETY: the plan gives the result `batch * m * n` elements that overlap no operand; this block
    // is the only one that writes these rows.
    let mut c = unsafe { ArrayViewMut2::from_shape_ptr((count, product.n), bases.pointer(place)) };
    general_mat_mul(1.0, &a, &b, 0.0, &mut c);
    if let Some(epilogue) = &product.epilogue {
        pointwise::run(epilogue, bases, start..start + count * product.n, registers);
    }
}

fn view<'a>(
    bases: &'a Bases,
    matrix: &Matrix,
    batch: usize,
    first_row: usize,
    shape: (usize, usize),
) -> ArrayView2<'a, f32> {
    let offset = batch * matrix.batch_stride + first_row * matrix.row_stride;
    let place = Place { offset: matrix.place.offset + offset as u32, ..matrix.place };
    let strides = (matrix.row_stride, matrix.column_stride);
    // SAFETY: the plan's operand has this shape with these strides inside its block, and no kernel
    // writes it while this one runs.
    unsafe { ArrayView2::from_shape_ptr(shape.strides(strides), bases.pointer(place)) }
}

#[cfg(test)]
mod tests {
    use super::block_rows;

    #[test]
    fn blocks_depend_on_the_shape_only_and_share_a_batch_between_two_threads() {
        assert_eq!(block_rows(128), 64);
        assert_eq!(block_rows(32), 32);
        assert_eq!(block_rows(400), 80);
        assert_eq!(block_rows(784), 88);
        assert_eq!(block_rows(1), 8);
    }
}
