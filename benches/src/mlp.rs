//! One training step of the reference network, MLP 784-400-400-10 at batch 128 with Adam.

use cl_nn::{Adam, ForwardContext, Layout, Mlp, Network, Optimizer, Theta, losses};
use cl_tensor::{DType, Device, Error, Feeds, Graph, Host, Plan, PlanId, Resident, Scope, Session};

/// The sizes of the reference network (van de Ven, Tuytelaars & Tolias 2022).
const SIZES: [usize; 4] = [784, 400, 400, 10];
/// Rows of a batch.
const ROWS: usize = 128;
/// Images that a batch is drawn from: the first context of Split MNIST.
const IMAGES: usize = 12_000;

/// A population of reference networks. A step gathers its rows from images that are kept as bytes.
pub struct Mlp784 {
    session: Box<dyn Session>,
    plan: PlanId,
    batches: Vec<Batch>,
}

/// Which rows a member takes next.
struct Batch {
    rows: Vec<u32>,
    target: Vec<u32>,
}

impl Host for Batch {
    fn feed(&mut self, _: u32, feeds: &mut Feeds<'_>) -> Result<(), Error> {
        for row in &mut self.rows {
            // 4,999 has no divisor in common with the images: every image in its turn.
            *row = (*row + 4_999) % IMAGES as u32;
        }
        feeds.u32("rows", &self.rows)?;
        feeds.u32("target", &self.target)
    }

    fn is_ahead(&self) -> bool {
        true
    }
}

impl Mlp784 {
    /// The plan of a step.
    ///
    /// # Errors
    /// None in practice: the network is a valid one.
    pub fn plan() -> Result<Plan, Box<dyn std::error::Error>> {
        record()
    }

    /// The images that the plan reads.
    #[must_use]
    pub fn images() -> (&'static str, Resident) {
        let bytes = (0..IMAGES * SIZES[0]).map(|i| (i * 7919 % 251) as u8);
        ("images", Resident::Bytes(bytes.collect::<Vec<_>>().into()))
    }

    /// A population of `members` networks.
    ///
    /// # Errors
    /// Threads or memory that the system does not give.
    pub fn new(device: &dyn Device, members: usize) -> Result<Self, Box<dyn std::error::Error>> {
        let seeds: Vec<u64> = (0..members as u64).collect();
        let mut session = device.session(&seeds)?;
        let plan = session.load(Self::plan()?)?;
        let (name, images) = Self::images();
        session.set_resident(name, images)?;
        let batch = |seed: &u64| Batch {
            rows: (0..ROWS as u32).map(|row| row * 89 + *seed as u32).collect(),
            target: (0..ROWS as u32).map(|row| row % 10).collect(),
        };
        Ok(Self { session, plan, batches: seeds.iter().map(batch).collect() })
    }

    /// Takes `steps` steps with every member; done when it returns.
    ///
    /// # Errors
    /// What the device reports.
    pub fn step(&mut self, steps: u32) -> Result<(), Error> {
        let mut hosts: Vec<&mut dyn Host> =
            self.batches.iter_mut().map(|batch| batch as &mut dyn Host).collect();
        self.session.run(self.plan, 0..steps, &mut hosts)
    }
}

/// The plan of a step; its output makes a device finish before a run returns.
fn record() -> Result<Plan, Box<dyn std::error::Error>> {
    let network = Mlp::new(&SIZES)?;
    let layout = Layout::new(&network.params())?;
    let graph = Graph::new();
    let flat = graph.slot("theta", &[layout.len()], layout.init());
    let images = graph.resident("images", &[IMAGES, SIZES[0]], DType::U8);
    let x = images.gather_decode(graph.input_u32("rows", &[ROWS]), 1.0 / 255.0);
    let target = graph.input_u32("target", &[ROWS]);
    let theta = Theta { flat, layout: &layout };
    let forward = network.forward(theta, x, &ForwardContext::test());
    let loss = losses::cross_entropy(forward.logits, target, None).mean();
    let scope = Scope::new(&graph, "optimizer");
    let gradient = graph.grad(loss, flat);
    let schedule = graph.constant(1.0);
    let delta = Adam::new(1e-3).delta(&scope, &layout, flat, gradient, schedule);
    graph.assign("theta", flat + delta);
    graph.output("loss", loss);
    Ok(Plan::compile(&graph)?)
}
