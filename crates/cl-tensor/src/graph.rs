//! The recorder.

use crate::addressed;
use crate::assign::RowAssign;
use crate::error::Error;
use crate::inner::{Capture, Enclosing};
use crate::op::{Kind, Op};
use crate::ops::{Constant, Poison, Source, SourceKind};
use crate::transform::Transform;
use crate::types::{DType, Type};
use crate::var::Var;
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// Number of a recorded value; later values have larger numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// Fills a slot from the member's seed.
type Fill = dyn Fn(u64, &mut [f32]) + Send + Sync;

/// Initial values of a slot, as part of its declaration.
#[derive(Clone)]
pub enum Init {
    /// All zeros.
    Zeros,
    /// One value everywhere.
    Constant(f32),
    /// These values, the same for every member.
    Values(Arc<[f32]>),
    /// These indices, the same for every member.
    Indices(Arc<[u32]>),
    /// A function of the member's seed that fills the slot.
    Seeded(Arc<Fill>),
}

impl Init {
    /// An initialiser that fills the slot from the member's seed.
    pub fn seeded(fill: impl Fn(u64, &mut [f32]) + Send + Sync + 'static) -> Self {
        Self::Seeded(Arc::new(fill))
    }

    /// Writes the initial values of a member with this seed.
    pub fn fill(&self, seed: u64, slot: &mut [f32]) {
        match self {
            Self::Zeros => slot.fill(0.0),
            Self::Constant(value) => slot.fill(*value),
            Self::Values(values) => slot.copy_from_slice(values),
            Self::Indices(values) => slot.copy_from_slice(bytemuck::must_cast_slice(values)),
            Self::Seeded(fill) => fill(seed, slot),
        }
    }

    fn fixed_len(&self) -> Option<usize> {
        match self {
            Self::Values(values) => Some(values.len()),
            Self::Indices(values) => Some(values.len()),
            _ => None,
        }
    }
}

impl fmt::Debug for Init {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zeros => write!(f, "zeros"),
            Self::Constant(value) => write!(f, "constant {value}"),
            Self::Values(values) => write!(f, "{} values", values.len()),
            Self::Indices(values) => write!(f, "{} indices", values.len()),
            Self::Seeded(_) => write!(f, "seeded"),
        }
    }
}

/// One recorded value.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub op: Arc<dyn Op>,
    pub inputs: Vec<NodeId>,
    pub ty: Type,
    pub at: &'static Location<'static>,
}

/// A slot's declaration.
#[derive(Clone, Debug)]
pub struct SlotSpec {
    /// Its name.
    pub name: String,
    /// Shape and element type.
    pub ty: Type,
    /// What it starts with.
    pub init: Init,
}

impl SlotSpec {
    /// What stands for an operand of inner lanes in the plan of their body.
    pub(crate) fn operand(position: usize, node: &Node) -> Self {
        Self { name: format!("operand {position}"), ty: node.ty.clone(), init: Init::Zeros }
    }
}

