//! Whether an operation's operands and result are such as its [`Kind`] addresses them.
//!
//! Plans turn kinds into pointers, and anybody may write an [`Op`]: so what it says is checked when it is
//! recorded.

use crate::op::{Kind, Op};
use crate::plan::Strided;
use crate::types::Type;

/// Refuses an operation whose memory would be read or written beyond its end.
pub(crate) fn check(op: &dyn Op, inputs: &[&Type], output: &Type) -> Result<(), String> {
    let (kind, fits) = match op.kind() {
        Kind::Pointwise(_) => ("pointwise", inputs.iter().all(|it| stretches(it, output))),
        Kind::View => ("a view", is_view(op, inputs, output)),
        Kind::Product => ("a product", is_product(inputs, output)),
        Kind::Assemble(offsets) => ("assembled", are_pieces(&offsets, inputs, output)),
        Kind::Constant(_) => ("a constant", inputs.is_empty() && output.len() == 1),
        Kind::Kernel | Kind::Source => return Ok(()),
    };
    if fits {
        return Ok(());
    }
    let inputs: Vec<String> = inputs.iter().map(ToString::to_string).collect();
    Err(format!("{}: {} cannot be {kind} of {}", op.name(), output, inputs.join(" and ")))
}

fn stretches(input: &Type, output: &Type) -> bool {
    let (input, output) = (&input.shape, &output.shape);
    let same = |(&n, &wanted): (&usize, &usize)| n == wanted || n == 1;
    input.len() <= output.len() && input.iter().rev().zip(output.iter().rev()).all(same)
}

fn is_view(op: &dyn Op, inputs: &[&Type], output: &Type) -> bool {
    let [input] = inputs else { return false };
    op.view(&Strided::contiguous(input), output)
        .is_some_and(|view| view.shape == output.shape && view.is_within(input.len()))
}

/// `[.., m, k] x [.., k, n] -> [.., m, n]`, with at most one axis in front.
fn is_product(inputs: &[&Type], output: &Type) -> bool {
    let [a, b] = inputs else { return false };
    let split = |of: &Type| match of.shape[..] {
        [rows, columns] => Some((None, rows, columns)),
        [batch, rows, columns] => Some((Some(batch), rows, columns)),
        _ => None,
    };
    let (Some(a), Some(b), Some(c)) = (split(a), split(b), split(output)) else { return false };
    let batched = |it: Option<usize>| it.is_none() || it == c.0;
    batched(a.0) && batched(b.0) && (a.1, b.2) == (c.1, c.2) && a.2 == b.1
}

fn are_pieces(offsets: &[usize], inputs: &[&Type], output: &Type) -> bool {
    let within = |(&offset, piece): (&usize, &&Type)| {
        offset.checked_add(piece.len()).is_some_and(|end| end <= output.len())
    };
    offsets.len() == inputs.len() && offsets.iter().zip(inputs).all(within)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::Vjp;
    use crate::{Code, Graph, Init, Plan, Values, Var};

    /// Says that a vector of 8 follows from its operands in that way.
    #[derive(Debug)]
    struct Says(fn() -> Kind);

    impl Op for Says {
        fn name(&self) -> &'static str {
            "says"
        }
        fn attributes(&self) -> Vec<u64> {
            Vec::new()
        }
        fn output(&self, _: &[&Type]) -> Result<Type, String> {
            Ok(Type::f32(&[8]))
        }
        fn kind(&self) -> Kind {
            (self.0)()
        }
        fn vjp<'g>(&self, _: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
            Vec::new()
        }
        fn reference(&self, _: &[&Values], _: &Type) -> Vec<f64> {
            vec![0.0; 8]
        }
        fn view(&self, _: &Strided, _: &Type) -> Option<Strided> {
            Some(Strided { offset: 0, shape: vec![8], strides: vec![1] })
        }
    }

    fn refusal(kind: fn() -> Kind) -> String {
        let graph = Graph::new();
        let x = graph.slot("x", &[4], Init::Zeros);
        graph.output("y", graph.record(Says(kind), &[x]));
        Plan::compile(&graph).unwrap_err().to_string()
    }

    #[test]
    fn what_would_be_read_or_written_beyond_its_end_is_refused_when_it_is_recorded() {
        for (kind, told) in [
            ((|| Kind::View) as fn() -> Kind, "says: f32[8] cannot be a view of f32[4]"),
            (|| Kind::Pointwise(Code::Exp), "says: f32[8] cannot be pointwise of f32[4]"),
            (|| Kind::Product, "says: f32[8] cannot be a product of f32[4]"),
            (|| Kind::Assemble(vec![5]), "says: f32[8] cannot be assembled of f32[4]"),
            (|| Kind::Constant(1.0), "says: f32[8] cannot be a constant of f32[4]"),
        ] {
            let refused = refusal(kind);
            assert!(refused.contains(told), "{refused}");
        }
    }
}
