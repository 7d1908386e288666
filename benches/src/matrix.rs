//! One matrix product.

use crate::silent::Silent;
use cl_tensor::{Device, Error, Graph, Init, Plan, PlanId, Session};

/// `batch` products `[m, k] x [k, n]` of numbers that lie on the device.
pub struct Product {
    session: Box<dyn Session>,
    plan: PlanId,
}

impl Product {
    /// A product of this shape, `[batch, m, k, n]`.
    ///
    /// # Errors
    /// Threads or memory that the system does not give.
    pub fn new(
        device: &dyn Device,
        [batch, m, k, n]: [usize; 4],
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let graph = Graph::new();
        let a = graph.slot("a", &[batch, m, k], Init::Constant(0.5));
        let b = graph.slot("b", &[batch, k, n], Init::Constant(0.25));
        let c = a.matmul(b);
        graph.slot("c", &[batch, m, n], Init::Constant(0.0));
        graph.assign("c", c);
        // One number, so that a device finishes before a run returns.
        let corner = c.slice(0, 0..1).slice(1, 0..1).slice(2, 0..1);
        graph.output("corner", corner);
        let mut session = device.session(&[1])?;
        let plan = session.load(Plan::compile(&graph)?)?;
        Ok(Self { session, plan })
    }

    /// Takes the product so many times; done when it returns.
    ///
    /// # Errors
    /// What the device reports.
    pub fn run(&mut self, times: u32) -> Result<(), Error> {
        self.session.run(self.plan, 0..times, &mut [&mut Silent])
    }
}
