//! Where the largest elements of a vector are.

use super::operands;
use crate::conformance::Case;
use crate::op::{Args, Kind, Op, Out, Vjp};
use crate::reference::Values;
use crate::types::{DType, Type};
use crate::var::Var;
use crate::wgsl::Body;
use std::cmp::Ordering;

/// Indices of the k largest elements, `[n] -> [k]`, largest first: the smaller index first at a tie,
/// NaN behind every number. No derivative. The first is that of [`super::ArgMax`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopK {
    /// How many, from 1 to n.
    pub k: usize,
}

impl Op for TopK {
    fn name(&self) -> &'static str {
        "top_k"
    }

    fn attributes(&self) -> Vec<u64> {
        vec![self.k as u64]
    }

    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [x] = operands("top_k", inputs)?;
        let k = self.k;
        match x.shape[..] {
            [n] if x.dtype == DType::F32 && (1..=n).contains(&k) => Ok(Type::u32(&[k])),
            [n] if x.dtype == DType::F32 => {
                Err(format!("top_k: {k} of {x}: expected between 1 and {n} elements"))
            }
            _ => Err(format!("top_k: {k} of {x}: expected a vector of floats")),
        }
    }

    fn kind(&self) -> Kind {
        Kind::Kernel
    }

    fn vjp<'g>(&self, _: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        vec![None]
    }

    /// Sorts everything.
    fn reference(&self, inputs: &[&Values], _: &Type) -> Vec<f64> {
        let x = &inputs[0].data;
        let mut order: Vec<usize> = (0..x.len()).collect();
        // A stable sort: what compares equal stays in the order of its indices. Adding 0 turns −0,
        // which a total order puts below 0, into 0.
        let key = |i: &usize| if x[*i].is_nan() { f64::NEG_INFINITY } else { x[*i] + 0.0 };
        order.sort_by(|a, b| x[*a].is_nan().cmp(&x[*b].is_nan()).then(key(b).total_cmp(&key(a))));
        order.into_iter().take(self.k).map(|i| i as f64).collect()
    }

    /// Keeps the k best so far in order: each element that is among them is put in its place.
    fn run(&self, args: &Args<'_>, out: Out<'_>) {
        let (x, best) = (args.f32(0), out.u32());
        for (i, &value) in x.iter().enumerate() {
            let kept = i.min(best.len());
            if kept == best.len() && !is_before(value, x[best[kept - 1] as usize]) {
                continue;
            }
            let at = best[..kept].partition_point(|&j| !is_before(value, x[j as usize]));
            let end = (kept + 1).min(best.len());
            best.copy_within(at..end - 1, at + 1);
            best[at] = i as u32;
        }
    }

    fn wgsl(&self, inputs: &[&Type], _: &Type) -> Option<Body> {
        let (n, k) = (inputs[0].len(), self.k);
        // An element's place is the number of those in front of it.
        let text = format!(
            "    let x = x0(i);
    var place = 0u;
    for (var j = 0u; j < {n}u; j++) {{
        let y = x0(j);
        if (y > x || (is_nan(x) && !is_nan(y))) {{ place++; }}
        else if (j < i && (y == x || (is_nan(x) && is_nan(y)))) {{ place++; }}
    }}
    if (place < {k}u) {{ put(place, i); }}"
        );
        Some(Body::each(n, text))
    }
}

/// Whether `a` comes before an element `b` of smaller index.
fn is_before(a: f32, b: f32) -> bool {
    match a.partial_cmp(&b) {
        Some(order) => order == Ordering::Greater,
        None => b.is_nan() && !a.is_nan(),
    }
}

pub(super) fn cases() -> Vec<Case> {
    let top = |name: &str| Case::new(name).without_derivative().tolerance(0.0);
    let nan = f64::NAN;
    let infinity = f64::INFINITY;
    vec![
        top("ties and signs by hand")
            .values(&[7], &[-1.0, 3.0, 0.0, 3.0, -0.0, 4.0, 0.0])
            .formula(|_, x| x[0].top_k(6))
            .expect(&[5.0, 1.0, 3.0, 2.0, 4.0, 6.0]),
        top("NaN comes last")
            .values(&[6], &[nan, -infinity, nan, 1.0, infinity, 2.0])
            .formula(|_, x| x[0].top_k(6))
            .expect(&[4.0, 5.0, 3.0, 1.0, 0.0, 2.0]),
        top("nothing but NaN")
            .values(&[3], &[nan, nan, nan])
            .formula(|_, x| x[0].top_k(2))
            .expect(&[0.0, 1.0]),
        top("ascending")
            .formula(|g, _| g.iota(9).to_float().top_k(4))
            .expect(&[8.0, 7.0, 6.0, 5.0]),
        top("descending")
            .formula(|g, _| (-g.iota(9).to_float()).top_k(4))
            .expect(&[0.0, 1.0, 2.0, 3.0]),
        top("all of a constant")
            .formula(|g, _| g.full(&[5], 2.0).top_k(5))
            .expect(&[0.0, 1.0, 2.0, 3.0, 4.0]),
        top("one").f32(&[131]).formula(|_, x| x[0].top_k(1)),
        top("some").f32(&[500]).formula(|_, x| x[0].top_k(50)),
        top("all").f32(&[77]).formula(|_, x| x[0].top_k(77)),
        top("many ties").below(&[300], 7).formula(|_, x| x[0].to_float().top_k(120)),
        top("one of one").f32(&[1]).formula(|_, x| x[0].top_k(1)),
        Case::new("rows of a table by their size")
            .f32(&[20, 4])
            .formula(|_, x| x[0].gather(x[0].square().sum_axis(1).top_k(5))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_and_more_than_there_are_is_an_error() {
        let message = |k, ty: Type| TopK { k }.output(&[&ty]).unwrap_err();
        let expected = "expected between 1 and 5 elements";
        assert_eq!(message(0, Type::f32(&[5])), format!("top_k: 0 of f32[5]: {expected}"));
        assert_eq!(message(6, Type::f32(&[5])), format!("top_k: 6 of f32[5]: {expected}"));
        let expected = "top_k: 1 of u32[5]: expected a vector of floats";
        assert_eq!(message(1, Type::u32(&[5])), expected);
        assert!(message(1, Type::f32(&[2, 2])).contains("f32[2, 2]: expected a vector"));
        assert!(message(1, Type::f32(&[0])).contains("between 1 and 0"));
    }
}
