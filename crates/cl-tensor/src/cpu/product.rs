//! Matrix products over blocks of rows, each finished by its epilogue while it is in cache.

use super::gemm::{Gemm, Kernel, Strides};
use super::memory::Bases;
use super::pointwise::{self, Registers};
use crate::plan::{Matrix, Place, Product};

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
    let start = (batch * product.m + first) * product.n;
    let place = Place { offset: product.out.offset + start as u32, ..product.out };
    let gemm = Gemm {
        m: count,
        k: product.k,
        n: product.n,
        a: view(bases, &product.a, batch, first),
        b: view(bases, &product.b, batch, 0),
        c: bases.pointer(place),
        c_row: product.n,
    };
    // SAFETY: the kernel is one of this CPU's. The plan's operands have these shapes with these strides inside
    // their blocks, and no kernel writes them while this one runs; the result has `batch * m * n` elements
    // that overlap no operand, of which this block alone writes these rows.
    unsafe { Kernel::fastest().run(&gemm) };
    if let Some(epilogue) = &product.epilogue {
        pointwise::run(epilogue, bases, start..start + count * product.n, registers);
    }
}

fn view(bases: &Bases, matrix: &Matrix, batch: usize, row: usize) -> Strides {
    let offset = batch * matrix.batch_stride + row * matrix.row_stride;
    let place = Place { offset: matrix.place.offset + offset as u32, ..matrix.place };
    Strides { pointer: bases.pointer(place), row: matrix.row_stride, column: matrix.column_stride }
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
