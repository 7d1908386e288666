//! Training a cell: its population, as many members at once as the device takes.

use crate::cell::{Cell, Variant, steps};
use crate::conventions::conventions;
use crate::generated;
use crate::kept;
use crate::measured::measured;
use crate::results::Line;
use crate::{Error, Fate, Keep, Population, Wave};
use cl_core::{Learner, Observer, Outcome, Pull};

/// What a cell gave.
#[derive(Debug, Default)]
pub struct Trained {
    /// One line per run, variant by variant.
    pub lines: Vec<Line>,
    /// Values of a sweep, or the cell without one, whose loss was no number any more, by label, with the
    /// reason.
    pub diverged: Vec<(String, String)>,
}

/// Who watches the waves of a population.
pub(crate) trait Watch {
    /// The observer of a wave of so many members.
    fn of(&mut self, members: usize) -> &mut dyn Observer;
}

/// Watches every wave alike.
struct Plain<'a>(&'a mut dyn Observer);

impl Watch for Plain<'_> {
    fn of(&mut self, _: usize) -> &mut dyn Observer {
        self.0
    }
}

/// Watches values of a sweep that are trained once more, alone: their steps were counted before.
struct Again<'a> {
    watch: &'a mut dyn Watch,
    members: usize,
}

impl Watch for Again<'_> {
    fn of(&mut self, members: usize) -> &mut dyn Observer {
        self.members = members;
        self
    }
}

impl Observer for Again<'_> {
    fn unsaved(&mut self, error: cl_core::Error) -> Result<(), cl_core::Error> {
        self.watch.of(self.members).unsaved(error)
    }
}

impl Cell {
    /// Trains the population, in waves where the device does not take all members at once, which gives the
    /// same bits. One value of a sweep whose loss is no number any more stops them all:
    /// then each value is trained as a population of its own, which gives the same bits.
    ///
    /// # Errors
    /// What the device refuses; what cannot be restored. A loss that is no number any more is none: it is
    /// in [`Trained::diverged`].
    pub fn run(&self, observer: &mut dyn Observer) -> Result<Trained, Error> {
        self.run_kept(0, &mut Plain(observer), &mut ())
    }

    /// As [`Cell::run`], for a cell with a place in a benchmark whose work is kept.
    pub(crate) fn run_kept(
        &self,
        cell: usize,
        watch: &mut dyn Watch,
        keep: &mut dyn Keep,
    ) -> Result<Trained, Error> {
        let mut trained = Trained::default();
        match self.fate(Population { cell, variant: None }, watch, keep)? {
            Fate::Trained(lines) => trained.lines = lines,
            Fate::Diverged(reason) => trained.diverged.push((self.label(), reason)),
            Fate::Apart => {
                for (index, variant) in self.variants.iter().enumerate() {
                    let alone = Population { cell, variant: Some(index) };
                    match self.fate(alone, &mut Again { watch: &mut *watch, members: 0 }, keep)? {
                        Fate::Trained(lines) => trained.lines.extend(lines),
                        Fate::Apart => {}
                        Fate::Diverged(reason) => {
                            trained.diverged.push((variant.label.clone(), reason));
                        }
                    }
                }
            }
        }
        Ok(trained)
    }

    /// What becomes of a population, or became of it in an earlier process.
    fn fate(
        &self,
        population: Population,
        watch: &mut dyn Watch,
        keep: &mut dyn Keep,
    ) -> Result<Fate, Error> {
        if let Some(fate) = keep.known(population) {
            return Ok(fate);
        }
        let fate = match (self.train(population, watch, keep), population.variant) {
            (Ok(lines), _) => Fate::Trained(lines),
            (Err(error), _) if !error.has_diverged() => return Err(error),
            (Err(_), None) if self.variants.len() > 1 => Fate::Apart,
            (Err(error), _) => Fate::Diverged(error.to_string()),
        };
        keep.keep(population, &fate)?;
        Ok(fate)
    }

