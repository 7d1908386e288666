//! Matrix products, cut into parts for threads; each block of rows is finished by its epilogue.

use super::gemm::{Gemm, Kernel, Strides};
use super::memory::Bases;
use super::pointwise;
use super::team::Team;
use crate::plan::{Matrix, Place, Product};
use std::ops::Range;

/// Multiply-accumulates above which a product is worth another thread.
const SHARED_MACS: usize = 1 << 19;
/// Rows that are finished together: their result stays in the second cache until its epilogue.
const ROWS: usize = 256;
/// Columns that a thread gets at least.
const COLUMNS: usize = 128;
/// Parts start at multiples of these: whole tiles, whole cache lines.
const TILE: usize = 16;

/// Computes a product. However it is cut, each element has the same bits (see [`super::gemm`]).
pub(super) fn run(product: &Product, bases: &Bases, team: &Team) {
    let &Product { batch, m, n, k, .. } = product;
    let threads = team.threads();
    if threads == 1 || batch * m * k * n < SHARED_MACS {
        (0..batch).for_each(|matrix| finish(product, bases, matrix, 0..m));
    } else if batch >= threads {
        team.share(batch, &|matrix| finish(product, bases, matrix, 0..m));
    } else if m < ROWS && n >= COLUMNS * threads {
        // Few rows: a thread for each block of them would pack all of b again.
        for matrix in 0..batch {
            cut(team, n, |columns| multiply(product, bases, matrix, 0..m, columns));
            if product.epilogue.is_some() {
                cut(team, m, |rows| epilogue(product, bases, matrix, rows));
            }
        }
    } else {
        (0..batch).for_each(|matrix| cut(team, m, |rows| finish(product, bases, matrix, rows)));
    }
}

/// Shares `0..len` in one part per thread.
fn cut(team: &Team, len: usize, part: impl Fn(Range<usize>) + Sync) {
    let each = len.div_ceil(team.threads()).next_multiple_of(TILE);
    team.share(len.div_ceil(each), &|i| part(i * each..len.min((i + 1) * each)));
}

/// Rows of one matrix with their epilogue.
fn finish(product: &Product, bases: &Bases, matrix: usize, rows: Range<usize>) {
    if product.epilogue.is_none() {
        return multiply(product, bases, matrix, rows, 0..product.n);
    }
    for start in rows.clone().step_by(ROWS) {
        let block = start..rows.end.min(start + ROWS);
        multiply(product, bases, matrix, block.clone(), 0..product.n);
        epilogue(product, bases, matrix, block);
    }
}

fn multiply(
    product: &Product,
    bases: &Bases,
    matrix: usize,
    rows: Range<usize>,
    columns: Range<usize>,
) {
    let start = (matrix * product.m + rows.start) * product.n + columns.start;
    let gemm = Gemm {
        m: rows.len(),
        k: product.k,
        n: columns.len(),
        a: operand(bases, &product.a, matrix).at(rows.start, 0),
        b: operand(bases, &product.b, matrix).at(0, columns.start),
        c: bases.pointer(Place { offset: product.out.offset + start as u32, ..product.out }),
        c_row: product.n,
    };
    // SAFETY: the kernel is one of this CPU's. The plan's operands have these shapes with these strides inside
    // their blocks, and no kernel writes them while this one runs; the result has `batch * m * n` elements
    // that overlap no operand, of which this part alone writes these rows and columns.
    unsafe { Kernel::fastest().run(&gemm) };
}

fn epilogue(product: &Product, bases: &Bases, matrix: usize, rows: Range<usize>) {
    if let Some(program) = &product.epilogue {
        let first = matrix * product.m;
        let range = (first + rows.start) * product.n..(first + rows.end) * product.n;
        pointwise::run(program, bases, range);
    }
}

fn operand(bases: &Bases, of: &Matrix, matrix: usize) -> Strides {
    let offset = of.place.offset + (matrix * of.batch_stride) as u32;
    let pointer = bases.pointer(Place { offset, ..of.place });
    Strides { pointer, row: of.row_stride, column: of.column_stride }
}
