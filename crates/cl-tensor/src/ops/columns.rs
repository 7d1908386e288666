//! Columns read from each row and added to each row, by index.

use super::operands;
use crate::conformance::Case;
use crate::op::{Args, Kind, Op, Out, Vjp};
use crate::reference::Values;
use crate::types::{DType, Type};
use crate::var::Var;
use crate::wgsl::Body;

/// Per row the columns asked for: x `[r, d]`, index `[r, k]` -> `[r, k]`; out of range gives 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatherColumns;

impl Op for GatherColumns {
    fn name(&self) -> &'static str {
        "gather_columns"
    }

    fn attributes(&self) -> Vec<u64> {
        Vec::new()
    }

    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [x, index] = operands("gather_columns", inputs)?;
        rows_and_columns("gather_columns", x, index)?;
        Ok(Type::f32(&index.shape))
    }

    fn kind(&self) -> Kind {
        Kind::Kernel
    }

    fn vjp<'g>(&self, call: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        let columns = call.input(0).shape()[1];
        let inputs = [call.cotangent(), call.input(1)];
        vec![Some(call.graph().record(ScatterColumns { columns }, &inputs)), None]
    }

    fn reference(&self, inputs: &[&Values], output: &Type) -> Vec<f64> {
        let (d, k) = (inputs[0].shape[1], output.shape[1]);
        let element = |(flat, &column): (usize, &f64)| {
            let column = column as usize;
            if column < d { inputs[0].data[flat / k * d + column] } else { 0.0 }
        };
        inputs[1].data.iter().enumerate().map(element).collect()
    }

    fn run(&self, args: &Args<'_>, out: Out<'_>) {
        let (d, k) = (args.input_type(0).shape[1], args.input_type(1).shape[1]);
        if k == 0 {
            return;
        }
        let out = out.f32();
        if d == 0 {
            out.fill(0.0);
            return;
        }
        let rows = args.f32(0).chunks_exact(d).zip(args.u32(1).chunks_exact(k));
        for (out, (row, index)) in out.chunks_exact_mut(k).zip(rows) {
            for (out, &column) in out.iter_mut().zip(index) {
                *out = row.get(column as usize).copied().unwrap_or(0.0);
            }
        }
    }

    /// Elements that are read, not the rows they are of.
    fn bytes(&self, inputs: &[&Type], output: &Type) -> u64 {
        inputs[1].bytes() + 2 * output.bytes()
    }

    fn wgsl(&self, inputs: &[&Type], output: &Type) -> Option<Body> {
        let (d, k) = (inputs[0].shape[1], inputs[1].shape[1]);
        let text = format!(
            "    let column = x1(i);
    var x = 0.0;
    if (column < {d}u) {{ x = x0((i / {k}u) * {d}u + column); }}
    put(i, x);"
        );
        Some(Body::each(output.len(), text))
    }
}

/// Per row, values added up in columns of zeros: x `[r, k]`, index `[r, k]` -> `[r, columns]`, in order;
/// out of range is dropped. The adjoint of [`GatherColumns`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScatterColumns {
    /// Columns of the result.
    pub columns: usize,
}

impl Op for ScatterColumns {
    fn name(&self) -> &'static str {
        "scatter_columns"
    }

    fn attributes(&self) -> Vec<u64> {
        vec![self.columns as u64]
    }

    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [x, index] = operands("scatter_columns", inputs)?;
        rows_and_columns("scatter_columns", x, index)?;
        if x.shape != index.shape {
            return Err(format!("scatter_columns: {x} by {index}: expected one index per value"));
        }
        Ok(Type::f32(&[x.shape[0], self.columns]))
    }

    fn kind(&self) -> Kind {
        Kind::Kernel
    }

    fn vjp<'g>(&self, call: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        vec![Some(call.cotangent().gather_columns(call.input(1))), None]
    }

    fn reference(&self, inputs: &[&Values], output: &Type) -> Vec<f64> {
        let k = inputs[0].shape[1];
        let mut table = vec![0.0; output.len()];
        for (flat, (&value, &column)) in inputs[0].data.iter().zip(&inputs[1].data).enumerate() {
            let column = column as usize;
            if column < self.columns {
                table[flat / k * self.columns + column] += value;
            }
        }
        table
    }

    fn run(&self, args: &Args<'_>, out: Out<'_>) {
        let k = args.input_type(0).shape[1];
        let table = out.f32();
        table.fill(0.0);
        if k == 0 || self.columns == 0 {
            return;
        }
        let rows = args.f32(0).chunks_exact(k).zip(args.u32(1).chunks_exact(k));
        for (out, (row, index)) in table.chunks_exact_mut(self.columns).zip(rows) {
            for (x, &column) in row.iter().zip(index) {
                if let Some(out) = out.get_mut(column as usize) {
                    *out += x;
                }
            }
        }
    }

    fn wgsl(&self, inputs: &[&Type], output: &Type) -> Option<Body> {
        let (k, columns) = (inputs[0].shape[1], self.columns);
        let text = format!(
            "    let first = (i / {columns}u) * {k}u;
    let column = i % {columns}u;
    var sum = 0.0;
    for (var j = first; j < first + {k}u; j++) {{
        if (x1(j) == column) {{ sum += x0(j); }}
    }}
    put(i, sum);"
        );
        Some(Body::each(output.len(), text))
    }
}

fn rows_and_columns(name: &str, x: &Type, index: &Type) -> Result<(), String> {
    let fits = x.dtype == DType::F32
        && index.dtype == DType::U32
        && x.shape.len() == 2
        && index.shape.len() == 2
        && x.shape[0] == index.shape[0];
    if fits {
        return Ok(());
    }
    Err(format!("{name}: {x} by {index}: expected f32[rows, d] by u32[rows, k]"))
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("read by hand, one out of range")
            .values(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
            .indices(&[2, 2], &[2, 0, 3, 1])
            .formula(|_, x| x[0].gather_columns(x[1]))
            .expect(&[3.0, 1.0, 0.0, 5.0]),
        Case::new("added by hand, one out of range")
            .values(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
            .indices(&[2, 3], &[1, 0, 1, 2, 0, 0])
            .formula(|g, x| g.record(ScatterColumns { columns: 2 }, x))
            .expect(&[2.0, 4.0, 11.0, 0.0]),
        Case::new("many columns")
            .f32(&[9, 70])
            .below(&[9, 33], 71)
            .formula(|_, x| x[0].gather_columns(x[1])),
        Case::new("one column")
            .f32(&[17, 5])
            .below(&[17, 1], 5)
            .formula(|_, x| x[0].gather_columns(x[1]).exp()),
        Case::new("one row")
            .f32(&[1, 5])
            .below(&[1, 9], 5)
            .formula(|_, x| x[0].gather_columns(x[1]).square()),
        Case::new("many added")
            .f32(&[6, 40])
            .below(&[6, 40], 8)
            .formula(|g, x| g.record(ScatterColumns { columns: 7 }, x).square()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_to_agree() {
        let message = GatherColumns.output(&[&Type::f32(&[5, 2]), &Type::u32(&[4, 1])]);
        assert_eq!(
            message.unwrap_err(),
            "gather_columns: f32[5, 2] by u32[4, 1]: expected f32[rows, d] by u32[rows, k]"
        );
        let scatter = ScatterColumns { columns: 3 };
        let message = scatter.output(&[&Type::f32(&[5, 2]), &Type::u32(&[5, 1])]).unwrap_err();
        assert_eq!(
            message,
            "scatter_columns: f32[5, 2] by u32[5, 1]: expected one index per value"
        );
    }
}