    /// All members of a population, wave by wave; one line each. A wave that turns out not to fit the
    /// device's memory is halved.
    fn train(
        &self,
        population: Population,
        watch: &mut dyn Watch,
        keep: &mut dyn Keep,
    ) -> Result<Vec<Line>, Error> {
        let variants = self.together(population.variant);
        let all = variants.len() * self.seeds().count();
        if let Some(judge) = &self.judge {
            judge.learn(&self.experiment)?;
        }
        let mut lanes = self.lanes()?;
        let mut lines: Vec<Line> = Vec::with_capacity(all);
        while lines.len() < all {
            let first = lines.len();
            let begun = keep.begun(population, first);
            let count = begun.unwrap_or(lanes).min(all - first);
            let wave = Wave { population, members: first..first + count, all };
            match self.train_wave(variants, &wave, watch.of(count), keep) {
                Ok(more) => lines.extend(more),
                Err(error) if error.is_out_of_memory() && begun.is_none() && count > 1 => {
                    lanes = count.div_ceil(2);
                }
                Err(error) => return Err(error),
            }
        }
        // Of the member that keeps most, whatever wave it was in.
        let kept = lines.iter().map(|line| line.bytes_kept).max().unwrap_or(0);
        lines.iter_mut().for_each(|line| line.bytes_kept = kept);
        Ok(lines)
    }

    /// Members of one session, which differ in slots.
    fn train_wave(
        &self,
        variants: &[Variant],
        wave: &Wave,
        observer: &mut dyn Observer,
        keep: &mut dyn Keep,
    ) -> Result<Vec<Line>, Error> {
        let Some(first) = variants.first() else { return Ok(Vec::new()) };
        let seeds: Vec<u64> = self.seeds().collect();
        let own = wave.members.clone().map(|member| seeds[member % seeds.len()]);
        let mut learner = self.experiment.clone().seeds(own).learner(first.strategy())?;
        let variant = |member: usize| &variants[(wave.members.start + member) / seeds.len()];
        for member in 0..wave.members.len() {
            for (name, value) in &variant(member).settings.hyper {
                if first.settings.hyper.get(name) == Some(value) {
                    continue;
                }
                for slot in self.composition.slots(name) {
                    learner.set_hyper(&slot, member, *value as f32)?;
                }
            }
        }
        // Before training, as in a dry run: what memories hold then changes what passes over them cost.
        let macs = Some(learner.costs().macs);
        let outcomes = keep.train(wave, &mut learner, observer)?;
        let names: Vec<String> = self.names(wave.population.variant).collect();
        keep.trained(&names[wave.members.clone()], &learner)?;
        let mut spreads = generated::spreads(&mut learner)?;
        let mut shares = generated::shares(&mut learner, &self.experiment)?;
        let of = |(member, outcome)| {
            let line = self.line(variant(member), &learner, member, outcome)?;
            Ok(Line {
                generator_spread: std::mem::take(&mut spreads[member]),
                generator_shares: std::mem::take(&mut shares[member]),
                macs,
                ..line
            })
        };
        outcomes.iter().enumerate().map(of).collect()
    }

