//! Every kernel of this machine against sums in f64.

use super::{Gemm, Kernel, Strides};
use proptest::prelude::*;

/// How an operand lies in memory.
#[derive(Clone, Copy, Debug)]
enum Lie {
    /// Columns are neighbours; rows are so many elements further apart than they are long.
    Rows(usize),
    /// Rows are neighbours: transposed.
    Columns(usize),
    /// Nothing is a neighbour of anything.
    Apart,
    /// One row for all rows.
    Repeated,
}

/// An operand `[rows, columns]` that ends with its memory: what is read beyond it is a fault or a NaN.
fn operand(lie: Lie, rows: usize, columns: usize, salt: u64) -> (Vec<f32>, usize, usize) {
    let (row, column) = match lie {
        Lie::Rows(gap) => (columns + gap, 1),
        Lie::Columns(gap) => (1, rows + gap),
        Lie::Apart => (columns * 3 + 1, 3),
        Lie::Repeated => (0, 1),
    };
    let mut memory =
        vec![f32::NAN; (rows.max(1) - 1) * row + columns.max(1).saturating_sub(1) * column + 1];
    for r in 0..rows {
        for c in 0..columns {
            memory[r * row + c * column] = value(r * row + c * column, salt);
        }
    }
    (memory, row, column)
}

fn value(at: usize, salt: u64) -> f32 {
    let mixed = (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(salt << 40);
    ((mixed >> 40) as f32 / (1 << 24) as f32) - 0.5
}

/// Runs a product into rows that lie `gap` further apart than they are long; what lies between must stay.
fn run(kernel: Kernel, [m, k, n]: [usize; 3], a: Lie, b: Lie, gap: usize) -> Vec<f32> {
    let ((a, a_row, a_column), (b, b_row, b_column)) = (operand(a, m, k, 1), operand(b, k, n, 2));
    let mut c = vec![7.0_f32; m * (n + gap)];
    let product = Gemm {
        m,
        k,
        n,
        a: Strides { pointer: a.as_ptr(), row: a_row, column: a_column },
        b: Strides { pointer: b.as_ptr(), row: b_row, column: b_column },
        c: c.as_mut_ptr(),
        c_row: n + gap,
    };
    // SAFETY: the kernel is one of this machine's; operands and result have these shapes.
    unsafe { kernel.run(&product) };
    for row in 0..m {
        let between = &c[row * (n + gap) + n..(row + 1) * (n + gap)];
        assert!(between.iter().all(|&x| x == 7.0), "wrote between rows");
        for column in 0..n {
            let (mut want, mut size) = (0.0, 0.0);
            for p in 0..k {
                let term = f64::from(a[row * a_row + p * a_column])
                    * f64::from(b[p * b_row + column * b_column]);
                want += term;
                size += term.abs();
            }
            let got = f64::from(c[row * (n + gap) + column]);
            // Each of k rounded sums errs by at most 2⁻²⁴ of what is summed so far.
            let allowed = k as f64 * f64::from(f32::EPSILON) / 2.0 * size;
            assert!(
                (got - want).abs() <= allowed,
                "{kernel:?} [{row}, {column}]: {got}, in f64 {want}"
            );
        }
    }
    c
}

fn lie() -> impl Strategy<Value = Lie> {
    prop_oneof![
        (0_usize..4).prop_map(Lie::Rows),
        (0_usize..4).prop_map(Lie::Columns),
        Just(Lie::Apart),
        Just(Lie::Repeated),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn every_kernel_agrees_with_f64_on_any_shape_and_strides(
        m in 1_usize..71, k in 0_usize..71, n in 1_usize..71, a in lie(), b in lie(), gap in 0_usize..3,
    ) {
        let results: Vec<_> =
            Kernel::present().filter(|&it| it != Kernel::Portable).map(|it| run(it, [m, k, n], a, b, gap)).collect();
        prop_assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "AVX-512 and AVX2 differ");
        run(Kernel::Portable, [m, k, n], a, b, gap);
    }
}

#[test]
fn shapes_of_more_than_one_block_agree_with_f64() {
    for kernel in Kernel::present() {
        run(kernel, [9, 1100, 50], Lie::Rows(0), Lie::Rows(0), 0);
        run(kernel, [3, 1100, 50], Lie::Columns(0), Lie::Rows(2), 1);
        run(kernel, [600, 520, 17], Lie::Columns(0), Lie::Columns(0), 0);
    }
}

#[test]
fn an_element_has_the_same_bits_whatever_is_computed_with_it() {
    let [m, k, n] = [37, 700, 61];
    for kernel in Kernel::present() {
        let (a, b) = (operand(Lie::Rows(0), m, k, 1).0, operand(Lie::Rows(0), k, n, 2).0);
        let part = |rows: std::ops::Range<usize>, columns: std::ops::Range<usize>| {
            let mut c = vec![0.0_f32; rows.len() * columns.len()];
            let product = Gemm {
                m: rows.len(),
                k,
                n: columns.len(),
                a: Strides { pointer: &raw const a[rows.start * k], row: k, column: 1 },
                b: Strides { pointer: &raw const b[columns.start], row: n, column: 1 },
                c: c.as_mut_ptr(),
                c_row: columns.len(),
            };
            // SAFETY: rows and columns of the operands; the kernel is one of this machine's.
            unsafe { kernel.run(&product) };
            c
        };
        let whole = part(0..m, 0..n);
        for (row, column) in [(0, 0), (36, 60), (17, 33), (8, 47), (31, 48)] {
            let alone = part(row..row + 1, column..column + 1)[0];
            assert_eq!(alone.to_bits(), whole[row * n + column].to_bits(), "{kernel:?}");
        }
    }
}
