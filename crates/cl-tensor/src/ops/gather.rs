//! Rows read from a table and added to one, by index.

use super::operands;
use crate::conformance::Case;
use crate::op::{Args, Kind, Op, Out, Vjp};
use crate::reference::Values;
use crate::types::{DType, Type};
use crate::var::Var;
use crate::wgsl::Body;

/// Row index\[i\] of a table: table `[n, ..]` (f32 or u32), index `[r]` -> `[r, ..]`. An index out of
/// range gives a row of zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gather;

impl Op for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn attributes(&self) -> Vec<u64> {
        Vec::new()
    }

    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [table, index] = operands("gather", inputs)?;
        let fits = !table.shape.is_empty()
            && table.dtype != DType::U8
            && index.dtype == DType::U32
            && index.shape.len() == 1;
        if !fits {
            return Err(format!("gather: {table} by {index}: expected [n, ..] by u32[rows]"));
        }
        let shape = [&index.shape, &table.shape[1..]].concat();
        Ok(Type { shape, dtype: table.dtype })
    }

    fn kind(&self) -> Kind {
        Kind::Kernel
    }

    fn vjp<'g>(&self, call: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        let rows = call.input(0).shape()[0];
        vec![Some(call.cotangent().scatter_add(call.input(1), rows)), None]
    }

    fn reference(&self, inputs: &[&Values], output: &Type) -> Vec<f64> {
        let width: usize = output.shape[1..].iter().product();
        let element = |flat: usize| {
            let row = inputs[1].data[flat / width] as usize;
            inputs[0].data.get(row * width + flat % width).copied().unwrap_or(0.0)
        };
        (0..output.len()).map(element).collect()
    }

    fn run(&self, args: &Args<'_>, out: Out<'_>) {
        let (table, index) = (args.f32(0), args.u32(1));
        // Rows of no elements: nothing is written, but chunks of 0 elements do not exist.
        let width = args.output_type().shape[1..].iter().product::<usize>().max(1);
        for (out, &row) in out.f32().chunks_exact_mut(width).zip(index) {
            let start = row as usize * width;
            match table.get(start..start + width) {
                Some(row) => out.copy_from_slice(row),
                None => out.fill(0.0),
            }
        }
    }

    /// Rows of the table that are read, not the table.
    fn bytes(&self, inputs: &[&Type], output: &Type) -> u64 {
        inputs[1].bytes() + 2 * output.bytes()
    }

    fn wgsl(&self, inputs: &[&Type], output: &Type) -> Option<Body> {
        let (rows, width) = (inputs[0].shape[0], output.shape[1..].iter().product::<usize>());
        let zero = if output.dtype == DType::F32 { "0.0" } else { "0u" };
        let text = format!(
            "    let row = x1(i / {width}u);
    var x = {zero};
    if (row < {rows}u) {{ x = x0(row * {width}u + i % {width}u); }}
    put(i, x);"
        );
        Some(Body::each(output.len(), text))
    }
}

/// Rows added up in a table of zeros: rows `[r, ..]`, index `[r]` -> `[n, ..]`, in order; an index out
/// of range is dropped. The adjoint of [`Gather`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScatterAdd {
    /// Rows of the table.
    pub rows: usize,
}

