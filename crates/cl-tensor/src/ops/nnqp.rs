//! A small quadratic program with lower bounds: the dual of GEM's projection.

use super::operands;
use crate::conformance::Case;
use crate::cpu::bounded_qp::{BoundedQp, MAX};
use crate::op::{Args, Kind, Op, Out, Vjp};
use crate::reference::Values;
use crate::types::{DType, Type};
use crate::var::Var;
use crate::wgsl::Body;

/// The v that minimises ½ vᵀP v + qᵀv subject to v ≥ lower, element by element: P `[n, n]`, q `[n]`,
/// lower `[n]` -> `[n]`, n from 1 to 64. No derivative.
///
/// P is replaced by (P + Pᵀ)/2, which has to be positive definite. It is solved in f64 to rounding, by
/// an active-set iteration in a fixed order that stops after 10 n rounds at the latest (1 to 3 n in
/// practice) with a v that is within its bounds. A variable along which the program does not curve
/// stays at its bound: so does one whose row, column and q are 0; a row and column of 0 but for a
/// diagonal p > 0 gives max(lower, −q/p). Numbers that are not finite give NaN everywhere.
///
/// With the gradients of past contexts as rows of G, P = G Gᵀ and q = G g, the vector g + Gᵀv is the
/// projection of g that no past loss objects to (Lopez-Paz & Ranzato 2017, arXiv 1706.08840, eq. 11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nnqp;

impl Op for Nnqp {
    fn name(&self) -> &'static str {
        "nnqp"
    }

    fn attributes(&self) -> Vec<u64> {
        Vec::new()
    }

    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [p, q, lower] = operands("nnqp", inputs)?;
        let floats = inputs.iter().all(|ty| ty.dtype == DType::F32);
        let n = p.shape.first().copied().unwrap_or(0);
        let fits = p.shape == [n, n] && q.shape == [n] && lower.shape == [n];
        if floats && fits && (1..=MAX).contains(&n) {
            return Ok(Type::f32(&[n]));
        }
        Err(format!(
            "nnqp: {p}, {q}, lower {lower}: expected f32[n, n], f32[n] and f32[n], n from 1 to {MAX}"
        ))
    }

    fn kind(&self) -> Kind {
        Kind::Kernel
    }

    fn vjp<'g>(&self, _: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        vec![None, None, None]
    }

    fn reference(&self, inputs: &[&Values], output: &Type) -> Vec<f64> {
        let n = output.len();
        let [p, q, lower] = [0, 1, 2].map(|i| &inputs[i].data);
        if ![p, q, lower].into_iter().flatten().all(|x| x.is_finite()) {
            return vec![f64::NAN; n];
        }
        let p: Vec<Vec<f64>> =
            (0..n).map(|i| (0..n).map(|j| 0.5 * (p[i * n + j] + p[j * n + i])).collect()).collect();
        let slope = |i: usize| q[i] + (0..n).map(|j| p[i][j] * lower[j]).sum::<f64>();
        let x = complementary(&p, &(0..n).map(slope).collect::<Vec<f64>>());
        x.iter().zip(lower).map(|(x, lower)| lower + x).collect()
    }

    fn run(&self, args: &Args<'_>, out: Out<'_>) {
        let (p, q, lower) = (args.f32(0), args.f32(1), args.f32(2));
        let n = q.len();
        let v = out.f32();
        if ![p, q, lower].into_iter().flatten().all(|x| x.is_finite()) {
            v.fill(f32::NAN);
            return;
        }
        let p = |i: usize, j: usize| 0.5 * (f64::from(p[i * n + j]) + f64::from(p[j * n + i]));
        // In x = v − lower the bounds are 0 and the slope there is q + P lower.
        let slope =
            |i: usize| f64::from(q[i]) + (0..n).map(|j| p(i, j) * f64::from(lower[j])).sum::<f64>();
        let mut program = BoundedQp::new(n, p, slope);
        for (i, (v, x)) in v.iter_mut().zip(program.solve()).enumerate() {
            *v = (f64::from(lower[i]) + x) as f32;
        }
    }

    fn wgsl(&self, inputs: &[&Type], _: &Type) -> Option<Body> {
        let n = inputs[1].len();
        let text = |file: &str| file.replace("NN", &n.to_string());
        let body = Body::together(1, text(include_str!("nnqp.wgsl")));
        let functions = text(include_str!("nnqp_functions.wgsl"));
        Some(body.with_room(n * n + 5 * n).with_functions(functions))
    }
}

