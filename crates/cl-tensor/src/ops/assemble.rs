//! Pieces placed in one flat vector.

use crate::conformance::Case;
use crate::graph::Graph;
use crate::op::{Kind, Op, Vjp};
use crate::reference::Values;
use crate::types::{DType, Type};
use crate::var::Var;

/// A vector `[len]` in which piece i, flattened, lies at `offsets[i]`; the rest is 0. The adjoint of
/// cutting parameters out of θ: the plan lets each piece be computed in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assemble {
    /// Elements of the result.
    pub len: usize,
    /// First element of each piece, in any order.
    pub offsets: Vec<usize>,
}

impl Op for Assemble {
    fn name(&self) -> &'static str {
        "assemble"
    }

    fn attributes(&self) -> Vec<u64> {
        std::iter::once(&self.len).chain(&self.offsets).map(|&n| n as u64).collect()
    }

    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        if inputs.len() != self.offsets.len() {
            let (pieces, offsets) = (inputs.len(), self.offsets.len());
            return Err(format!("assemble: {pieces} pieces, expected one per offset: {offsets}"));
        }
        if let Some(ty) = inputs.iter().find(|ty| ty.dtype != DType::F32) {
            return Err(format!("assemble: expected floats, got {ty}"));
        }
        let mut pieces: Vec<_> = self.offsets.iter().zip(inputs).collect();
        pieces.sort_by_key(|(offset, _)| **offset);
        let mut free = 0;
        for (&offset, ty) in pieces {
            let end = offset.saturating_add(ty.len());
            if offset < free {
                return Err(format!(
                    "assemble: {ty} at {offset}..{end}: overlaps a piece that ends at {free}"
                ));
            }
            if end > self.len {
                return Err(format!(
                    "assemble: {ty} at {offset}..{end}: the result has {} elements",
                    self.len
                ));
            }
            free = end;
        }
        Ok(Type::f32(&[self.len]))
    }

    fn kind(&self) -> Kind {
        Kind::Assemble(self.offsets.clone())
    }

    fn vjp<'g>(&self, call: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        let piece = |i: usize, offset: usize| {
            let shape = call.input(i).shape();
            let len: usize = shape.iter().product();
            call.cotangent().slice(0, offset..offset + len).reshape(&shape)
        };
        let offsets = self.offsets.iter().enumerate();
        offsets.map(|(i, &offset)| call.wants(i).then(|| piece(i, offset))).collect()
    }

    fn reference(&self, inputs: &[&Values], output: &Type) -> Vec<f64> {
        let mut flat = vec![0.0; output.len()];
        for (&offset, piece) in self.offsets.iter().zip(inputs) {
            for (i, &value) in piece.data.iter().enumerate() {
                flat[offset + i] = value;
            }
        }
        flat
    }
}

impl Graph {
    /// A vector `[len]` with these (offset, piece) in it, each flattened; zeros elsewhere.
    #[track_caller]
    pub fn assemble<'g>(&'g self, len: usize, pieces: &[(usize, Var<'g>)]) -> Var<'g> {
        let (offsets, parts): (Vec<usize>, Vec<Var<'g>>) = pieces.iter().copied().unzip();
        self.record(Assemble { len, offsets }, &parts)
    }
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("by hand, out of order")
            .values(&[2], &[1.0, 2.0])
            .values(&[1, 2], &[3.0, 4.0])
            .formula(|g, x| g.assemble(6, &[(4, x[0]), (1, x[1])]))
            .expect(&[0.0, 3.0, 4.0, 0.0, 1.0, 2.0]),
        Case::new("computed pieces")
            .f32(&[7, 9])
            .f32(&[5])
            .formula(|g, x| g.assemble(128, &[(0, x[0].tanh()), (64, x[1].exp())])),
        Case::new("a product in place").f32(&[6, 11]).f32(&[11, 3]).formula(|g, x| {
            g.assemble(96, &[(64, x[0].matmul(x[1])), (0, x[0].sum_axis(0))]).square()
        }),
        Case::new("one piece twice, and read elsewhere").f32(&[10]).formula(|g, x| {
            let y = x[0].square();
            g.assemble(32, &[(0, y), (16, y)]) * y.sum()
        }),
        Case::new("pieces as they were fed")
            .f32(&[8])
            .f32(&[])
            .formula(|g, x| g.assemble(9, &[(1, x[0]), (0, x[1])])),
        Case::new("a transposed piece")
            .f32(&[4, 5])
            .formula(|g, x| g.assemble(25, &[(3, x[0].t())])),
        Case::new("the same vector read through its ranges").f32(&[64]).formula(|g, x| {
            let w = x[0].slice(0, 0..12).reshape(&[3, 4]);
            let b = x[0].slice(0, 32..36);
            let loss = (w + b).square().sum() + x[0].square().sum();
            g.grad(loss, x[0])
        }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlaps_and_overruns_are_refused() {
        let pieces = [&Type::f32(&[2, 2]), &Type::f32(&[3])];
        let message =
            |offsets: [usize; 2]| Assemble { len: 8, offsets: offsets.into() }.output(&pieces);
        assert!(message([0, 4]).is_ok());
        assert!(message([3, 0]).is_ok());
        assert_eq!(
            message([2, 0]).unwrap_err(),
            "assemble: f32[2, 2] at 2..6: overlaps a piece that ends at 3"
        );
        assert_eq!(
            message([0, 6]).unwrap_err(),
            "assemble: f32[3] at 6..9: the result has 8 elements"
        );
        let lone = Assemble { len: 8, offsets: vec![0] }.output(&pieces).unwrap_err();
        assert_eq!(lone, "assemble: 2 pieces, expected one per offset: 1");
    }
}