impl Op for ScatterAdd {
    fn name(&self) -> &'static str {
        "scatter_add"
    }

    fn attributes(&self) -> Vec<u64> {
        vec![self.rows as u64]
    }

    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [rows, index] = operands("scatter_add", inputs)?;
        let fits = rows.dtype == DType::F32
            && index.dtype == DType::U32
            && index.shape.len() == 1
            && rows.shape.first() == index.shape.first();
        if !fits {
            return Err(format!("scatter_add: {rows} by {index}: expected f32[r, ..] by u32[r]"));
        }
        Ok(Type::f32(&[&[self.rows], &rows.shape[1..]].concat()))
    }

    fn kind(&self) -> Kind {
        Kind::Kernel
    }

    fn vjp<'g>(&self, call: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        vec![Some(call.cotangent().gather(call.input(1))), None]
    }

    fn reference(&self, inputs: &[&Values], output: &Type) -> Vec<f64> {
        let width: usize = output.shape[1..].iter().product();
        let mut table = vec![0.0; output.len()];
        for (flat, &value) in inputs[0].data.iter().enumerate() {
            let row = inputs[1].data[flat / width] as usize;
            if row < self.rows {
                table[row * width + flat % width] += value;
            }
        }
        table
    }

    fn run(&self, args: &Args<'_>, out: Out<'_>) {
        let (rows, index) = (args.f32(0), args.u32(1));
        let width = args.output_type().shape[1..].iter().product::<usize>().max(1);
        let table = out.f32();
        table.fill(0.0);
        for (row, &to) in rows.chunks_exact(width).zip(index) {
            let start = to as usize * width;
            if let Some(out) = table.get_mut(start..start + width) {
                for (out, x) in out.iter_mut().zip(row) {
                    *out += x;
                }
            }
        }
    }

    fn wgsl(&self, inputs: &[&Type], output: &Type) -> Option<Body> {
        let (rows, width) = (inputs[1].len(), output.shape[1..].iter().product::<usize>());
        let text = format!(
            "    let to = i / {width}u;
    var sum = 0.0;
    for (var row = 0u; row < {rows}u; row++) {{
        if (x1(row) == to) {{ sum += x0(row * {width}u + i % {width}u); }}
    }}
    put(i, sum);"
        );
        Some(Body::each(output.len(), text))
    }
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("rows by hand, one out of range")
            .values(&[2, 2], &[1.0, 2.0, 3.0, 4.0])
            .indices(&[4], &[1, 2, 0, 1])
            .formula(|_, x| x[0].gather(x[1]))
            .expect(&[3.0, 4.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0]),
        Case::new("scattered by hand, one out of range")
            .values(&[4, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
            .indices(&[4], &[1, 3, 1, 0])
            .formula(|_, x| x[0].scatter_add(x[1], 3))
            .expect(&[7.0, 8.0, 6.0, 8.0, 0.0, 0.0]),
        Case::new("an index beyond any table")
            .f32(&[3, 5])
            .indices(&[2], &[u32::MAX, 2])
            .formula(|_, x| x[0].gather(x[1])),
        Case::new("wide rows").f32(&[11, 35]).below(&[20], 12).formula(|_, x| x[0].gather(x[1])),
        Case::new("numbers").f32(&[11]).below(&[7], 11).formula(|_, x| x[0].gather(x[1])),
        Case::new("rows of matrices")
            .f32(&[4, 2, 9])
            .below(&[3], 4)
            .formula(|_, x| x[0].gather(x[1]).square()),
        Case::new("one row").f32(&[1, 3]).below(&[1], 1).formula(|_, x| x[0].gather(x[1])),
        Case::new("indices by index")
            .below(&[6, 2], u32::MAX)
            .below(&[9], 7)
            .without_derivative()
            .formula(|_, x| x[0].gather(x[1]))
            .tolerance(0.0),
        Case::new("many rows to few")
            .f32(&[50, 18])
            .below(&[50], 4)
            .formula(|_, x| x[0].scatter_add(x[1], 3).square()),
        Case::new("counts").f32(&[30]).below(&[30], 5).formula(|_, x| x[0].scatter_add(x[1], 5)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_never_a_float() {
        let message = Gather.output(&[&Type::f32(&[5, 2]), &Type::f32(&[3])]).unwrap_err();
        assert_eq!(message, "gather: f32[5, 2] by f32[3]: expected [n, ..] by u32[rows]");
        let scatter = ScatterAdd { rows: 5 };
        let message = scatter.output(&[&Type::f32(&[4, 2]), &Type::u32(&[3])]).unwrap_err();
        assert_eq!(message, "scatter_add: f32[4, 2] by u32[3]: expected f32[r, ..] by u32[r]");
    }
}
