//! What plans cost, against numbers worked out by hand.
#![allow(clippy::unwrap_used)]

use cl_tensor::wgsl::Grouping;
use cl_tensor::{
    Args, Cost, DType, Graph, Init, Kind, KindCost, Op, Out, Plan, Type, Values, Var, Vjp,
};

/// Rows of a large table of bytes through one layer: 4 rows of 3 bytes, 2 units.
fn layer() -> Plan {
    let graph = Graph::new();
    let data = graph.resident("data", &[1000, 3], DType::U8);
    let rows = graph.input_u32("rows", &[4]);
    let w = graph.slot("w", &[3, 2], Init::Constant(1.0));
    let x = data.gather_decode(rows, 1.0);
    let y = x.matmul(w);
    graph.output("sums", y.exp().sum_axis(0));
    graph.assign("w", w * 0.5);
    Plan::compile(&graph).unwrap()
}

fn of(plan: &Plan, kind: &str) -> KindCost {
    plan.cost_by_kind().into_iter().find(|it| it.kind == kind).unwrap()
}

#[test]
fn a_layer_costs_what_it_reads_and_writes_and_not_what_it_chooses_from() {
    let plan = layer();
    // 4 indices, 12 of the 3000 bytes, 12 floats.
    let gather = of(&plan, "gather");
    assert_eq!((gather.kernels, gather.macs, gather.bytes), (1, 0, 4 * 4 + 12 + 12 * 4));
    // [4, 3] x [3, 2]; exp on the finished rows reads and writes [4, 2] once more.
    let product = of(&plan, "product");
    let bytes = 4 * (12 + 6 + 8) + 4 * (8 + 8);
    assert_eq!((product.kernels, product.macs, product.bytes), (1, 4 * 3 * 2, bytes));
    // [4, 2] to [2].
    assert_eq!(of(&plan, "reduction").bytes, 4 * (8 + 2));
    // w is read and written in place.
    assert_eq!(of(&plan, "pointwise").bytes, 4 * (6 + 6));
    let cost = plan.cost();
    let kinds = plan.cost_by_kind();
    assert_eq!(cost.macs, 24);
    assert_eq!(cost.bytes, kinds.iter().map(|it| it.bytes).sum::<u64>());
    assert_eq!(cost.kernels as u64, kinds.iter().map(|it| it.kernels).sum::<u64>());
    assert_eq!(
        cost.dispatches,
        Some(plan.dispatches(1 << 22, Grouping::Joined).unwrap().list.len())
    );
    // Gather, product beside nothing, sum beside the new w, outputs: each waits for the one before.
    assert_eq!(cost.dispatches, Some(4));
    assert_eq!(of(&plan, "gather").dispatches, Some(1));
    assert_eq!(
        of(&plan, "copy"),
        KindCost { kind: "copy", dispatches: Some(1), ..KindCost::default() }
    );
}

#[test]
fn inner_lanes_cost_what_their_body_does_in_each() {
    let graph = Graph::new();
    let x = graph.input("x", &[7, 2, 3]);
    let w = graph.slot("w", &[3, 4], Init::Constant(1.0));
    let [y] = graph.inner(7, [x], |_, [x]| [x.matmul(w).sum_inner()]);
    graph.output("y", y);
    let plan = Plan::compile(&graph).unwrap();
    let product = of(&plan, "product");
    assert_eq!((product.kernels, product.macs), (7, 7 * 2 * 3 * 4));
    assert_eq!(product.bytes, 7 * 4 * (2 * 3 + 3 * 4 + 2 * 4));
    // Each lane's [2, 4] is read and added up.
    let sum = of(&plan, "reduction");
    assert_eq!((sum.kernels, sum.bytes), (7, 7 * 2 * 4 * 8));
    let Cost { kernels, macs, bytes, .. } = plan.cost();
    assert_eq!((kernels, macs, bytes), (1, product.macs, product.bytes + sum.bytes));
}

/// x, by a kernel that nobody wrote WGSL for.
#[derive(Debug)]
struct Same;

impl Op for Same {
    fn name(&self) -> &'static str {
        "same"
    }
    fn attributes(&self) -> Vec<u64> {
        Vec::new()
    }
    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        Ok(inputs[0].clone())
    }
    fn kind(&self) -> Kind {
        Kind::Kernel
    }
    fn vjp<'g>(&self, call: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        vec![Some(call.cotangent())]
    }
    fn reference(&self, inputs: &[&Values], _: &Type) -> Vec<f64> {
        inputs[0].data.clone()
    }
    fn run(&self, args: &Args<'_>, out: Out<'_>) {
        out.f32().copy_from_slice(args.f32(0));
    }
}

#[test]
fn an_operation_without_wgsl_has_a_cost_and_no_dispatches() {
    let graph = Graph::new();
    let x = graph.input("x", &[5]);
    graph.output("y", graph.record(Same, &[x]));
    let plan = Plan::compile(&graph).unwrap();
    let (cost, same) = (plan.cost(), of(&plan, "same"));
    assert_eq!((cost.bytes, cost.kernels, cost.dispatches), (40, 1, None));
    assert_eq!((same.bytes, same.dispatches), (40, None));
}