/// The x ≥ 0 with w = P x + c ≥ 0 and xᵀw = 0, which is the minimum, by Murty's principal pivoting: the
/// first variable of the wrong sign changes sides. Finite for a positive definite P, and slow.
fn complementary(p: &[Vec<f64>], c: &[f64]) -> Vec<f64> {
    const PIVOTS: usize = 1 << 16;
    const ROUNDING: f64 = 1e-12;
    let n = c.len();
    let mut free = vec![false; n];
    for _ in 0..PIVOTS {
        let x = minimum_over(p, c, &free);
        let largest = x.iter().fold(0.0_f64, |max, x| max.max(x.abs()));
        let is_wrong = |i: &usize| {
            if free[*i] {
                return x[*i] < -ROUNDING * largest;
            }
            let terms = p[*i].iter().zip(&x).map(|(p, x)| p * x);
            let size = c[*i].abs() + terms.clone().map(f64::abs).sum::<f64>();
            c[*i] + terms.sum::<f64>() < -ROUNDING * size
        };
        match (0..n).find(is_wrong) {
            None => return x.iter().map(|x| x.max(0.0)).collect(),
            Some(i) => free[i] = !free[i],
        }
    }
    vec![f64::NAN; n]
}

/// P_FF x_F = −c_F by Gauss-Jordan elimination, 0 elsewhere.
fn minimum_over(p: &[Vec<f64>], c: &[f64], free: &[bool]) -> Vec<f64> {
    let n = c.len();
    let mut rows: Vec<Vec<f64>> = (0..n)
        .map(|i| {
            let unit = |j: usize| if i == j { 1.0 } else { 0.0 };
            let entry = |j: usize| if free[i] && free[j] { p[i][j] } else { unit(j) };
            let right = if free[i] { -c[i] } else { 0.0 };
            (0..n).map(entry).chain([right]).collect()
        })
        .collect();
    for pivot in 0..n {
        let scale = rows[pivot][pivot];
        rows[pivot].iter_mut().for_each(|x| *x /= scale);
        let row = rows[pivot].clone();
        for other in (0..n).filter(|&other| other != pivot) {
            let factor = rows[other][pivot];
            rows[other].iter_mut().zip(&row).for_each(|(x, r)| *x -= factor * r);
        }
    }
    rows.iter().map(|row| row[n]).collect()
}

