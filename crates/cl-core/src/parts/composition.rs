//! The parts of a composition, each under the name of the strategy it came with.

use super::{
    Backbone, Consolidate, Criterion, Detect, Gate, Generate, GradientMap, Module, Over, Penalty,
    Phases, Readout, Track, WeightView, find,
};
use crate::error::Error;
use crate::rehearse::{Member, Mix, Rehearse};
use crate::strategy::Strategy;

pub(crate) type Make<'s, T> = Box<dyn Fn(&Member<'_>) -> Result<Box<T>, Error> + 's>;

/// A rehearsal before it is made.
pub(crate) struct Rehearsal<'s> {
    /// The strategy it came with.
    pub scope: String,
    /// Whether its rows join the batch or have a forward pass of their own.
    pub joins: Joins,
    pub make: Make<'s, dyn Rehearse>,
}

/// Whether rows of a memory are part of the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Joins {
    Batch,
    Apart,
}

/// The parts of a composition, each under the name of the strategy it came with.
#[derive(Default)]
pub struct Parts<'s> {
    pub(crate) penalties: Vec<(String, &'s dyn Penalty)>,
    pub(crate) tracks: Vec<(String, &'s dyn Track)>,
    pub(crate) gates: Vec<(String, &'s dyn Gate)>,
    pub(crate) views: Vec<(String, &'s dyn WeightView)>,
    pub(crate) gradient_maps: Vec<(String, &'s dyn GradientMap)>,
    pub(crate) modules: Vec<(String, &'s dyn Module)>,
    pub(crate) generators: Vec<(String, &'s dyn Generate)>,
    pub(crate) consolidations: Vec<(String, &'s dyn Consolidate)>,
    pub(crate) rehearsals: Vec<(String, Rehearsal<'s>)>,
    pub(crate) criterion: Option<(String, &'s dyn Criterion)>,
    pub(crate) readout: Option<(String, &'s dyn Readout)>,
    pub(crate) backbone: Option<(String, &'s dyn Backbone)>,
    pub(crate) phases: Option<(String, &'s dyn Phases)>,
    pub(crate) detector: Option<(String, Make<'s, dyn Detect>)>,
    /// How sources are weighed, whatever the run says.
    pub(crate) mix: Option<(String, Mix)>,
    /// The first thing that two strategies both want to own.
    conflict: Option<Conflict>,
    /// Names of the strategies that have parts so far.
    names: Vec<String>,
    current: Origin,
}

/// Two owners of a part of which there is one.
struct Conflict {
    part: &'static str,
    first: String,
    second: String,
}

/// Gives a part of which there is at most one to its owner.
fn own<T>(
    place: &mut Option<(String, T)>,
    conflict: &mut Option<Conflict>,
    part: &'static str,
    owner: (String, T),
) {
    match place {
        None => *place = Some(owner),
        Some((first, _)) => {
            let (first, second) = (first.clone(), owner.0);
            conflict.get_or_insert(Conflict { part, first, second });
        }
    }
}

/// The strategy that hands over its parts.
#[derive(Default)]
struct Origin {
    name: String,
    /// Its scope, given with its first part: a composition has none of its own.
    scope: Option<String>,
}

/// The scope of the strategy at a place: its name, numbered if others before it have the same.
fn numbered(names: &[String], at: usize) -> String {
    let name = &names[at];
    match names[..at].iter().filter(|known| *known == name).count() {
        0 => name.clone(),
        same => format!("{name}#{}", same + 1),
    }
}

impl<'s> Parts<'s> {
    /// The parts of a strategy.
    #[must_use]
    pub fn of(strategy: &'s dyn Strategy) -> Self {
        let mut parts = Self::default();
        parts.strategy(strategy);
        parts
    }

    /// Adds the parts of a strategy under a name of their own: a second instance does not collide.
    pub fn strategy(&mut self, strategy: &'s dyn Strategy) {
        let origin = Origin { name: strategy.name(), scope: None };
        let outer = std::mem::replace(&mut self.current, origin);
        strategy.parts(self);
        self.current = outer;
    }

    fn scope(&mut self) -> String {
        let Origin { name, scope } = &mut self.current;
        scope
            .get_or_insert_with(|| {
                self.names.push(name.clone());
                numbered(&self.names, self.names.len() - 1)
            })
            .clone()
    }

    /// The scopes of all strategies that have parts.
    pub(crate) fn scopes(&self) -> Vec<String> {
        (0..self.names.len()).map(|at| numbered(&self.names, at)).collect()
    }

    /// Adds a penalty.
    pub fn penalty(&mut self, part: &'s dyn Penalty) -> &mut Self {
        let scope = self.scope();
        self.penalties.push((scope, part));
        self
    }

    /// Adds a track.
    pub fn track(&mut self, part: &'s dyn Track) -> &mut Self {
        let scope = self.scope();
        self.tracks.push((scope, part));
        self
    }

    /// Adds a gate.
    pub fn gate(&mut self, part: &'s dyn Gate) -> &mut Self {
        let scope = self.scope();
        self.gates.push((scope, part));
        self
    }

    /// Adds a weight view.
    pub fn weight_view(&mut self, part: &'s dyn WeightView) -> &mut Self {
        let scope = self.scope();
        self.views.push((scope, part));
        self
    }

    /// Adds a gradient map.
    pub fn gradient_map(&mut self, part: &'s dyn GradientMap) -> &mut Self {
        let scope = self.scope();
        self.gradient_maps.push((scope, part));
        self
    }

    /// Adds a module.
    pub fn module(&mut self, part: &'s dyn Module) -> &mut Self {
        let scope = self.scope();
        self.modules.push((scope, part));
        self
    }

    /// Adds a generator of rows.
    pub fn generate(&mut self, part: &'s dyn Generate) -> &mut Self {
        let scope = self.scope();
        self.generators.push((scope, part));
        self
    }

    /// Adds a consolidation.
    pub fn consolidate(&mut self, part: &'s dyn Consolidate) -> &mut Self {
        let scope = self.scope();
        self.consolidations.push((scope, part));
        self
    }

    /// Sets the criterion.
    pub fn criterion(&mut self, part: &'s dyn Criterion) -> &mut Self {
        let scope = self.scope();
        own(&mut self.criterion, &mut self.conflict, "the criterion", (scope, part));
        self
    }

    /// Sets the read-out.
    pub fn readout(&mut self, part: &'s dyn Readout) -> &mut Self {
        let scope = self.scope();
        own(&mut self.readout, &mut self.conflict, "the read-out", (scope, part));
        self
    }

    /// Sets the network.
    pub fn backbone(&mut self, part: &'s dyn Backbone) -> &mut Self {
        let scope = self.scope();
        own(&mut self.backbone, &mut self.conflict, "the network", (scope, part));
        self
    }

    /// Sets the phases.
    pub fn phases(&mut self, part: &'s dyn Phases) -> &mut Self {
        let scope = self.scope();
        own(&mut self.phases, &mut self.conflict, "the phases", (scope, part));
        self
    }

    /// Adds a rehearsal whose rows join the batch: a function that makes one for each member.
    pub fn rehearse(
        &mut self,
        make: impl Fn(&Member<'_>) -> Result<Box<dyn Rehearse>, Error> + 's,
    ) -> &mut Self {
        let scope = self.scope();
        self.rehearsal(scope.clone(), scope, Joins::Batch, Box::new(make))
    }

    /// Adds a rehearsal whose rows are absent from the task loss: they have a forward pass of their
    /// own, `step.rows(name)`.
    pub fn rehearse_apart(
        &mut self,
        name: &str,
        make: impl Fn(&Member<'_>) -> Result<Box<dyn Rehearse>, Error> + 's,
    ) -> &mut Self {
        let scope = self.scope();
        self.rehearsal(format!("{scope}/{name}"), scope, Joins::Apart, Box::new(make))
    }

    /// Adds a rehearsal; a second one of a name is numbered.
    fn rehearsal(
        &mut self,
        name: String,
        scope: String,
        joins: Joins,
        make: Make<'s, dyn Rehearse>,
    ) -> &mut Self {
        let known = |name: &str| self.rehearsals.iter().any(|(other, _)| other == name);
        let numbered = (2..).map(|n| format!("{name}/{n}"));
        let name = std::iter::once(name.clone()).chain(numbered).find(|name| !known(name));
        let name = name.unwrap_or_default();
        self.rehearsals.push((name, Rehearsal { scope, joins, make }));
        self
    }

    /// The full name of the one memory that a pass of a strategy is over.
    pub(crate) fn memory_of(&self, scope: &str, over: &Over) -> Option<&str> {
        let Over::Memory(name) = over else { return None };
        let known = self.rehearsals.iter().map(|(known, _)| known.as_str());
        find(scope, name, known).map(|at| self.rehearsals[at].0.as_str())
    }

    /// Sets the detector of boundaries: a function that makes one for each member.
    pub fn detect(
        &mut self,
        make: impl Fn(&Member<'_>) -> Result<Box<dyn Detect>, Error> + 's,
    ) -> &mut Self {
        let scope = self.scope();
        own(&mut self.detector, &mut self.conflict, "the boundaries", (scope, Box::new(make)));
        self
    }

    /// Says how rows of the stream and replayed rows are weighed, in place of the run's
    /// [`Settings::mix`](crate::Settings::mix). Two strategies of a composition may both say so, if they
    /// say the same.
    pub fn mix(&mut self, mix: Mix) -> &mut Self {
        let scope = self.scope();
        if self.mix.as_ref().is_none_or(|(_, own)| *own != mix) {
            own(&mut self.mix, &mut self.conflict, "how sources are weighed", (scope, mix));
        }
        self
    }

    /// Who plays which part: (part, strategy), by part.
    #[must_use]
    pub fn played(&self) -> Vec<(&'static str, &str)> {
        fn names<'a, T>(
            part: &'static str,
            of: impl IntoIterator<Item = &'a (String, T)>,
        ) -> Vec<(&'static str, &'a str)>
        where
            T: 'a,
        {
            of.into_iter().map(|(name, _)| (part, name.as_str())).collect()
        }
        let rehearsals = self.rehearsals.iter().map(|(_, it)| ("Rehearse", it.scope.as_str()));
        let all = [
            names("Penalty", &self.penalties),
            names("Criterion", &self.criterion),
            names("GradientMap", &self.gradient_maps),
            names("Track", &self.tracks),
            names("Gate", &self.gates),
            names("WeightView", &self.views),
            names("Backbone", &self.backbone),
            names("Readout", &self.readout),
            names("Module", &self.modules),
            names("Generate", &self.generators),
            rehearsals.collect(),
            names("Consolidate", &self.consolidations),
            names("Phases", &self.phases),
            names("Detect", &self.detector),
        ];
        all.concat()
    }

    /// Checks that the parts go together.
    ///
    /// # Errors
    /// Two owners of what has one; rows of other contexts beside weights viewed per context.
    pub fn check(&self) -> Result<(), Error> {
        if let Some(Conflict { part, first, second }) = &self.conflict {
            let (first, second) = (first.clone(), second.clone());
            return Err(Error::TwoOwners { part, first, second });
        }
        let reserved = ["theta", "optimizer", "stream", "images"];
        if let Some(name) = self.names.iter().find(|name| {
            name.is_empty() || name.contains(['/', '#']) || reserved.contains(&name.as_str())
        }) {
            return Err(Error::Misfit(format!(
                "a strategy called `{name}`: expected a name without / and #, and none of {}",
                reserved.join(", ")
            )));
        }
        let rows = self.rehearsals.iter().map(|(name, _)| name);
        let mut rows = rows.chain(self.generators.iter().map(|(name, _)| name));
        if let (Some((view, _)), Some(rows)) = (self.views.first(), rows.next()) {
            return Err(Error::Incompatible {
                first: view.clone(),
                second: rows.clone(),
                reason: "one views the weights per context, the other brings rows of other contexts \
                         into the batch",
            });
        }
        Ok(())
    }
}
