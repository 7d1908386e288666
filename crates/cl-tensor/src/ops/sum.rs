//! Sums over neighbouring axes.

use super::operands;
use crate::conformance::Case;
use crate::op::{Args, Kind, Op, Out, Vjp};
use crate::reference::Values;
use crate::types::{DType, Type};
use crate::var::Var;
use crate::wgsl::Body;

/// The sum over the axes `start..end`, which disappear. `start == end` is for scalars only.
///
/// The order of additions depends on shapes only and is such that elements of value 0 appended to
/// the summed axes leave the bits of the sum as they were: rows of weight 0 change nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum {
    /// First axis summed over.
    pub start: usize,
    /// First axis after it that is kept.
    pub end: usize,
}

impl Op for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn attributes(&self) -> Vec<u64> {
        vec![self.start as u64, self.end as u64]
    }

    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [x] = operands("sum", inputs)?;
        let Self { start, end } = *self;
        if x.dtype != DType::F32 {
            return Err(format!("sum: expected floats, got {x}"));
        }
        let rank = x.shape.len();
        if end > rank || start > end || (start == end && rank > 0) {
            return Err(format!(
                "sum: {x} over axes {start}..{end}: expected some of its {rank} axes"
            ));
        }
        Ok(Type::f32(&[&x.shape[..start], &x.shape[end..]].concat()))
    }

    fn kind(&self) -> Kind {
        Kind::Kernel
    }

    fn vjp<'g>(&self, call: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        let shape = call.input(0).shape();
        let mut kept = shape.clone();
        kept[self.start..self.end].fill(1);
        vec![Some(call.cotangent().reshape(&kept).expand(&shape))]
    }

    fn reference(&self, inputs: &[&Values], output: &Type) -> Vec<f64> {
        let shape = &inputs[0].shape;
        let reduced: usize = shape[self.start..self.end].iter().product();
        let inner: usize = shape[self.end..].iter().product();
        let element = |flat: usize| {
            let (outer, rest) = (flat / inner, flat % inner);
            (0..reduced).map(|i| inputs[0].data[(outer * reduced + i) * inner + rest]).sum()
        };
        (0..output.len()).map(element).collect()
    }

    fn run(&self, args: &Args<'_>, out: Out<'_>) {
        let shape = &args.input_type(0).shape;
        let reduced: usize = shape[self.start..self.end].iter().product();
        let inner: usize = shape[self.end..].iter().product();
        let (x, out) = (args.f32(0), out.f32());
        if reduced == 0 || inner == 0 {
            out.fill(0.0);
        } else if inner == 1 {
            for (out, row) in out.iter_mut().zip(x.chunks_exact(reduced)) {
                *out = sum_row(row);
            }
        } else {
            for (out, rows) in out.chunks_exact_mut(inner).zip(x.chunks_exact(reduced * inner)) {
                sum_rows(rows, out);
            }
        }
    }

    fn wgsl(&self, inputs: &[&Type], output: &Type) -> Option<Body> {
        let shape = &inputs[0].shape;
        let reduced: usize = shape[self.start..self.end].iter().product();
        let inner: usize = shape[self.end..].iter().product();
        if inner == 1 && reduced > TOGETHER {
            let text = format!(
                "    var sum = 0.0;
    for (var j = t; j < {reduced}u; j += 64u) {{ sum += x0(i * {reduced}u + j); }}
    let whole = group_sum(sum);
    if (t == 0u) {{ put(i, whole); }}"
            );
            return Some(Body::together(output.len(), text));
        }
        let text = format!(
            "    let first = (i / {inner}u) * {reduced}u * {inner}u + i % {inner}u;
    var sum = 0.0;
    for (var j = 0u; j < {reduced}u; j++) {{ sum += x0(first + j * {inner}u); }}
    put(i, sum);"
        );
        Some(Body::each(output.len(), text))
    }
}

/// Longer rows are summed by a whole workgroup of a GPU.
const TOGETHER: usize = 64;
/// Independent accumulators of a row: as many as the widest vectors hold.
pub(super) const LANES: usize = 16;
/// Elements of a row whose sums are combined before they join the total.
const CHUNK: usize = 512;
/// Rows that are summed before they join the total.
const BLOCK: usize = 32;
/// Columns summed at once, so that their partial sums stay in registers or close by.
const TILE: usize = 64;

/// The sum of a row: per chunk 16 accumulators, combined pairwise; chunks from left to right.
#[inline(always)]
pub(super) fn sum_row(row: &[f32]) -> f32 {
    let mut total = 0.0;
    for chunk in row.chunks(CHUNK) {
        let mut lanes = [0.0; LANES];
        let (whole, rest) = chunk.as_chunks::<LANES>();
        for x in whole {
            for (lane, x) in lanes.iter_mut().zip(x) {
                *lane += x;
            }
        }
        for (lane, x) in lanes.iter_mut().zip(rest) {
            *lane += x;
        }
        total += pairwise(lanes);
    }
    total
}

