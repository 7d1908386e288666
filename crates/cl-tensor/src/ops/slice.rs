//! A range along one axis.

use super::operands;
use crate::conformance::Case;
use crate::op::{Kind, Op, Vjp};
use crate::plan::Strided;
use crate::reference::Values;
use crate::types::Type;
use crate::var::Var;

/// The elements `start .. start + len` along `axis`; a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// The axis that is cut.
    pub axis: usize,
    /// First element kept.
    pub start: usize,
    /// Number of elements kept.
    pub len: usize,
}

impl Op for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn attributes(&self) -> Vec<u64> {
        vec![self.axis as u64, self.start as u64, self.len as u64]
    }

    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [x] = operands("slice", inputs)?;
        let Self { axis, start, len } = *self;
        let Some(&extent) = x.shape.get(axis) else {
            return Err(format!("slice: {x} has no axis {axis}"));
        };
        let end = start.saturating_add(len);
        if end > extent {
            return Err(format!(
                "slice: {x}, {start}..{end} along axis {axis}: the axis has {extent} elements"
            ));
        }
        let mut output = x.clone();
        output.shape[axis] = len;
        Ok(output)
    }

    fn kind(&self) -> Kind {
        Kind::View
    }

    /// Along axis 0 the cotangent is one stretch of a flat vector, so the gradient of a parameter
    /// lands in its range of the gradient of θ.
    fn vjp<'g>(&self, call: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        let (graph, g) = (call.graph(), call.cotangent());
        let shape = call.input(0).shape();
        let Self { axis, start, len } = *self;
        if axis == 0 {
            let row: usize = shape[1..].iter().product();
            let flat = graph.assemble(shape[0] * row, &[(start * row, g)]);
            return vec![Some(flat.reshape(&shape))];
        }
        let zeros = |extent: usize| {
            let mut shape = shape.clone();
            shape[axis] = extent;
            (extent > 0).then(|| graph.full(&shape, 0.0))
        };
        let parts = [zeros(start), Some(g), zeros(shape[axis] - start - len)];
        vec![Some(graph.concat(&parts.into_iter().flatten().collect::<Vec<_>>(), axis))]
    }

    fn reference(&self, inputs: &[&Values], output: &Type) -> Vec<f64> {
        let inner: usize = output.shape[self.axis + 1..].iter().product();
        let extent = inputs[0].shape[self.axis];
        let element = |flat: usize| {
            let (outer, at, rest) =
                (flat / inner / self.len, flat / inner % self.len, flat % inner);
            inputs[0].data[(outer * extent + self.start + at) * inner + rest]
        };
        (0..output.len()).map(element).collect()
    }

    fn view(&self, input: &Strided, output: &Type) -> Option<Strided> {
        Some(Strided {
            offset: input.offset + self.start * input.strides[self.axis],
            shape: output.shape.clone(),
            strides: input.strides.clone(),
        })
    }
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("rows by hand")
            .values(&[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
            .formula(|_, x| x[0].slice(0, 1..3))
            .expect(&[3.0, 4.0, 5.0, 6.0]),
        Case::new("columns by hand")
            .values(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
            .formula(|_, x| x[0].slice(1, 1..2))
            .expect(&[2.0, 5.0]),
        Case::new("two ranges of one vector").f32(&[100]).formula(|_, x| {
            let w = x[0].slice(0, 5..45).reshape(&[4, 10]);
            let b = x[0].slice(0, 64..74);
            (w + b).tanh()
        }),
        Case::new("overlapping ranges add up")
            .f32(&[50])
            .formula(|_, x| x[0].slice(0, 0..33) * x[0].slice(0, 17..50).square()),
        Case::new("middle axis").f32(&[3, 7, 11]).formula(|_, x| x[0].slice(1, 2..6)),
        Case::new("end of the last axis").f32(&[4, 21]).formula(|_, x| x[0].slice(1, 4..21)),
        Case::new("one row").f32(&[6, 9]).formula(|_, x| x[0].slice(0, 5..6).square()),
        Case::new("of a slice")
            .f32(&[8, 40])
            .formula(|_, x| x[0].slice(0, 2..7).slice(1, 10..29).slice(0, 1..3)),
        Case::new("of indices")
            .below(&[20], 100)
            .without_derivative()
            .formula(|_, x| x[0].slice(0, 3..9).to_float())
            .tolerance(0.0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_outside_is_named() {
        let slice = Slice { axis: 0, start: 8, len: 4 };
        let message = slice.output(&[&Type::f32(&[10, 4])]).unwrap_err();
        assert_eq!(message, "slice: f32[10, 4], 8..12 along axis 0: the axis has 10 elements");
        let message = slice.output(&[&Type::f32(&[])]).unwrap_err();
        assert_eq!(message, "slice: f32[] has no axis 0");
    }
}
