//! The device at program level: holds slots, replays plans.

use crate::cpu::CpuSession;
use crate::error::Error;
use crate::graph::SlotSpec;
use crate::plan::{Plan, Signature};
use crate::types::Type;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A plan that a session has loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanId(pub(crate) usize);

impl PlanId {
    /// The plan that a session has loaded as its `number`th, from 0.
    #[must_use]
    pub fn new(number: usize) -> Self {
        Self(number)
    }

    /// Which of the session's plans it is, from 0.
    #[must_use]
    pub fn number(self) -> usize {
        self.0
    }
}

/// Data that all members share; never written by a plan.
#[derive(Clone, Debug)]
pub enum Resident {
    /// Bytes, read by `gather_decode`.
    Bytes(Arc<[u8]>),
    /// Floats.
    Floats(Arc<[f32]>),
    /// Indices.
    Indices(Arc<[u32]>),
}

/// The host's part of a run, one per member: says what is fed, sees what comes out.
///
/// A host owns the small state of its member (which rows come next) and never sees another's.
///
/// ```
/// use cl_tensor::{CpuSession, Error, Feeds, Graph, Host, Init, Outputs, Plan, Session};
///
/// // Feeds 1, 2, 3, .. and remembers the sums.
/// #[derive(Default)]
/// struct Counts {
///     sums: Vec<f32>,
/// }
///
/// impl Host for Counts {
///     fn feed(&mut self, step: u32, feeds: &mut Feeds<'_>) -> Result<(), Error> {
///         feeds.f32("x", &[step as f32 + 1.0])
///     }
///     fn collect(&mut self, _: u32, outputs: &Outputs<'_>) -> Result<(), Error> {
///         self.sums.push(outputs.f32("sum")?[0]);
///         Ok(())
///     }
/// }
///
/// let graph = Graph::new();
/// let sum = graph.slot("sum", &[1], Init::Zeros) + graph.input("x", &[1]);
/// graph.assign("sum", sum);
/// graph.output("sum", sum);
/// let mut session = CpuSession::new(&[0], 1)?;
/// let plan = session.load(Plan::compile(&graph)?)?;
/// let mut counts = Counts::default();
/// session.run(plan, 0..4, &mut [&mut counts])?;
/// assert_eq!(counts.sums, [1.0, 3.0, 6.0, 10.0]);
/// # Ok::<(), Error>(())
/// ```
pub trait Host: Send {
    /// Writes every input of the plan for this step; where it feeds 0 for the plan's condition
    /// ([`crate::Graph::run_only_if`]) the member idles and the others are not needed.
    ///
    /// # Errors
    /// Anything that must stop the run; the session reports it unchanged.
    fn feed(&mut self, step: u32, feeds: &mut Feeds<'_>) -> Result<(), Error>;

    /// Reads outputs after the step, unless the member idled.
    ///
    /// # Errors
    /// Anything that must stop the run, for example a loss that is not finite.
    fn collect(&mut self, _step: u32, _outputs: &Outputs<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Whether what is fed does not depend on what was collected: a session may then feed further
    /// steps before this one's outputs are there.
    fn is_ahead(&self) -> bool {
        false
    }
}

/// The host of a plan without inputs.
struct Silent;

impl Host for Silent {
    fn feed(&mut self, _: u32, _: &mut Feeds<'_>) -> Result<(), Error> {
        Ok(())
    }

    fn is_ahead(&self) -> bool {
        true
    }
}

/// The inputs of one member's step.
pub struct Feeds<'a> {
    pub(crate) signature: &'a Signature,
    pub(crate) memory: &'a mut [f32],
    pub(crate) fed: u64,
}

impl Feeds<'_> {
    /// Writes a float input. An input that the plan does not need is ignored.
    ///
    /// # Errors
    /// An unknown name or a wrong length.
    pub fn f32(&mut self, name: &str, values: &[f32]) -> Result<(), Error> {
        self.write(name, values)
    }

