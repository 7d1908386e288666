//! A strategy by hand: one member, examples given as floats, every step and boundary called. For
//! tests of a method against numbers worked out elsewhere.

use crate::error::Error;
use crate::model::{Data, Model};
use crate::parts::Parts;
use crate::record;
use crate::strategy::Strategy;
use cl_nn::{Network, Optimizer};
use cl_tensor::{CpuSession, Feeds, Host, Outputs, PlanId, Session};

/// Rows of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// `[rows, inputs]`, row-major.
    pub x: Vec<f32>,
    /// The right output unit of each row.
    pub target: Vec<u32>,
    /// The context of each row.
    pub context: Vec<u32>,
    /// Weight of each row in the task loss.
    pub weight: Vec<f32>,
}

impl Batch {
    /// Rows of one context, each with weight 1/rows: the task loss is their mean.
    #[must_use]
    pub fn mean(x: Vec<f32>, target: Vec<u32>, context: u32) -> Self {
        let rows = target.len();
        Self { x, target, context: vec![context; rows], weight: vec![1.0 / rows as f32; rows] }
    }
}

struct Fed<'a> {
    batch: &'a Batch,
    weight: &'a [f32],
    loss: f32,
}

impl Host for Fed<'_> {
    fn feed(&mut self, step: u32, feeds: &mut Feeds<'_>) -> Result<(), cl_tensor::Error> {
        feeds.f32("x", &self.batch.x)?;
        feeds.u32("target", &self.batch.target)?;
        feeds.u32("context", &self.batch.context)?;
        feeds.f32("weight", self.weight)?;
        // Only a training step has these; elsewhere they are not declared.
        let _ = feeds.u32("address", &[0, 0, 0, step]);
        let _ = feeds.f32("schedule", &[1.0]);
        Ok(())
    }

    fn collect(&mut self, _: u32, outputs: &Outputs<'_>) -> Result<(), cl_tensor::Error> {
        self.loss = outputs.scalar("loss").unwrap_or(f32::NAN);
        Ok(())
    }
}

/// One member of one strategy on a small network, stepped by hand.
pub struct Trial {
    /// The network and its layout.
    pub model: Model,
    /// All slots: theta, moments and those of the methods.
    pub session: CpuSession,
    step: PlanId,
    observe: Vec<(usize, usize, PlanId)>,
    consolidate: PlanId,
}

impl Trial {
    /// Records the programs of a strategy for batches of exactly `rows` rows.
    ///
    /// `masked`: whether [`Trial::set_active`] will switch outputs off.
    ///
    /// # Errors
    /// What recording refuses.
    pub fn new(
        strategy: &dyn Strategy,
        network: Box<dyn Network>,
        optimizer: &dyn Optimizer,
        (rows, contexts): (usize, usize),
        masked: bool,
    ) -> Result<Self, Error> {
        strategy.check()?;
        let model = Model::new(network, Data::Fed, contexts, masked)?;
        let parts = Parts::of(strategy);
        let mut session = CpuSession::new(&[0], 1)?;
        let step = session.load(record::step(&model, &parts, optimizer, rows)?)?;
        let mut observe = Vec::new();
        for (part, (name, it)) in parts.consolidations.iter().enumerate() {
            for pass in 0..it.passes().len() {
                let plan = record::observe(&model, &parts, (name, *it), pass, rows)?;
                observe.push((part, pass, session.load(plan)?));
            }
        }
        let consolidate = session.load(record::consolidate(&model, &parts)?)?;
        Ok(Self { model, session, step, observe, consolidate })
    }

    /// Sets which outputs compete per context, `[contexts][outputs]`.
    ///
    /// # Errors
    /// A trial that was not made `masked`.
    pub fn set_active(&mut self, active: &[Vec<bool>]) -> Result<(), Error> {
        let table: Vec<f32> =
            active.iter().flatten().map(|&active| f32::from(u8::from(active))).collect();
        Ok(self.session.write(crate::model::ACTIVE, 0, &table)?)
    }

    /// Writes a parameter, in the network's own shape and row-major order.
    ///
    /// # Errors
    /// An unknown parameter or a wrong length.
    pub fn set_parameter(&mut self, name: &str, values: &[f32]) -> Result<(), Error> {
        let mut theta = self.session.read(record::THETA, 0)?;
        let range = self
            .model
            .layout
            .range(name)
            .ok_or_else(|| Error::Misfit(format!("no parameter `{name}`")))?;
        if range.floats().len() != values.len() {
            return Err(Error::Misfit(format!(
                "parameter `{name}` has {} values, got {}",
                range.floats().len(),
                values.len()
            )));
        }
        theta[range.floats()].copy_from_slice(values);
        Ok(self.session.write(record::THETA, 0, &theta)?)
    }

    /// Reads a theta-sized slot as named parameters, in order.
    ///
    /// # Errors
    /// An unknown slot.
    pub fn parameters(&self, slot: &str) -> Result<Vec<(String, Vec<f32>)>, Error> {
        let flat = self.session.read(slot, 0)?;
        let ranges = self.model.layout.ranges().iter();
        Ok(ranges.map(|range| (range.name.clone(), flat[range.floats()].to_vec())).collect())
    }

    /// Takes one step; returns the task loss before it, in nats.
    ///
    /// # Errors
    /// What the device refuses.
    pub fn step(&mut self, batch: &Batch) -> Result<f32, Error> {
        let mut host = Fed { batch, weight: &batch.weight, loss: f32::NAN };
        self.session.run(self.step, 0..1, &mut [&mut host])?;
        Ok(host.loss)
    }

    /// Ends a context whose training rows are these, in chunks of the recorded number of rows; rows
    /// of weight 0 are padding.
    ///
    /// # Errors
    /// What the device refuses.
    pub fn boundary(&mut self, chunks: &[Batch]) -> Result<(), Error> {
        let present = |weight: &f32| f32::from(u8::from(*weight != 0.0));
        let rows: f32 = chunks.iter().flat_map(|chunk| &chunk.weight).map(present).sum();
        let mut numbers = crate::host::Numbers(Vec::new());
        for &(part, pass, plan) in &self.observe {
            numbers.0.push((record::examples_input(part, pass), rows));
            for chunk in chunks {
                let weight: Vec<f32> = chunk.weight.iter().map(present).collect();
                let mut host = Fed { batch: chunk, weight: &weight, loss: f32::NAN };
                self.session.run(plan, 0..1, &mut [&mut host])?;
            }
        }
        Ok(self.session.run(self.consolidate, 0..1, &mut [&mut numbers])?)
    }
}
