//! Which units work for which rows.

use super::boundary::run_chunks;
use super::{CHUNK, Learner};
use crate::draw::test_rows_of;
use crate::error::Error;
use crate::gates::MeanGates;
use crate::host::Chunks;
use crate::record;
use cl_buffers::Row;
use cl_tensor::PlanId;

impl Learner<'_> {
    /// By what the gates of the composition multiply the hidden layers for rows of each member, as in
    /// an evaluation: `[member][hidden layer]`, each `[rows, units]`, row-major.
    ///
    /// The product of all gates over the points of a layer at which they act, as they apply to ones;
    /// 1 where no gate acts. Branches, which add, play no part.
    ///
    /// # Errors
    /// Another number of lists of rows than members; what the device refuses.
    pub fn gates(&mut self, rows: &[Vec<Row>]) -> Result<Vec<Vec<Vec<f32>>>, Error> {
        if rows.len() != self.members() {
            let (lists, members) = (rows.len(), self.members());
            return Err(Error::Misfit(format!(
                "gates: rows for {lists} members, expected {members}"
            )));
        }
        let (plan, outputs) = self.gates_plan()?;
        let mut hosts: Vec<Chunks<'_>> = rows
            .iter()
            .map(|rows| self.chunks(rows, CHUNK).reading(outputs.iter().cloned()))
            .collect();
        run_chunks(&mut *self.session, plan, &mut hosts)?;
        let layers = |host: Chunks<'_>| host.read.into_iter().map(|(_, values)| values).collect();
        Ok(hosts.into_iter().map(layers).collect())
    }

    /// The mean of [`Learner::gates`] over the test rows of each context, for each member.
    ///
    /// # Errors
    /// What the device refuses.
    pub fn mean_gates(&mut self) -> Result<Vec<MeanGates>, Error> {
        let mut means = vec![MeanGates::default(); self.members()];
        // One context at a time: a row has a number for every hidden unit.
        for context in 0..self.model.contexts {
            let test = |member| test_rows_of(self.stream(member), self.labels(), context);
            let rows: Vec<Vec<Row>> = (0..self.members()).map(test).collect();
            let gates = self.gates(&rows)?;
            for ((mean, rows), layers) in means.iter_mut().zip(&rows).zip(gates) {
                mean.push_context(rows.len(), &layers);
            }
        }
        Ok(means)
    }

    /// The program that evaluates gates, recorded when it is first asked for, and its outputs by
    /// layer.
    fn gates_plan(&mut self) -> Result<(PlanId, Vec<String>), Error> {
        let known = &mut self.programs.gates;
        if let Some(known) = known {
            return Ok(known.clone());
        }
        let plan = record::gates(&self.model, &self.parts, CHUNK)?;
        let outputs = (0..plan.outputs().len()).map(record::gates_output).collect::<Vec<_>>();
        let made = (self.session.load(plan)?, outputs);
        *known = Some(made.clone());
        Ok(made)
    }
}