    /// Writes an index input. An input that the plan does not need is ignored.
    ///
    /// # Errors
    /// An unknown name or a wrong length.
    pub fn u32(&mut self, name: &str, values: &[u32]) -> Result<(), Error> {
        self.write(name, bytemuck::must_cast_slice(values))
    }

    fn write(&mut self, name: &str, values: &[f32]) -> Result<(), Error> {
        let Some(position) = self.signature.inputs.iter().position(|input| input.name == name)
        else {
            if self.signature.unused_inputs.iter().any(|unused| unused == name) {
                return Ok(());
            }
            return Err(Error::Unknown {
                kind: "input",
                name: name.to_owned(),
                known: self.signature.input_names(),
            });
        };
        let input = &self.signature.inputs[position];
        if input.ty.len() != values.len() {
            return Err(Error::Length {
                what: "input",
                name: name.to_owned(),
                got: values.len(),
                expected: input.ty.len(),
            });
        }
        self.memory[input.offset..][..values.len()].copy_from_slice(values);
        self.fed |= 1 << position;
        Ok(())
    }
}

/// The outputs of one member's step.
pub struct Outputs<'a> {
    pub(crate) signature: &'a Signature,
    pub(crate) read: &'a dyn Fn(usize) -> &'a [f32],
}

impl<'a> Outputs<'a> {
    /// A float output.
    ///
    /// # Errors
    /// An unknown name.
    pub fn f32(&self, name: &str) -> Result<&'a [f32], Error> {
        match self.signature.outputs.iter().position(|output| output.name == name) {
            Some(position) => Ok((self.read)(position)),
            None => Err(Error::Unknown {
                kind: "output",
                name: name.to_owned(),
                known: self.signature.output_names(),
            }),
        }
    }

    /// An index output.
    ///
    /// # Errors
    /// An unknown name.
    pub fn u32(&self, name: &str) -> Result<&'a [u32], Error> {
        Ok(bytemuck::must_cast_slice(self.f32(name)?))
    }

    /// A scalar float output.
    ///
    /// # Errors
    /// An unknown name.
    pub fn scalar(&self, name: &str) -> Result<f32, Error> {
        Ok(self.f32(name)?[0])
    }
}

/// Where programs run: makes a session for a population.
///
/// ```
/// use cl_tensor::{Cpu, Device};
///
/// let cpu: &dyn Device = &Cpu { threads: 2 };
/// let session = cpu.session(&[2, 3, 4])?; // three members
/// assert_eq!((cpu.describe().as_str(), session.seeds()), ("cpu", &[2, 3, 4][..]));
/// assert!(cpu.session(&[]).is_err());
/// # Ok::<(), cl_tensor::Error>(())
/// ```
pub trait Device: fmt::Debug + Send + Sync {
    /// A session for members with these seeds.
    ///
    /// # Errors
    /// No members; what the device does not have.
    fn session(&self, seeds: &[u64]) -> Result<Box<dyn Session>, Error>;

    /// What it is, for results.
    fn describe(&self) -> String;

    /// How many members it takes at once in a session that loads all of these plans.
    ///
    /// # Errors
    /// A plan that does not fit it with one member alone: names the limit, what exceeds it, and what
    /// would help.
    fn lanes(&self, _plans: &[&Plan]) -> Result<Lanes, Error> {
        Ok(Lanes::ANY)
    }
}

/// How many members of a population a device takes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lanes {
    /// What its limits allow, at least 1.
    pub most: usize,
    /// What its memory should hold, at least 1 and at most `most`: a device may not tell how much it has.
    pub usual: usize,
}

impl Lanes {
    /// As many as there are.
    pub const ANY: Self = Self { most: usize::MAX, usual: usize::MAX };

    /// How many of `members` to run at once, where at most `asked` are asked for.
    #[must_use]
    pub fn of(self, members: usize, asked: Option<usize>) -> usize {
        members.min(asked.unwrap_or(self.usual)).min(self.most).max(1)
    }
}

