//! Inner lanes: a program that runs once per example or per class, within one member.
//!
//! A member of a population is a lane that no formula sees. Inner lanes are asked for: the closure
//! given to [`Graph::inner`] records a body, and one operation runs it for each lane in turn, over
//! the same scratch memory. Lanes do not see each other; [`Var::sum_inner`] is all that crosses.

mod capture;
mod close;
mod state;

pub(crate) use capture::{Capture, Enclosing};
pub use state::lane_seed;

use crate::graph::{Graph, NodeId};
use crate::types::Type;
use crate::var::Var;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::panic::Location;

/// The graph that records the body of inner lanes; it lives as long as the recording of the body.
pub struct Inner<'g> {
    graph: Graph,
    outer: PhantomData<&'g Graph>,
}

impl Deref for Inner<'_> {
    type Target = Graph;

    fn deref(&self) -> &Graph {
        &self.graph
    }
}

impl fmt::Debug for Inner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Inner({:?})", self.graph)
    }
}

/// A value of a body, and how it leaves the lanes.
#[derive(Clone, Copy, Debug)]
pub enum Across<'b> {
    /// Stacked over lanes, `[..] -> [lanes, ..]`.
    Stacked(Var<'b>),
    /// Summed over lanes from the first to the last, `[..] -> [..]`.
    Summed(Var<'b>),
}

impl<'b> Var<'b> {
    /// Hands this value of a body out of the inner lanes, one per lane: `[..] -> [lanes, ..]`.
    #[must_use]
    pub fn stacked(self) -> Across<'b> {
        Across::Stacked(self)
    }

    /// Hands this value of a body out summed over the inner lanes, in their order: `[..] -> [..]`.
    #[must_use]
    pub fn sum_inner(self) -> Across<'b> {
        Across::Summed(self)
    }
}

/// A value that leaves a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaving {
    pub node: NodeId,
    pub summed: bool,
}

impl Graph {
    /// Runs a body once per inner lane, in order: one program per example, or per class.
    ///
    /// ```
    /// # use cl_tensor::{Graph, Init};
    /// let graph = Graph::new();
    /// let theta = graph.slot("theta", &[3], Init::Constant(1.0));
    /// let x = graph.input("x", &[5, 3]);
    /// // The sum of the squares of five examples' gradients, [3].
    /// let [squares] = graph.inner(5, [x], |inner, [x]| {
    ///     let loss = (theta * x).tanh().sum();
    ///     [inner.grad(loss, theta).square().sum_inner()]
    /// });
    /// # graph.output("squares", squares);
    /// # cl_tensor::Plan::compile(&graph).unwrap();
    /// ```
    ///
    /// What the body sees:
    /// * `each`: floats or indices `[lanes, ..]`, cut along the first axis: `[..]` in the body.
    /// * Any value of the graph around it, shared by all lanes: used in a formula with a value of
    ///   the body, it is imported. Views of it (slices, reshapes) are recorded again inside, so
    ///   that `grad` by θ finds the parameters cut out of it.
    /// * Inputs and residents declared in the body are those of the graph around it: shared.
    /// * Slots declared in the body are shared if the graph around it has declared them with this
    ///   shape before. Otherwise each lane has its own: the slot is `[lanes, ..]` outside, lane i
    ///   filled by the seed [`lane_seed`]`(seed, i)`. A slot of the lanes can be assigned in the
    ///   body, so that an optimizer recorded there keeps its moments per lane; a shared one cannot.
    ///
    /// Draws at an address that the lanes share are equal in all lanes: pass the draws, or one
    /// address per lane, through `each`.
    ///
    /// `grad` works inside the body. The derivative through the lanes from outside is refused.
    ///
    /// # Errors
    /// Misfits of the body, of `each` and `lanes`, and a slot that fits neither way are reported
    /// with their lines when the graph is compiled.
    #[track_caller]
    pub fn inner<'g, const IN: usize, const OUT: usize>(
        &'g self,
        lanes: usize,
        each: [Var<'g>; IN],
        record: impl for<'b> FnOnce(&'b Inner<'g>, [Var<'b>; IN]) -> [Across<'b>; OUT],
    ) -> [Var<'g>; OUT] {
        let values = self.inner_at(lanes, &each, Location::caller(), |inner, each| {
            record(inner, each.try_into().expect("one value per operand")).into()
        });
        values.try_into().expect("one value per result")
    }

    /// [`Graph::inner`] with as many operands and results as it takes.
    pub(crate) fn inner_at<'g>(
        &'g self,
        lanes: usize,
        each: &[Var<'g>],
        at: &'static Location<'static>,
        record: impl for<'b> FnOnce(&'b Inner<'g>, Vec<Var<'b>>) -> Vec<Across<'b>>,
    ) -> Vec<Var<'g>> {
        let outer = self.innermost(each);
        let inner = Inner { graph: Graph::inside(outer), outer: PhantomData };
        let cut = each.iter().map(|&value| inner.cut(outer, value, lanes, at)).collect();
        let leaving = record(&inner, cut)
            .into_iter()
            .map(|across| {
                let (value, summed) = match across {
                    Across::Stacked(value) => (value, false),
                    Across::Summed(value) => (value, true),
                };
                let local = inner.local(value).unwrap_or_else(|| {
                    let message = "inner: a result belongs to another graph".to_owned();
                    inner.fail_at(at, message, Type::f32(&[]))
                });
                Leaving { node: local.id(), summed }
            })
            .collect();
        close::close(outer, lanes, inner.graph, leaving, at)
    }
}
