//! One pass over memory.

use crate::silent::Silent;
use cl_nn::{Adam, Layout, Mlp, Network, Optimizer};
use cl_tensor::{Device, Error, Graph, Init, Plan, PlanId, Scope, Session};

/// What a pass computes.
#[derive(Clone, Copy, Debug)]
pub enum Kernel {
    /// The larger of 0 and each of so many floats.
    Relu(usize),
    /// tanh of each.
    Tanh(usize),
    /// Softmax of each of so many rows, of so many columns.
    Softmax(usize, usize),
    /// Adam over the parameters of MLP 784-400-400-10.
    Adam,
}

impl Kernel {
    /// Elements of its result.
    #[must_use]
    pub fn elements(self) -> usize {
        match self {
            Self::Relu(n) | Self::Tanh(n) => n,
            Self::Softmax(rows, columns) => rows * columns,
            Self::Adam => 784 * 400 + 400 + 400 * 400 + 400 + 400 * 10 + 10,
        }
    }
}

/// A pass over numbers that lie on the device.
pub struct Pass {
    session: Box<dyn Session>,
    plan: PlanId,
}

impl Pass {
    /// A pass of this kernel.
    ///
    /// # Errors
    /// Threads or memory that the system does not give.
    pub fn new(device: &dyn Device, kernel: Kernel) -> Result<Self, Box<dyn std::error::Error>> {
        let graph = Graph::new();
        let shape = match kernel {
            Kernel::Relu(n) | Kernel::Tanh(n) => vec![n],
            Kernel::Softmax(rows, columns) => vec![rows, columns],
            Kernel::Adam => Vec::new(),
        };
        if let Kernel::Adam = kernel {
            let layout = Layout::new(&Mlp::new(&[784, 400, 400, 10])?.params())?;
            let theta = graph.slot("theta", &[layout.len()], layout.init());
            let gradient = graph.slot("gradient", &[layout.len()], Init::Constant(0.01));
            let scope = Scope::new(&graph, "optimizer");
            let one = graph.constant(1.0);
            graph.assign(
                "theta",
                theta + Adam::new(1e-3).delta(&scope, &layout, theta, gradient, one),
            );
        } else {
            let x = graph.slot("x", &shape, Init::Constant(0.5));
            let y = match kernel {
                Kernel::Relu(_) | Kernel::Adam => x.relu(),
                Kernel::Tanh(_) => x.tanh(),
                Kernel::Softmax(..) => x.softmax(),
            };
            graph.slot("y", &shape, Init::Zeros);
            graph.assign("y", y);
        }
        let mut session = device.session(&[1])?;
        let plan = session.load(Plan::compile(&graph)?)?;
        Ok(Self { session, plan })
    }

    /// Takes the pass so many times; done when it returns.
    ///
    /// # Errors
    /// What the device reports.
    pub fn run(&mut self, times: u32) -> Result<(), Error> {
        self.session.run(self.plan, 0..times, &mut [&mut Silent])
    }
}
