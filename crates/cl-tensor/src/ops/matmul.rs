//! Matrix products.

use super::operands;
use crate::conformance::Case;
use crate::op::{Kind, Op, Vjp};
use crate::reference::Values;
use crate::types::{DType, Type};
use crate::var::Var;

/// `[.., m, k] x [.., k, n] -> [.., m, n]`, ranks 2 and 3; an operand without the batch axis is shared
/// by all of the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatMul;

impl Op for MatMul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn attributes(&self) -> Vec<u64> {
        Vec::new()
    }

    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [a, b] = operands("matmul", inputs)?;
        if a.dtype != DType::F32 || b.dtype != DType::F32 {
            return Err(format!("matmul: {a} x {b}: expected floats"));
        }
        let (a, b) = (&a.shape, &b.shape);
        let (Some((batch_a, [m, k])), Some((batch_b, [rows, n]))) =
            (a.split_last_chunk(), b.split_last_chunk())
        else {
            return Err(format!("matmul: {a:?} x {b:?}: expected 2 or 3 axes each"));
        };
        if batch_a.len() > 1 || batch_b.len() > 1 {
            return Err(format!("matmul: {a:?} x {b:?}: expected 2 or 3 axes each"));
        }
        if k != rows {
            return Err(format!("matmul: {a:?} x {b:?}: inner dimensions {k} and {rows} differ"));
        }
        match (batch_a, batch_b) {
            ([x], [y]) if x != y => {
                Err(format!("matmul: {a:?} x {b:?}: batches {x} and {y} differ"))
            }
            (batch, []) | (_, batch) => Ok(Type::f32(&[batch, &[*m, *n]].concat())),
        }
    }

    fn kind(&self) -> Kind {
        Kind::Product
    }

    fn vjp<'g>(&self, call: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        let (a, b, g) = (call.input(0), call.input(1), call.cotangent());
        let (of_a, of_b) = (a.shape(), b.shape());
        let by_a = || match (of_a.len(), of_b.len()) {
            (2, 3) => g.matmul(b.t()).sum_axis(0),
            _ => g.matmul(b.t()),
        };
        let by_b = || match (&of_a[..], &of_b[..]) {
            // One long product instead of one per batch and a sum.
            (&[batch, m, k], &[_, n]) => {
                a.reshape(&[batch * m, k]).t().matmul(g.reshape(&[batch * m, n]))
            }
            _ => a.t().matmul(g),
        };
        vec![call.wants(0).then(by_a), call.wants(1).then(by_b)]
    }

    fn reference(&self, inputs: &[&Values], output: &Type) -> Vec<f64> {
        let [a, b] = [inputs[0], inputs[1]];
        let rank = output.shape.len();
        let (m, n) = (output.shape[rank - 2], output.shape[rank - 1]);
        let k = a.shape[a.shape.len() - 1];
        let element = |flat: usize| {
            let (batch, row, column) = (flat / (m * n), flat / n % m, flat % n);
            let batch_a = if a.shape.len() == 3 { batch } else { 0 };
            let batch_b = if b.shape.len() == 3 { batch } else { 0 };
            let product = |i: usize| {
                a.data[(batch_a * m + row) * k + i] * b.data[(batch_b * k + i) * n + column]
            };
            (0..k).map(product).sum()
        };
        (0..output.len()).map(element).collect()
    }

    fn macs(&self, inputs: &[&Type], output: &Type) -> u64 {
        let inner = inputs[0].shape.last().copied().unwrap_or(1);
        (output.len() * inner) as u64
    }
}