/// The CPU, on so many threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpu {
    /// Threads that share members, or the kernels of one.
    pub threads: usize,
}

impl Device for Cpu {
    fn session(&self, seeds: &[u64]) -> Result<Box<dyn Session>, Error> {
        Ok(Box::new(CpuSession::new(seeds, self.threads)?))
    }

    fn describe(&self) -> String {
        "cpu".to_owned()
    }
}

/// A device that holds slots for a population and replays plans over it.
///
/// Slots are the whole state: save them and the hosts, and a run can go on elsewhere.
///
/// ```
/// use cl_tensor::{CpuSession, Graph, Init, Plan, Session};
///
/// let graph = Graph::new();
/// let x = graph.slot("x", &[], Init::Constant(1.0));
/// graph.assign("x", x * 2.0);
/// let mut session = CpuSession::new(&[0, 1], 1)?; // two members
/// let plan = session.load(Plan::compile(&graph)?)?;
/// session.write("x", 1, &[5.0])?;
/// session.run_once(plan)?;
/// assert_eq!((session.read("x", 0)?, session.read("x", 1)?), (vec![2.0], vec![10.0]));
/// session.reset("x", 1)?;
/// assert_eq!(session.read("x", 1)?, [1.0]);
/// # Ok::<(), cl_tensor::Error>(())
/// ```
pub trait Session {
    /// Seeds of the members, in order.
    fn seeds(&self) -> &[u64];

    /// Takes a plan: new slots are initialised from each member's seed, known ones are kept.
    ///
    /// # Errors
    /// A slot that another plan declares differently.
    fn load(&mut self, plan: Plan) -> Result<PlanId, Error>;

    /// The plan behind an identifier.
    fn plan(&self, plan: PlanId) -> &Plan;

    /// Sets data that all members share.
    ///
    /// # Errors
    /// A length that does not fit what a loaded plan declares.
    fn set_resident(&mut self, name: &str, data: Resident) -> Result<(), Error>;

    /// Replays a plan for `steps`, for every member with its own host. Members are independent:
    /// they may run in any order and side by side.
    ///
    /// # Errors
    /// A resident that was not set, an input that was not fed, or what a host returned (of the
    /// first member that stopped).
    fn run(
        &mut self,
        plan: PlanId,
        steps: Range<u32>,
        hosts: &mut [&mut dyn Host],
    ) -> Result<(), Error>;

    /// Replays a plan without inputs once.
    ///
    /// # Errors
    /// As [`Session::run`].
    fn run_once(&mut self, plan: PlanId) -> Result<(), Error> {
        let mut silent: Vec<Silent> = self.seeds().iter().map(|_| Silent).collect();
        let mut hosts: Vec<&mut dyn Host> = silent.iter_mut().map(|h| h as &mut dyn Host).collect();
        self.run(plan, 0..1, &mut hosts)
    }

    /// Names of all slots.
    fn slots(&self) -> Vec<String>;

    /// Shape and element type of a slot.
    ///
    /// # Errors
    /// An unknown slot.
    fn slot_type(&self, slot: &str) -> Result<Type, Error>;

    /// Gives a member's slot the initial values of its declaration again.
    ///
    /// # Errors
    /// An unknown slot.
    fn reset(&mut self, slot: &str, member: usize) -> Result<(), Error>;

    /// A copy of a member's slot; indices come as their bits.
    ///
    /// # Errors
    /// An unknown slot.
    fn read(&self, slot: &str, member: usize) -> Result<Vec<f32>, Error>;

    /// Overwrites a member's slot.
    ///
    /// # Errors
    /// An unknown slot or a wrong length.
    fn write(&mut self, slot: &str, member: usize, values: &[f32]) -> Result<(), Error>;

    /// How often the host has waited for what the device computes: every read of a slot, every run of steps
    /// whose outputs it collects together. 0 where the host computes itself.
    fn round_trips(&self) -> u64 {
        0
    }