/// The sum of 16 numbers as a balanced tree.
#[inline(always)]
fn pairwise(mut lanes: [f32; LANES]) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// The sum of rows of the length of `out`: blocks of 32 rows in order, blocks from left to right.
fn sum_rows(rows: &[f32], out: &mut [f32]) {
    let inner = out.len();
    let (tiles, rest) = out.as_chunks_mut::<TILE>();
    let whole = tiles.len() * TILE;
    for (i, tile) in tiles.iter_mut().enumerate() {
        let mut total = [0.0; TILE];
        for block in rows.chunks(BLOCK * inner) {
            let mut partial = [0.0; TILE];
            for row in block.chunks_exact(inner) {
                if let Some(x) = row[i * TILE..].first_chunk::<TILE>() {
                    for (sum, x) in partial.iter_mut().zip(x) {
                        *sum += x;
                    }
                }
            }
            for (sum, x) in total.iter_mut().zip(&partial) {
                *sum += x;
            }
        }
        *tile = total;
    }
    let mut total = [0.0; TILE];
    for block in rows.chunks(BLOCK * inner) {
        let mut partial = [0.0; TILE];
        for row in block.chunks_exact(inner) {
            for (sum, x) in partial.iter_mut().zip(&row[whole..]) {
                *sum += x;
            }
        }
        for (sum, x) in total.iter_mut().zip(&partial) {
            *sum += x;
        }
    }
    rest.copy_from_slice(&total[..rest.len()]);
}

pub(super) fn cases() -> Vec<Case> {
    let over = |name: &str, shape: &[usize], start: usize, end: usize| {
        Case::new(name).f32(shape).formula(move |g, x| g.record(Sum { start, end }, x))
    };
    vec![
        Case::new("rows by hand")
            .values(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
            .formula(|_, x| x[0].sum_axis(0))
            .expect(&[5.0, 7.0, 9.0]),
        Case::new("columns by hand")
            .values(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
            .formula(|_, x| x[0].sum_axis(1))
            .expect(&[6.0, 15.0]),
        over("a scalar", &[], 0, 0),
        over("everything, more than a chunk", &[37, 41], 0, 2),
        over("a long vector", &[1543], 0, 1),
        over("many rows, few columns", &[100, 10], 0, 1),
        over("many rows, many columns", &[70, 203], 0, 1),
        over("one row", &[1, 65], 0, 1),
        over("short rows", &[9, 5], 1, 2),
        over("the middle of three axes", &[3, 40, 7], 1, 2),
        over("the first two of three axes", &[3, 11, 18], 0, 2),
        over("the last two of three axes", &[4, 5, 6], 1, 3),
        Case::new("of a stretched and a transposed value")
            .f32(&[6, 5])
            .f32(&[6])
            .formula(|_, x| (x[0].t().sum_axis(0) * x[1]) + x[1].expand(&[4, 6]).sum_axis(0)),
        Case::new("squared").f32(&[12, 12]).formula(|_, x| x[0].square().mean_axis(1).square()),
        Case::new("back to a stretched shape")
            .f32(&[4, 6, 5])
            .formula(|_, x| x[0].square().sum_to(&[6, 1])),
        Case::new("rows of length 1 by hand, one of them zeros")
            .values(&[2, 2], &[3.0, -4.0, 0.0, 0.0])
            .without_derivative()
            .formula(|_, x| x[0].unit_rows())
            .expect(&[0.6, -0.8, 0.0, 0.0]),
        Case::new("rows of length 1").range(&[7, 9], 0.5, 2.0).formula(|_, x| x[0].unit_rows()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use cl_random::{Address, Purpose};

    fn numbers(n: usize) -> Vec<f32> {
        let mut rng = Address::new(11, Purpose::named("test")).rng();
        (0..n).map(|_| (rng.below(1 << 24) as f32 / (1 << 23) as f32 - 1.0).powi(3)).collect()
    }

    #[test]
    fn appended_zeros_leave_the_bits_of_a_row_sum() {
        let x = numbers(1300);
        for len in [1, 5, 16, 17, 100, 511, 512, 513, 1300] {
            let sum = sum_row(&x[..len]);
            for zeros in [1, 15, 16, 400, 512, 700] {
                let mut longer = x[..len].to_vec();
                longer.resize(len + zeros, 0.0);
                assert_eq!(sum_row(&longer).to_bits(), sum.to_bits(), "{len} and {zeros} zeros");
            }
        }
    }

    #[test]
    fn appended_rows_of_zeros_leave_the_bits_of_a_column_sum() {
        let x = numbers(75 * 100);
        for (rows, inner) in [(1, 100), (31, 64), (32, 10), (33, 65), (75, 100)] {
            let mut short = vec![f32::NAN; inner];
            sum_rows(&x[..rows * inner], &mut short);
            for zeros in [1, 31, 32, 40] {
                let mut longer = x[..rows * inner].to_vec();
                longer.resize((rows + zeros) * inner, 0.0);
                let mut long = vec![f32::NAN; inner];
                sum_rows(&longer, &mut long);
                assert_eq!(long, short, "{rows} rows of {inner} and {zeros} of zeros");
            }
        }
    }

    #[test]
    fn axes_that_do_not_exist_are_named() {
        let sum = |start, end| Sum { start, end }.output(&[&Type::f32(&[3, 4])]);
        let text = "sum: f32[3, 4] over axes 1..3: expected some of its 2 axes";
        assert_eq!(sum(1, 3).unwrap_err(), text);
        assert!(sum(1, 1).is_err());
        assert_eq!(sum(0, 1).unwrap().shape, [4]);
    }
}
