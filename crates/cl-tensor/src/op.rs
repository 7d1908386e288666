//! What an operation is: shape rule, derivative, CPU kernel, slow reference and cost.

use crate::cpu::{Bases, Team};
use crate::graph::{Graph, NodeId};
use crate::plan::{Code, Place, Plan, Strided};
use crate::reference::Values;
use crate::types::{DType, Type};
use crate::var::Var;
use crate::wgsl::Body;
use std::fmt::Debug;
use std::panic::Location;

/// How a device runs an operation.
pub enum Kind {
    /// Element by element; fused with its neighbours into one pass over memory.
    Pointwise(Code),
    /// A view of its first input: no kernel at all. Falls back to a copy where it must.
    View,
    /// A matrix product; handled by the product interface.
    Product,
    /// Pieces placed at these offsets of one flat vector: [`crate::ops::Assemble`].
    Assemble(Vec<usize>),
    /// One number, known when the graph is recorded.
    Constant(f32),
    /// Its own kernel, [`Op::run`].
    Kernel,
    /// A value from outside: input, slot, resident. The graph makes these.
    Source,
}

/// One operation. The trait is open: other crates may add operations and hand their cases to
/// [`crate::conformance::check`].
///
/// ```
/// use cl_tensor::{Args, CpuSession, Graph, Init, Kind, Op, Out, Plan, Session, Type, Values, Var, Vjp};
///
/// // x³.
/// #[derive(Debug)]
/// struct Cube;
///
/// impl Op for Cube {
///     fn name(&self) -> &'static str {
///         "cube"
///     }
///     fn attributes(&self) -> Vec<u64> {
///         Vec::new()
///     }
///     fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
///         Ok(inputs[0].clone())
///     }
///     fn kind(&self) -> Kind {
///         Kind::Kernel
///     }
///     fn vjp<'g>(&self, call: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
///         vec![Some(call.cotangent() * 3.0 * call.input(0).square())]
///     }
///     fn reference(&self, inputs: &[&Values], _: &Type) -> Vec<f64> {
///         inputs[0].data.iter().map(|x| x.powi(3)).collect()
///     }
///     fn run(&self, args: &Args<'_>, out: Out<'_>) {
///         for (out, x) in out.f32().iter_mut().zip(args.f32(0)) {
///             *out = x * x * x;
///         }
///     }
/// }
///
/// let graph = Graph::new();
/// let x = graph.slot("x", &[2], Init::Constant(2.0));
/// let cube = graph.record(Cube, &[x]);
/// graph.assign("x", graph.grad(cube.sum(), x)); // 3 · 2²
/// let mut session = CpuSession::new(&[0], 1)?;
/// let plan = session.load(Plan::compile(&graph)?)?;
/// session.run_once(plan)?;
/// assert_eq!(session.read("x", 0)?, [12.0, 12.0]);
/// # Ok::<(), cl_tensor::Error>(())
/// ```
pub trait Op: Debug + Send + Sync + 'static {
    /// The name in messages and traces, in `snake_case`.
    fn name(&self) -> &'static str;

    /// The attributes that, with name and inputs, make two nodes equal; floats as their bits.
    fn attributes(&self) -> Vec<u64>;

    /// Shape and type of the result.
    ///
    /// # Errors
    /// A text that names the operands and what was expected; the graph adds the caller's line.
    fn output(&self, inputs: &[&Type]) -> Result<Type, String>;

    /// How it is run.
    fn kind(&self) -> Kind;

    /// The vector-Jacobian product: one cotangent per input, `None` where there is no dependence
    /// (indices, comparisons). Recorded into the same graph, so it can be differentiated again.
    fn vjp<'g>(&self, call: &Vjp<'g>) -> Vec<Option<Var<'g>>>;

    /// The definition in f64, element by element and slow on purpose.
    fn reference(&self, inputs: &[&Values], output: &Type) -> Vec<f64>;

    /// The view, for [`Kind::View`]: how the result addresses its input's memory, if it can.
    fn view(&self, _input: &Strided, _output: &Type) -> Option<Strided> {
        None
    }

    /// The CPU kernel, for [`Kind::Kernel`].
    fn run(&self, _args: &Args<'_>, _out: Out<'_>) {
        unreachable!("{} has no kernel of its own", self.name())
    }

    /// The GPU kernel, for [`Kind::Kernel`]; none: plans with it stay on the CPU.
    fn wgsl(&self, _inputs: &[&Type], _output: &Type) -> Option<Body> {
        None
    }

    /// The plan within, for an operation that replays one.
    #[doc(hidden)]
    fn inside(&self) -> Option<Inside<'_>> {
        None
    }

    /// For [`crate::Session::trace`]: lines about what is computed inside at these operands.
    fn trace(&self, _inputs: &[&Values]) -> Option<String> {
        None
    }

    /// Bytes read and written by one run.
    fn bytes(&self, inputs: &[&Type], output: &Type) -> u64 {
        inputs.iter().copied().chain([output]).map(Type::bytes).sum()
    }

    /// Multiply-accumulates of one run. Only products count: the rest is bandwidth.
    fn macs(&self, _inputs: &[&Type], _output: &Type) -> u64 {
        0
    }
}

