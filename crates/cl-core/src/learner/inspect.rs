//! What the conformance suite looks at.

use super::Learner;
use crate::error::Error;
use crate::record::{self, MemoryRows, OPTIMIZER, Program, THETA};
use cl_tensor::{Cost, Graph, Plan, PlanId, Values};
use std::collections::{BTreeMap, BTreeSet};

/// What a step minimises, as the reference device takes it.
pub(crate) struct Objectives {
    /// Slots of parameters; the graph has outputs `loss:SLOT` and `gradient:SLOT` for each.
    pub slots: Vec<String>,
    /// What the first member feeds.
    pub feeds: Vec<(String, Values)>,
}

impl Learner<'_> {
    /// What one run of each program costs.
    pub(crate) fn program_costs(&self) -> Vec<Cost> {
        self.programs.plans().map(|plan| self.session.plan(plan).cost()).collect()
    }

    /// A member's parameters by name, as bits.
    pub(crate) fn parameters(&self, member: usize) -> Result<BTreeMap<String, Vec<u32>>, Error> {
        let theta = self.session.read(THETA, member)?;
        let ranges = self.model.layout.ranges().iter();
        let bits = |floats: &[f32]| floats.iter().map(|x| x.to_bits()).collect();
        Ok(ranges.map(|range| (range.name.clone(), bits(&theta[range.floats()]))).collect())
    }

    /// Slots outside the scopes of the strategies that are neither the run's own nor written by it.
    pub(crate) fn stray_slots(&self) -> BTreeSet<String> {
        let scopes = self.parts.scopes();
        let scoped = |slot: &str| {
            let inside = |scope: &String| slot.strip_prefix(&**scope).is_some_and(is_inner);
            scopes.iter().any(inside)
        };
        let of_optimizer = |slot: &str| slot.strip_prefix(OPTIMIZER).is_some_and(is_inner);
        let own = |slot: &str| slot == THETA || of_optimizer(slot) || slot.starts_with("stream/");
        let written = |plan: PlanId| {
            let traffic = self.session.plan(plan).slot_traffic().into_iter();
            traffic.filter(|(_, (_, writes))| *writes > 0).map(|(slot, _)| slot)
        };
        let programs = &self.programs;
        let train = programs.train.iter().flat_map(|(_, plan)| written(*plan));
        let observe = programs.observe.iter().flat_map(|observed| written(observed.plan));
        let consolidate = programs.consolidate.iter().flat_map(|(_, plan)| written(*plan));
        let declared = self.session.slots().into_iter().filter(|slot| !own(slot));
        declared
            .chain(train.filter(|slot| slot != THETA && !of_optimizer(slot)))
            .chain(consolidate.filter(|slot| slot != THETA))
            .chain(observe)
            .chain(written(programs.evaluate))
            .filter(|slot| !scoped(slot))
            .collect()
    }

    /// Slots of strategies that do not count as kept between contexts; modules are trained, not kept.
    pub(crate) fn slots_not_kept(&self) -> Vec<String> {
        let kept = self.kept_slots();
        let scopes = self.parts.scopes();
        let within = |slot: &str, name: &str| slot.strip_prefix(name).is_some_and(is_inner);
        let of_module = |slot: &str| {
            self.model.modules.iter().any(|(name, _)| slot == name || within(slot, name))
        };
        let mut slots = self.session.slots();
        slots.retain(|slot| {
            scopes.iter().any(|scope| within(slot, scope))
                && !kept.contains_key(slot)
                && !of_module(slot)
        });
        slots
    }

    /// Whether boundaries are found, not told.
    pub(crate) fn finds_boundaries(&self) -> bool {
        self.parts.detector.is_some()
    }

    /// Records what a program of the phase that was entered minimises, and draws its next step. The
    /// memories take part in it: the learner is of no further use.
    pub(crate) fn objectives(
        &mut self,
        graph: &Graph,
        program: usize,
    ) -> Result<Objectives, Error> {
        let Some(running) = self.running.take() else {
            return Err(Error::Misfit("no phase was entered".to_owned()));
        };
        let memories: Vec<MemoryRows> = self.members[0].memories.iter().map(|m| m.rows()).collect();
        let about = Program {
            trains: running.phase.cycle[program],
            optimizer: &*self.settings.optimizer,
            optimizer_name: "",
            stream: running.stream_rows,
            per_class: running.phase.rows_per_class(self.settings.batch),
            memories: &memories,
        };
        let slots = record::objectives(graph, &self.model, &self.parts, &about);
        let plan = Plan::compile(graph)?;
        let generators = self.generators();
        let mut ended = vec![false; self.members.len()];
        let (settings, name) = (&self.settings, &self.name);
        let members = self.members.iter_mut().zip(&mut ended);
        let mut hosts = running.hosts(
            (program, self.progress.step),
            members,
            &generators,
            settings,
            (name, self.clock),
        )?;
        let feeds = plan.feeds(&mut hosts[0], self.progress.step)?;
        Ok(Objectives { slots, feeds })
    }
}

/// Whether this is what follows the name of a scope in the name of its slot.
fn is_inner(rest: &str) -> bool {
    rest.starts_with('/')
}