pub(super) fn cases() -> Vec<Case> {
    let product = |name: &str, a: &[usize], b: &[usize]| {
        Case::new(name).f32(a).f32(b).formula(|_, x| x[0].matmul(x[1]))
    };
    vec![
        // [1 2; 3 4] [5 6; 7 8] = [1·5 + 2·7, 1·6 + 2·8; 3·5 + 4·7, 3·6 + 4·8].
        Case::new("by hand")
            .values(&[2, 2], &[1.0, 2.0, 3.0, 4.0])
            .values(&[2, 2], &[5.0, 6.0, 7.0, 8.0])
            .formula(|_, x| x[0].matmul(x[1]))
            .expect(&[19.0, 22.0, 43.0, 50.0]),
        Case::new("one number, and what is done to it")
            .f32(&[1, 7])
            .f32(&[7, 1])
            .formula(|_, x| (x[0].matmul(x[1]) + 0.5).square()),
        // (1, 2) to (1, 0) and to (-2, 6); (0, -1) likewise.
        Case::new("squared distances by hand")
            .values(&[2, 2], &[1.0, 2.0, 0.0, -1.0])
            .values(&[2, 2], &[1.0, 0.0, -2.0, 6.0])
            .formula(|_, x| x[0].square_distances(x[1]))
            .expect(&[4.0, 25.0, 2.0, 53.0]),
        product("odd sizes", &[5, 7], &[7, 3]),
        product("more than a block of rows and columns", &[70, 33], &[33, 150]),
        product("the largest tiles, and what is left of them", &[257, 9], &[9, 262]),
        product("the largest tiles, whole", &[256, 8], &[8, 256]),
        product("a long inner dimension", &[4, 700], &[700, 9]),
        product("one row", &[1, 19], &[19, 37]),
        product("one column", &[37, 19], &[19, 1]),
        product("an outer product", &[13, 1], &[1, 17]),
        product("batched", &[3, 4, 5], &[3, 5, 6]),
        product("batched by one matrix", &[3, 4, 5], &[5, 6]),
        product("one matrix by a batch", &[4, 5], &[3, 5, 6]),
        product("a batch of one", &[1, 4, 5], &[5, 2]),
        Case::new("transposed left")
            .f32(&[9, 6])
            .f32(&[9, 20])
            .formula(|_, x| x[0].t().matmul(x[1])),
        Case::new("transposed right")
            .f32(&[6, 9])
            .f32(&[20, 9])
            .formula(|_, x| x[0].matmul(x[1].t())),
        Case::new("transposed twice")
            .f32(&[9, 6])
            .f32(&[20, 9])
            .formula(|_, x| x[0].t().matmul(x[1].t())),
        Case::new("batched and transposed")
            .f32(&[2, 9, 6])
            .f32(&[2, 7, 9])
            .formula(|_, x| x[0].t().matmul(x[1].t())),
        Case::new("by itself").f32(&[8, 5]).formula(|_, x| x[0].t().matmul(x[0])),
        Case::new("of ranges of one vector").f32(&[200]).f32(&[4, 10]).formula(|_, x| {
            let w = x[0].slice(0, 64..64 + 120).reshape(&[10, 12]);
            let b = x[0].slice(0, 20..32);
            (x[1].matmul(w) + b).relu()
        }),
        Case::new("of columns of a matrix")
            .f32(&[6, 20])
            .f32(&[9, 30])
            .formula(|_, x| x[0].slice(1, 3..12).matmul(x[1].slice(1, 7..29))),
        Case::new("two layers")
            .f32(&[20, 12])
            .f32(&[12, 33])
            .f32(&[33, 5])
            .formula(|_, x| x[0].matmul(x[1]).tanh().matmul(x[2])),
        Case::new("of a stretched row")
            .f32(&[1, 7])
            .f32(&[7, 4])
            .formula(|_, x| x[0].expand(&[5, 7]).matmul(x[1])),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misfit_names_shapes_and_dimensions() {
        let message =
            |a: &[usize], b: &[usize]| MatMul.output(&[&Type::f32(a), &Type::f32(b)]).unwrap_err();
        assert_eq!(
            message(&[32, 784], &[400, 10]),
            "matmul: [32, 784] x [400, 10]: inner dimensions 784 and 400 differ"
        );
        assert_eq!(
            message(&[2, 3, 4], &[3, 4, 5]),
            "matmul: [2, 3, 4] x [3, 4, 5]: batches 2 and 3 differ"
        );
        assert_eq!(message(&[3], &[3, 4]), "matmul: [3] x [3, 4]: expected 2 or 3 axes each");
        assert!(message(&[2, 2, 3, 4], &[4, 5]).ends_with("expected 2 or 3 axes each"));
    }

    #[test]
    fn cost_counts_the_batch() {
        let (a, b) = (Type::f32(&[3, 4, 5]), Type::f32(&[5, 6]));
        let output = MatMul.output(&[&a, &b]).unwrap();
        assert_eq!(output.shape, [3, 4, 6]);
        assert_eq!(MatMul.macs(&[&a, &b], &output), 3 * 4 * 5 * 6);
    }
}