    fn line(
        &self,
        variant: &Variant,
        learner: &Learner<'_>,
        member: usize,
        outcome: &Outcome,
    ) -> Result<Line, Error> {
        let settings = variant.settings.with_seed(outcome.seed);
        let (metrics, metrics_undefined) = measured(outcome);
        Ok(Line {
            dataset: settings.dataset.clone(),
            scenario: settings.scenario.clone(),
            strategy: settings.strategy.clone(),
            seed: outcome.seed,
            accuracy: outcome.accuracy.rows().to_vec(),
            tracked_contexts: from_1(outcome.accuracy.tracked()),
            evaluated_after: from_1(outcome.accuracy.evaluated_after()),
            anytime: outcome.anytime.clone(),
            plasticity: outcome.plasticity.clone(),
            accuracy_before: outcome.accuracy.before().unwrap_or_default().to_vec(),
            metrics,
            metrics_undefined,
            steps: steps(learner, member),
            train_seconds: outcome.train_seconds,
            members: learner.members(),
            threads: self.experiment.setup.threads,
            device: learner.device(),
            bytes_kept: kept::bytes(&self.experiment, learner),
            penalty_ratio: outcome.pulls.iter().map(|pull| pull.and_then(Pull::ratio)).collect(),
            generator_spread: Vec::new(),
            generator_shares: Vec::new(),
            macs: None,
            parameters: learner.model().layout.parameters(),
            conventions: conventions(
                variant.strategy(),
                learner.stream(member),
                &self.experiment.setup,
            ),
            config_hash: settings.hash(&self.experiment.dataset.checksum)?,
            settings,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }
}

/// Contexts, counted from 1.
fn from_1(contexts: Option<&[usize]>) -> Vec<usize> {
    contexts.unwrap_or_default().iter().map(|context| context + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Elsewhere;
    use crate::{Bench, Request, Strengths};
    use cl_tensor::{Cpu, Device, Lanes, Plan, Session};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Says that it takes more members than it has memory for.
    #[derive(Debug, Default)]
    struct Small {
        fitting: usize,
        /// Sessions that were refused.
        refused: AtomicUsize,
    }

    impl Device for Small {
        fn session(&self, seeds: &[u64]) -> Result<Box<dyn Session>, cl_tensor::Error> {
            if seeds.len() > self.fitting {
                self.refused.fetch_add(1, Ordering::Relaxed);
                let (what, bytes) = ("slot `theta`".to_owned(), 1 << 30);
                return Err(cl_tensor::Error::Memory { what, bytes });
            }
            Cpu { threads: 1 }.session(seeds)
        }

        fn describe(&self) -> String {
            "cpu".to_owned()
        }

        fn lanes(&self, _: &[&Plan]) -> Result<Lanes, cl_tensor::Error> {
            Ok(Lanes { most: 7, usual: 6 })
        }
    }

    fn bench() -> Bench {
        let request = Request {
            strategy: Some("none".to_owned()),
            scenario: Some("task".to_owned()),
            hidden: Some("8".to_owned()),
            contexts: Some(2),
            steps: Some(3),
            seeds: Some(8),
            threads: Some(1),
            ..Request::default()
        };
        Bench::new(&request, &Strengths::built_in().unwrap()).unwrap()
    }

    /// The members of each line's wave, and its accuracies.
    fn trained(lines: &[Line]) -> (Vec<usize>, Vec<Vec<Vec<f64>>>) {
        let members = lines.iter().map(|line| line.members).collect();
        (members, lines.iter().map(|line| line.accuracy.clone()).collect())
    }

    #[test]
    fn a_wave_that_does_not_fit_the_memory_is_halved_until_it_does() {
        let whole = trained(&bench().cells[0].run(&mut ()).unwrap().lines);
        assert_eq!(whole.0, [8; 8]);
        // Told 6 at once: 6 is refused, 3 is refused, 2 fits.
        for (fitting, waves, refused) in [
            (6, vec![6, 6, 6, 6, 6, 6, 2, 2], 0),
            (3, vec![3, 3, 3, 3, 3, 3, 2, 2], 1),
            (2, vec![2; 8], 2),
        ] {
            let mut bench = bench();
            let small = Arc::new(Small { fitting, ..Small::default() });
            bench.cells[0].experiment.setup.gpu = Some(Elsewhere(small.clone()));
            let (members, accuracies) = trained(&bench.cells[0].run(&mut ()).unwrap().lines);
            assert_eq!((members, small.refused.load(Ordering::Relaxed)), (waves, refused));
            assert_eq!(accuracies, whole.1);
        }
    }

    #[test]
    fn a_member_that_does_not_fit_alone_is_refused() {
        let mut bench = bench();
        bench.cells[0].experiment.setup.gpu = Some(Elsewhere(Arc::new(Small::default())));
        let error = bench.cells[0].run(&mut ()).unwrap_err();
        assert_eq!(error.to_string(), "slot `theta`: 1.1 GB of memory are not there");
    }

    #[test]
    fn what_is_asked_for_counts_up_to_what_the_limits_allow() {
        for (asked, lanes) in [(None, 6), (Some(1), 1), (Some(7), 7), (Some(8), 7)] {
            let mut bench = bench();
            let setup = &mut bench.cells[0].experiment.setup;
            (setup.gpu, setup.lanes) = (Some(Elsewhere(Arc::new(Small::default()))), asked);
            assert_eq!(bench.cells[0].lanes().unwrap(), lanes);
        }
    }
}
