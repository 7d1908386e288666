//! One training step of the reference network, MLP 784-400-400-10 at batch 128 with Adam.

use cl_nn::{Adam, ForwardContext, Layout, Mlp, Network, Optimizer, Theta, losses};
use cl_tensor::{CpuSession, Error, Feeds, Graph, Host, Plan, PlanId, Scope, Session};

/// The sizes of the reference network (van de Ven, Tuytelaars & Tolias 2022).
const SIZES: [usize; 4] = [784, 400, 400, 10];
/// Rows of a batch.
const ROWS: usize = 128;

/// A population of reference networks on random pixels.
pub struct Mlp784 {
    session: CpuSession,
    plan: PlanId,
    batches: Vec<Batch>,
}

/// The same rows at every step: feeding costs a copy, not a draw.
pub struct Batch {
    x: Vec<f32>,
    target: Vec<u32>,
}

impl Host for Batch {
    fn feed(&mut self, _: u32, feeds: &mut Feeds<'_>) -> Result<(), Error> {
        feeds.f32("x", &self.x)?;
        feeds.u32("target", &self.target)
    }
}

impl Mlp784 {
    /// A population of `members` networks on `threads` threads.
    ///
    /// # Errors
    /// Threads that the system does not give.
    pub fn new(members: usize, threads: usize) -> Result<Self, Box<dyn std::error::Error>> {
        let seeds: Vec<u64> = (0..members as u64).collect();
        let mut session = CpuSession::new(&seeds, threads)?;
        let plan = session.load(record()?)?;
        let batches = seeds
            .iter()
            .map(|seed| Batch {
                x: (0..ROWS * SIZES[0])
                    .map(|i| ((i as u64 * 7919 + seed * 104_729) % 256) as f32 / 255.0)
                    .collect(),
                target: (0..ROWS as u32).map(|row| row % 10).collect(),
            })
            .collect();
        Ok(Self { session, plan, batches })
    }

    /// Takes `steps` steps with every member.
    ///
    /// # Errors
    /// None in practice: the plan is fed what it declares.
    pub fn step(&mut self, steps: u32) -> Result<(), Error> {
        let mut hosts: Vec<&mut dyn Host> =
            self.batches.iter_mut().map(|batch| batch as &mut dyn Host).collect();
        self.session.run(self.plan, 0..steps, &mut hosts)
    }
}

fn record() -> Result<Plan, Box<dyn std::error::Error>> {
    let network = Mlp::new(&SIZES)?;
    let layout = Layout::new(&network.params())?;
    let graph = Graph::new();
    let flat = graph.slot("theta", &[layout.len()], layout.init());
    let x = graph.input("x", &[ROWS, SIZES[0]]);
    let target = graph.input_u32("target", &[ROWS]);
    let theta = Theta { flat, layout: &layout };
    let forward = network.forward(theta, x, &ForwardContext::test());
    let loss = losses::cross_entropy(forward.logits, target, None).mean();
    let scope = Scope::new(&graph, "optimizer");
    let gradient = graph.grad(loss, flat);
    let schedule = graph.constant(1.0);
    let delta = Adam::new(1e-3).delta(&scope, &layout, flat, gradient, schedule);
    graph.assign("theta", flat + delta);
    Ok(Plan::compile(&graph)?)
}