pub(super) fn cases() -> Vec<Case> {
    let case = |name: &str| Case::new(name).without_derivative();
    let nan = f64::NAN;
    /// A positive definite matrix: what is random is below the diagonal.
    fn definite<'g>(x: Var<'g>) -> Var<'g> {
        let n = x.shape()[0];
        let indices = x.graph().iota(n);
        x + indices.reshape(&[n, 1]).equal_index(indices) * n as f32
    }
    vec![
        // Each alone: max(lower, −q/p) = (max(0, 1), max(−3, −1), max(0.5, −2), max(0, 0)).
        case("a diagonal by hand")
            .values(
                &[4, 4],
                &[
                    2.0, 0.0, 0.0, 0.0, //
                    0.0, 4.0, 0.0, 0.0, //
                    0.0, 0.0, 1.0, 0.0, //
                    0.0, 0.0, 0.0, 3.0,
                ],
            )
            .values(&[4], &[-2.0, 4.0, 2.0, 0.0])
            .values(&[4], &[0.0, -3.0, 0.5, 0.0])
            .formula(|_, x| x[0].nnqp(x[1], x[2]))
            .expect(&[1.0, -1.0, 0.5, 0.0])
            .tolerance(0.0),
        // Without bounds (5/3, −4/3). With b = 0: a = 1, and the slope of b is 1 + 1 > 0.
        case("one bound holds, by hand")
            .values(&[2, 2], &[2.0, 1.0, 1.0, 2.0])
            .values(&[2], &[-2.0, 1.0])
            .values(&[2], &[0.0, 0.0])
            .formula(|_, x| x[0].nnqp(x[1], x[2]))
            .expect(&[1.0, 0.0]),
        // a = 1 at its bound, then 2 b + a = 0.
        case("bounds other than 0, by hand")
            .values(&[2, 2], &[2.0, 1.0, 1.0, 2.0])
            .values(&[2], &[0.0, 0.0])
            .values(&[2], &[1.0, -5.0])
            .formula(|_, x| x[0].nnqp(x[1], x[2]))
            .expect(&[1.0, -0.5]),
        // As [[2, 1], [1, 2]]: 3 a = 3. The rows as they are would give (0, 1.5).
        case("the matrix is made symmetric")
            .values(&[2, 2], &[2.0, 2.0, 0.0, 2.0])
            .values(&[2], &[-3.0, -3.0])
            .values(&[2], &[0.0, 0.0])
            .formula(|_, x| x[0].nnqp(x[1], x[2]))
            .expect(&[1.0, 1.0]),
        case("an empty memory stays at its bound")
            .values(&[2, 2], &[0.0, 0.0, 0.0, 2.0])
            .values(&[2], &[0.0, -2.0])
            .values(&[2], &[0.5, 0.0])
            .formula(|_, x| x[0].nnqp(x[1], x[2]))
            .expect(&[0.5, 1.0]),
        case("one number that is none")
            .values(&[2, 2], &[2.0, 0.0, 0.0, 2.0])
            .values(&[2], &[nan, -2.0])
            .values(&[2], &[0.5, 0.0])
            .formula(|_, x| x[0].nnqp(x[1], x[2]))
            .expect(&[nan, nan]),
        case("five")
            .f32(&[5, 5])
            .f32(&[5])
            .range(&[5], -0.5, 0.5)
            .formula(|_, x| definite(x[0]).nnqp(x[1], x[2])),
        case("twenty")
            .f32(&[20, 20])
            .f32(&[20])
            .range(&[20], -0.5, 0.5)
            .formula(|_, x| definite(x[0]).nnqp(x[1], x[2])),
        case("as many as fit")
            .f32(&[64, 64])
            .f32(&[64])
            .range(&[64], -0.1, 0.1)
            .formula(|_, x| definite(x[0]).nnqp(x[1], x[2])),
        case("one")
            .range(&[1, 1], 0.5, 2.0)
            .f32(&[1])
            .f32(&[1])
            .formula(|_, x| x[0].nnqp(x[1], x[2])),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_square_and_small() {
        let message = |p: &[usize], q: &[usize], lower: &[usize]| {
            let [p, q, lower] = [p, q, lower].map(Type::f32);
            Nnqp.output(&[&p, &q, &lower]).unwrap_err()
        };
        let expected = "expected f32[n, n], f32[n] and f32[n], n from 1 to 64";
        assert_eq!(
            message(&[3, 2], &[3], &[3]),
            format!("nnqp: f32[3, 2], f32[3], lower f32[3]: {expected}")
        );
        assert!(message(&[3, 3], &[2], &[3]).ends_with(expected));
        assert!(message(&[3, 3], &[3], &[]).ends_with(expected));
        assert!(message(&[65, 65], &[65], &[65]).ends_with(expected));
        assert!(message(&[0, 0], &[0], &[0]).ends_with(expected));
        let indices = Type::u32(&[1]);
        assert!(Nnqp.output(&[&Type::f32(&[1, 1]), &indices, &Type::f32(&[1])]).is_err());
    }
}