/// A plan that an operation runs once per inner lane.
pub struct Inside<'a> {
    pub(crate) lanes: usize,
    pub(crate) body: &'a Plan,
    /// Per operand: elements from lane to lane.
    pub(crate) strides: Vec<usize>,
    pub(crate) leaves: Vec<Leaving>,
}

/// A value that leaves the lanes.
pub(crate) struct Leaving {
    /// Where it lies in the operation's result.
    pub offset: usize,
    /// Elements per lane.
    pub len: usize,
    pub summed: bool,
}

/// What a derivative rule sees.
pub struct Vjp<'g> {
    pub(crate) graph: &'g Graph,
    pub(crate) node: NodeId,
    pub(crate) inputs: Vec<NodeId>,
    pub(crate) cotangent: Var<'g>,
    pub(crate) wanted: Vec<bool>,
    /// The line that asked for the derivative.
    pub(crate) at: &'static Location<'static>,
}

impl<'g> Vjp<'g> {
    /// The graph to record into.
    #[must_use]
    pub fn graph(&self) -> &'g Graph {
        self.graph
    }

    /// The i-th input of the operation.
    #[must_use]
    pub fn input(&self, i: usize) -> Var<'g> {
        Var::new(self.graph, self.inputs[i])
    }

    /// The operation's own result.
    #[must_use]
    pub fn result(&self) -> Var<'g> {
        Var::new(self.graph, self.node)
    }

    /// The cotangent of the result, of the result's shape.
    #[must_use]
    pub fn cotangent(&self) -> Var<'g> {
        self.cotangent
    }

    /// For an operation without a derivative: the graph's error, at the line that asked for it.
    pub(crate) fn refuse(&self, message: String) -> Var<'g> {
        self.graph.fail_at(self.at, message, self.cotangent.ty())
    }

    /// Whether the i-th input leads to what is differentiated; rules may skip the others.
    #[must_use]
    pub fn wants(&self, i: usize) -> bool {
        self.wanted[i]
    }
}

/// What a CPU kernel sees: its operands in the member's memory.
///
/// All operands are contiguous.
pub struct Args<'a> {
    pub(crate) bases: &'a Bases,
    pub(crate) inputs: &'a [Place],
    pub(crate) input_types: &'a [Type],
    pub(crate) output_type: &'a Type,
    /// Who works on the kernel.
    pub(crate) team: &'a Team,
}

impl<'a> Args<'a> {
    /// Type of the i-th input.
    #[must_use]
    pub fn input_type(&self, i: usize) -> &'a Type {
        &self.input_types[i]
    }

    /// Number of inputs.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.inputs.len()
    }

    /// Type of the output.
    #[must_use]
    pub fn output_type(&self) -> &'a Type {
        self.output_type
    }

    /// The i-th input as floats.
    ///
    /// # Panics
    /// If it is one of bytes: it has not as many floats as elements.
    #[must_use]
    pub fn f32(&self, i: usize) -> &'a [f32] {
        assert!(self.input_types[i].dtype != DType::U8, "input {i} is one of bytes");
        // SAFETY: the plan placed this operand, of this length, in memory that outlives the run and
        // that no other kernel writes while this one runs.
        unsafe { self.bases.slice(self.inputs[i], self.input_types[i].len()) }
    }

    /// The i-th input as indices.
    ///
    /// # Panics
    /// As [`Args::f32`].
    #[must_use]
    pub fn u32(&self, i: usize) -> &'a [u32] {
        bytemuck::must_cast_slice(self.f32(i))
    }

    /// The i-th input as bytes (resident data).
    #[must_use]
    pub fn u8(&self, i: usize) -> &'a [u8] {
        // SAFETY: as for `f32`; elements of every type have at least a byte.
        unsafe { self.bases.bytes(self.inputs[i], self.input_types[i].len()) }
    }
}

/// Where a CPU kernel writes: the whole output, contiguous, of unspecified content before.
pub struct Out<'a>(pub(crate) &'a mut [f32]);

impl<'a> Out<'a> {
    /// The output as floats.
    #[must_use]
    pub fn f32(self) -> &'a mut [f32] {
        self.0
    }

    /// The output as indices.
    #[must_use]
    pub fn u32(self) -> &'a mut [u32] {
        bytemuck::must_cast_slice_mut(self.0)
    }
}