    /// Every value a plan computes for one member at the present slots and this feed: name, shape,
    /// first values and the line that recorded it. Changes nothing.
    ///
    /// # Errors
    /// As [`Session::run`].
    fn trace(&self, plan: PlanId, member: usize, host: &mut dyn Host) -> Result<String, Error>;
}

/// What the device of a session needs to know of a plan.
impl Plan {
    /// Words of what is fed to a step.
    #[must_use]
    pub fn feed_len(&self) -> usize {
        self.signature.feed_len
    }

    /// Words of what a step hands out, all outputs behind each other.
    #[must_use]
    pub fn outputs_len(&self) -> usize {
        self.signature.outputs.iter().map(|output| output.ty.len()).sum()
    }

    /// Words of its temporaries.
    #[must_use]
    pub fn arena_len(&self) -> usize {
        self.arena_len
    }

    /// Name and type of the data that members share, by number.
    #[must_use]
    pub fn residents(&self) -> &[(String, Type)] {
        &self.residents
    }

    /// Whether the residents that a session holds are those that it needs.
    ///
    /// # Errors
    /// One that was not set, or of another length or type.
    pub fn check_residents<'s>(
        &self,
        held: impl Iterator<Item = (&'s String, &'s Type)> + Clone,
    ) -> Result<(), Error> {
        for (name, ty) in &self.residents {
            match held.clone().find(|(known, _)| *known == name) {
                None => {
                    let known: Vec<&str> = held.map(|(known, _)| known.as_str()).collect();
                    let (name, known) = (name.clone(), known.join(", "));
                    return Err(Error::Unknown { kind: "resident", name, known });
                }
                Some((_, held)) if held.dtype != ty.dtype || held.len() != ty.len() => {
                    return Err(Error::Length {
                        what: "resident",
                        name: name.clone(),
                        got: held.len(),
                        expected: ty.len(),
                    });
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Its slots, by number.
    #[must_use]
    pub fn slots(&self) -> &[SlotSpec] {
        &self.slots
    }

    /// Lets a host write a step's inputs into `memory`; false where the graph's condition was fed 0:
    /// the member idles.
    ///
    /// # Errors
    /// What the host returns; an input that it did not feed.
    pub fn feed(&self, host: &mut dyn Host, step: u32, memory: &mut [f32]) -> Result<bool, Error> {
        let signature = &self.signature;
        let mut feeds = Feeds { signature, memory, fed: 0 };
        host.feed(step, &mut feeds)?;
        let was_fed = |i: usize| feeds.fed & 1 << i != 0;
        // What an earlier step or another member left in this memory is no condition.
        let condition = signature.condition.filter(|&i| was_fed(i));
        if condition.is_some_and(|i| feeds.memory[signature.inputs[i].offset] == 0.0) {
            return Ok(false);
        }
        match (0..signature.inputs.len()).find(|&i| !was_fed(i)) {
            None => Ok(true),
            Some(position) => Err(Error::Session(format!(
                "input `{}` was not fed at step {step}",
                signature.inputs[position].name
            ))),
        }
    }

    /// Lets a host read a step's outputs, which lie behind each other in `memory`.
    ///
    /// # Errors
    /// What the host returns.
    pub fn collect(&self, host: &mut dyn Host, step: u32, memory: &[f32]) -> Result<(), Error> {
        let outputs = &self.signature.outputs;
        let read = |position: usize| {
            let start: usize = outputs[..position].iter().map(|output| output.ty.len()).sum();
            &memory[start..start + outputs[position].ty.len()]
        };
        host.collect(step, &Outputs { signature: &self.signature, read: &read })
    }

    /// Every value that it computes at these feeds, slots and residents, as [`Session::trace`] gives it.
    ///
    /// # Errors
    /// What reading a slot returns.
    pub fn trace<'m>(
        &self,
        feeds: &[f32],
        slot: impl Fn(&str) -> Result<&'m [f32], Error>,
        resident: impl Fn(&str) -> &'m [f32],
    ) -> Result<String, Error> {
        crate::cpu::trace::render(self, feeds, slot, resident)
    }
}