type Key = (&'static str, Vec<u64>, Vec<NodeId>);

#[derive(Default)]
pub(crate) struct Recording {
    pub nodes: Vec<Node>,
    pub slots: Vec<SlotSpec>,
    /// (slot, value, line); a slot is written once, here or by row.
    pub assigns: Vec<(String, NodeId, &'static Location<'static>)>,
    pub row_assigns: Vec<RowAssign>,
    /// The input at which a member idles where it is 0.
    pub condition: Option<(NodeId, &'static Location<'static>)>,
    pub outputs: Vec<(String, NodeId)>,
    /// Slots that count as memory kept between contexts.
    pub kept: BTreeSet<String>,
    /// Values of enclosing graphs that the body of inner lanes uses.
    pub captures: Vec<Capture>,
    /// How each transform found its derivatives.
    pub transforms: Vec<Transform>,
    /// The first thing that went wrong; compiling reports it.
    pub error: Option<Error>,
    pub equal: HashMap<Key, NodeId>,
    pub sources: HashMap<(SourceKind, String), NodeId>,
}

impl Recording {
    /// Kind and name of every value from outside.
    pub(crate) fn source_names(&self) -> HashMap<usize, (SourceKind, String)> {
        self.sources.iter().map(|((kind, name), id)| (id.index(), (*kind, name.clone()))).collect()
    }

    /// What a run is for: the values that are written, named or asked before it starts.
    pub(crate) fn roots(&self) -> Vec<usize> {
        let whole = self.assigns.iter().map(|(_, id, _)| id);
        let rows = self.row_assigns.iter().flat_map(|assign| [&assign.index, &assign.rows]);
        let outputs = self.outputs.iter().map(|(_, id)| id);
        let condition = self.condition.iter().map(|(id, _)| id);
        whole.chain(rows).chain(outputs).chain(condition).map(|id| id.index()).collect()
    }
}

/// Records values; compile it with [`crate::Plan::compile`].
///
/// Formulas need no `?`: the first misfit is kept with the line that caused it and reported when
/// the graph is compiled.
#[derive(Default)]
pub struct Graph {
    pub(crate) recording: RefCell<Recording>,
    /// What the body of inner lanes knows of the graphs around it.
    pub(crate) enclosing: Enclosing,
}

impl Graph {
    /// An empty recording.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A float value fed for every member at every run.
    #[track_caller]
    pub fn input(&self, name: &str, shape: &[usize]) -> Var<'_> {
        self.source(SourceKind::Input, name, Type::f32(shape))
    }

    /// An index value fed for every member at every run.
    #[track_caller]
    pub fn input_u32(&self, name: &str, shape: &[usize]) -> Var<'_> {
        self.source(SourceKind::Input, name, Type::u32(shape))
    }

    /// Data shared by all members, set once per session: [`crate::Session::set_resident`].
    #[track_caller]
    pub fn resident(&self, name: &str, shape: &[usize], dtype: DType) -> Var<'_> {
        self.source(SourceKind::Resident, name, Type { shape: shape.to_vec(), dtype })
    }

    /// Persistent state of a member. Declaring a name again gives the same slot; the shape must agree.
    #[track_caller]
    pub fn slot(&self, name: &str, shape: &[usize], init: Init) -> Var<'_> {
        self.declare(name, Type::f32(shape), init)
    }

    /// Persistent indices of a member.
    #[track_caller]
    pub fn slot_u32(&self, name: &str, shape: &[usize], init: Init) -> Var<'_> {
        self.declare(name, Type::u32(shape), init)
    }

    /// Marks a slot as memory that a method keeps between contexts.
    pub(crate) fn keep(&self, name: &str) {
        self.recording.borrow_mut().kept.insert(name.to_owned());
    }

    #[track_caller]
    fn declare(&self, name: &str, ty: Type, init: Init) -> Var<'_> {
        self.declare_at(name, ty, init, Location::caller())
    }

    pub(crate) fn declare_at(
        &self,
        name: &str,
        ty: Type,
        init: Init,
        at: &'static Location<'static>,
    ) -> Var<'_> {
        if let Some(len) = init.fixed_len().filter(|&len| len != ty.len()) {
            let message = format!("slot `{name}`: {len} initial values for {ty}");
            return self.fail_at(at, message, ty);
        }
        let var = self.source_at(SourceKind::Slot, name, ty.clone(), at);
        let mut recording = self.recording.borrow_mut();
        if !recording.slots.iter().any(|slot| slot.name == name) {
            recording.slots.push(SlotSpec { name: name.to_owned(), ty, init });
        }
        drop(recording);
        var
    }

    #[track_caller]
    fn source(&self, kind: SourceKind, name: &str, ty: Type) -> Var<'_> {
        self.source_at(kind, name, ty, Location::caller())
    }

    pub(crate) fn source_at(
        &self,
        kind: SourceKind,
        name: &str,
        ty: Type,
        at: &'static Location<'static>,
    ) -> Var<'_> {
        let key = (kind, name.to_owned());
        let known = self.recording.borrow().sources.get(&key).copied();
        if let Some(id) = known {
            let existing = self.recording.borrow().nodes[id.index()].ty.clone();
            if existing != ty {
                let message = format!("{kind} `{name}`: declared as {ty}, earlier as {existing}");
                return self.fail_at(at, message, ty);
            }
            return Var::new(self, id);
        }
        let op = Source { kind, ty: ty.clone() };
        let id = self.insert(Arc::new(op), Vec::new(), ty, at);
        self.recording.borrow_mut().sources.insert(key, id);
        Var::new(self, id)
    }

    /// A constant scalar.
    #[track_caller]
    pub fn constant(&self, value: f32) -> Var<'_> {
        self.record(Constant(value), &[])
    }

    /// A constant tensor: the scalar stretched, no memory.
    #[track_caller]
    pub fn full(&self, shape: &[usize], value: f32) -> Var<'_> {
        self.constant(value).expand(shape)
    }

    /// Names a value that can be read after every run.
    #[track_caller]
    pub fn output(&self, name: &str, value: Var<'_>) {
        let taken = self.recording.borrow().outputs.iter().any(|(known, _)| known == name);
        if taken {
            self.fail(format!("output: `{name}` is named twice"), Type::f32(&[]));
            return;
        }
        if !std::ptr::eq(value.graph(), self) || value.ty().dtype == DType::U8 {
            let message = format!(
                "output: `{name}` must be floats or indices of this graph, got {}",
                value.ty()
            );
            self.fail(message, Type::f32(&[]));
            return;
        }
        self.recording.borrow_mut().outputs.push((name.to_owned(), value.id()));
    }

    /// Records an operation. Equal operations on equal inputs give one value.
    ///
    /// Among values of the body of inner lanes and values of the graph around it, the operation is
    /// recorded in the body: see [`Graph::inner`].
    #[track_caller]
    pub fn record<'g>(&'g self, op: impl Op, inputs: &[Var<'g>]) -> Var<'g> {
        self.record_at(Arc::new(op), inputs, Location::caller())
    }

    pub(crate) fn record_at<'g>(
        &'g self,
        op: Arc<dyn Op>,
        inputs: &[Var<'g>],
        at: &'static Location<'static>,
    ) -> Var<'g> {
        let graph = self.innermost(inputs);
        match inputs.iter().map(|&var| graph.local(var)).collect::<Option<Vec<_>>>() {
            Some(inputs) => graph.record_local(op, &inputs, at),
            None => {
                let message = format!("{}: an operand belongs to another graph", op.name());
                graph.fail_at(at, message, Type::f32(&[]))
            }
        }
    }

    fn record_local<'g>(
        &'g self,
        op: Arc<dyn Op>,
        inputs: &[Var<'g>],
        at: &'static Location<'static>,
    ) -> Var<'g> {
        let ids: Vec<NodeId> = inputs.iter().map(|var| var.id()).collect();
        let types: Vec<Type> = inputs.iter().map(|var| var.ty()).collect();
        let bytes = types.iter().any(|ty| ty.dtype == DType::U8);
        if bytes && !matches!(op.kind(), Kind::Kernel) {
            let message = format!("{}: bytes are read by gather_decode only", op.name());
            return self.fail_at(at, message, Type::f32(&[]));
        }
        let poisoned = {
            let recording = self.recording.borrow();
            ids.iter().any(|id| recording.nodes[id.index()].op.name() == Poison::NAME)
        };
        if poisoned {
            let guess = types.into_iter().next().unwrap_or_else(|| Type::f32(&[]));
            return self.poison_at(at, guess);
        }
        let of = types.iter().collect::<Vec<_>>();
        let fits = |ty: Type| addressed::check(&*op, &of, &ty).map(|()| ty);
        let ty = match op.output(&of).and_then(fits) {
            Ok(ty) => ty,
            Err(message) => {
                let guess = types.into_iter().next().unwrap_or_else(|| Type::f32(&[]));
                return self.fail_at(at, message, guess);
            }
        };
        let key = (op.name(), op.attributes(), ids.clone());
        if let Some(&id) = self.recording.borrow().equal.get(&key) {
            return Var::new(self, id);
        }
        let id = self.insert(op, ids, ty, at);
        self.recording.borrow_mut().equal.insert(key, id);
        Var::new(self, id)
    }

    pub(crate) fn insert(
        &self,
        op: Arc<dyn Op>,
        inputs: Vec<NodeId>,
        ty: Type,
        at: &'static Location<'static>,
    ) -> NodeId {
        let mut recording = self.recording.borrow_mut();
        let id = NodeId(u32::try_from(recording.nodes.len()).expect("fewer than 2^32 values"));
        recording.nodes.push(Node { op, inputs, ty, at });
        id
    }

    /// Reports a misfit at the caller's line when the graph is compiled; formulas go on with what is
    /// returned, so they need no `?`.
    #[track_caller]
    pub fn refuse(&self, message: String) -> Var<'_> {
        self.fail(message, Type::f32(&[]))
    }

    /// The same value if it has this shape; else a misfit, told at the line that recorded the value:
    /// what `what` gave has another shape than is needed.
    #[must_use]
    pub fn expect_shape<'g>(&'g self, value: Var<'g>, shape: &[usize], what: &str) -> Var<'g> {
        if value.shape() == shape {
            return value;
        }
        let message = format!("{what}: gave {}, expected shape {shape:?}", value.ty());
        let at = self.recording.borrow().nodes[value.id().index()].at;
        self.fail_at(at, message, Type::f32(shape))
    }

    /// Keeps the first error and goes on with a value that stands for "no value".
    #[track_caller]
    pub(crate) fn fail(&self, message: String, guess: Type) -> Var<'_> {
        self.fail_at(Location::caller(), message, guess)
    }

    pub(crate) fn fail_at(
        &self,
        at: &'static Location<'static>,
        message: String,
        guess: Type,
    ) -> Var<'_> {
        self.recording.borrow_mut().error.get_or_insert_with(|| Error::record(at, message));
        self.poison_at(at, guess)
    }

    pub(crate) fn poison_at(&self, at: &'static Location<'static>, guess: Type) -> Var<'_> {
        let id = self.insert(Arc::new(Poison), Vec::new(), guess, at);
        Var::new(self, id)
    }
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let recording = self.recording.borrow();
        write!(f, "Graph({} values, {} slots)", recording.nodes.len(), recording.slots.len())
    }
}
