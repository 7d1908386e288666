//! How this crate reports a misfit inside a formula.

use cl_tensor::{Graph, Kind, Op, Type, Values, Var, Vjp};

/// An operation that fits no operands: recording it is the graph's own way to keep an error with
/// the caller's line, so that formulas stay free of `?`. It never becomes part of a graph.
#[derive(Debug)]
struct Refusal(String);

impl Op for Refusal {
    fn name(&self) -> &'static str {
        "refusal"
    }

    fn attributes(&self) -> Vec<u64> {
        Vec::new()
    }

    fn output(&self, _: &[&Type]) -> Result<Type, String> {
        Err(self.0.clone())
    }

    fn kind(&self) -> Kind {
        Kind::Constant(f32::NAN)
    }

    fn vjp<'g>(&self, _: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        Vec::new()
    }

    fn reference(&self, _: &[&Values], _: &Type) -> Vec<f64> {
        Vec::new()
    }
}

/// Reports `message` at the caller's line when the graph is compiled.
#[track_caller]
pub(crate) fn refuse<'g>(graph: &'g Graph, message: String) -> Var<'g> {
    graph.record(Refusal(message), &[])
}
