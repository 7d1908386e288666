//! Replay: by name and number.

use super::PLAIN;
use crate::Preset;
use crate::registry::{Entry, Family, Grid, Hyper, Numbers, Place, Values};
use cl_core::{Mix, Strategy};
use cl_replay::{
    Agem, Balance, Begins, Budget, Competitors, Constrains, Der, DerPlusPlus, Distance, Episodes,
    ErAce, ExperienceReplay, Gdumb, Gem, Mir, ReservoirReplay, Score,
};

pub(crate) const ER: Entry = Entry {
    name: "er",
    family: Family::Replay,
    about: "experience replay: exemplars of every class, chosen at the end of a context",
    source: "van de Ven, Tuytelaars & Tolias 2022",
    hypers: &[PER_CLASS, ROWS, MIX],
    task_free: &[("mix", Preset::Vdv, 4.0)],
    instead: "--preset vdv replays from a reservoir there, and so does strategy er-reservoir",
    build: er,
    ..PLAIN
};

pub(crate) const ER_RESERVOIR: Entry = Entry {
    name: "er-reservoir",
    family: Family::Replay,
    about: "experience replay: a uniform sample of all rows that passed; needs no boundaries",
    source: "Chaudhry et al. 2019",
    hypers: &[PER_CLASS, MIX],
    build: er_reservoir,
    ..PLAIN
};

pub(crate) const AGEM: Entry = Entry {
    name: "agem",
    about: "averaged gradient episodic memory: no step against the memory's gradient",
    source: "Chaudhry et al. 2019",
    hypers: &[PER_CLASS, AGEM_MEMORY, AGEM_ROWS, EPS, CONSTRAINS],
    task_free: &[("memory", Preset::Vdv, 4.0)],
    instead: "--set agem.memory=reservoir keeps rows there, and so does --preset vdv",
    build: |values| Box::new(agem(values)),
    ..ER
};

/// What the others have in common with `er`.
const OTHER: Entry = Entry { task_free: &[], instead: "", ..ER };

pub(crate) const GEM: Entry = Entry {
    name: "gem",
    about: "gradient episodic memory: the nearest step that no past context objects to",
    source: "Lopez-Paz & Ranzato 2017",
    hypers: &[PER_CLASS, MARGIN, RIDGE],
    build: |values| Box::new(gem(values)),
    ..OTHER
};

pub(crate) const DER: Entry = Entry {
    name: "der",
    about: "dark experience replay: rows of a reservoir are held to the logits they had",
    source: "Buzzega et al. 2020",
    hypers: &[PER_CLASS, ALPHA, DISTANCE],
    build: |values| Box::new(der(values)),
    ..OTHER
};

pub(crate) const DER_PLUS_PLUS: Entry = Entry {
    name: "derpp",
    about: "der++: dark experience replay, and the labels of another draw",
    source: "Buzzega et al. 2020, section 3.4",
    hypers: &[PER_CLASS, ALPHA, DISTANCE, BETA],
    build: |values| {
        let (logits, beta) = (der(values), values.get(BETA.name));
        Box::new(DerPlusPlus { logits, beta })
    },
    ..OTHER
};

pub(crate) const ER_ACE: Entry = Entry {
    name: "er-ace",
    about: "asymmetric cross-entropy: classes that are new compete among themselves",
    source: "Caccia et al. 2022",
    hypers: &[PER_CLASS, ACE_MEMORY, COMPETITORS, BEGINS, ACE_MIX],
    build: |values| Box::new(er_ace(values)),
    ..OTHER
};

pub(crate) const MIR: Entry = Entry {
    name: "mir",
    about: "maximally interfered retrieval: replays what the coming step would harm most",
    source: "Aljundi et al. 2019",
    hypers: &[PER_CLASS, CANDIDATES, CHOSEN, VIRTUAL_LR, SCORE],
    build: |values| Box::new(mir(values)),
    ..OTHER
};

pub(crate) const GDUMB: Entry = Entry {
    name: "gdumb",
    about: "greedy sampling; a new network is trained on the sample alone",
    source: "Prabhu, Torr & Dokania 2020",
    hypers: &[PER_CLASS, PASSES, GDUMB_ROWS, LR, FLOOR, CLIP],
    build: |values| Box::new(gdumb(values)),
    ..OTHER
};

const PER_CLASS: Hyper = Hyper {
    name: "per_class",
    paper: 100.0,
    presets: &[],
    purpose: "rows kept per class of each context (the protocol says how many)",
    range: "at least 1",
    numbers: Numbers::Whole,
    place: Place::Structure,
    grid: Grid::Rows,
};

const ROWS: Hyper = Hyper {
    name: "rows",
    paper: 0.0,
    presets: &[],
    purpose: "rows of the memory per step; 0: as many as the stream's",
    range: "at least 0",
    numbers: Numbers::Whole,
    place: Place::Structure,
    grid: Grid::Fixed,
};

/// Weights of stream and replay, in the order of the names.
const MIXES: [Option<Mix>; 5] =
    [None, Some(Mix::ByContext), Some(Mix::ByRows), Some(Mix::Sum), Some(Mix::Fixed(0.5))];

const MIX: Hyper = Hyper {
    name: "mix",
    purpose: "weights of stream and replay: the run's, 1/t, every row alike, both 1, or half each",
    range: "run, by-context, by-rows, sum or half",
    numbers: Numbers::Names(&["run", "by-context", "by-rows", "sum", "half"]),
    ..ROWS
};

const AGEM_ROWS: Hyper =
    Hyper { paper: 256.0, presets: &[(Preset::Vdv, 0.0), (Preset::Mammoth, 0.0)], ..ROWS };

/// The memories of A-GEM, in the order of the names.
const EPISODES: [Episodes; 5] = [
    Episodes::Ring,
    Episodes::Exemplars,
    Episodes::PerContext,
    Episodes::OneBatch,
    Episodes::Reservoir,
];

const AGEM_MEMORY: Hyper = Hyper {
    name: "memory",
    presets: &[(Preset::Vdv, 1.0), (Preset::Avalanche, 2.0), (Preset::Mammoth, 3.0)],
    purpose: "which rows stay; vdv without boundaries: a reservoir",
    range: "ring, exemplars, per-context, one-batch or reservoir",
    numbers: Numbers::Names(&["ring", "exemplars", "per-context", "one-batch", "reservoir"]),
    ..ROWS
};

const EPS: Hyper = Hyper {
    name: "eps",
    paper: 0.0,
    presets: &[(Preset::Vdv, 1e-7)],
    purpose: "added to the squared length of the memory's gradient",
    range: "at least 0",
    numbers: Numbers::Real,
    place: Place::Slot,
    grid: Grid::Fixed,
};

const CONSTRAINS: Hyper = Hyper {
    name: "constrains",
    presets: &[(Preset::Vdv, 1.0)],
    purpose: "which gradient is projected: the task's, or that with penalties",
    range: "task or total",
    numbers: Numbers::Names(&["task", "total"]),
    ..ROWS
};

const MARGIN: Hyper = Hyper {
    name: "margin",
    paper: 0.5,
    presets: &[],
    purpose: "least multiplier of every past gradient",
    ..EPS
};

const RIDGE: Hyper = Hyper {
    name: "ridge",
    paper: 1e-3,
    presets: &[],
    purpose: "added to the diagonal of the products of past gradients",
    ..EPS
};

const ALPHA: Hyper = Hyper {
    name: "alpha",
    paper: 0.1,
    presets: &[(Preset::Mammoth, 1.0)],
    purpose: "strength of the stored logits",
    grid: Grid::PowersOfTen { first: -3, last: 2 },
    ..EPS
};

const DISTANCE: Hyper = Hyper {
    name: "distance",
    presets: &[(Preset::Mammoth, 1.0)],
    purpose: "squared norm of the difference of logits, or its mean over outputs",
    range: "norm or mean",
    numbers: Numbers::Names(&["norm", "mean"]),
    ..ROWS
};

const BETA: Hyper =
    Hyper { name: "beta", paper: 0.5, presets: &[], purpose: "strength of the labels", ..EPS };

const ACE_MEMORY: Hyper = Hyper {
    name: "memory",
    presets: &[(Preset::Mammoth, 1.0)],
    purpose: "which rows stay: the oldest of the largest class goes, or a reservoir",
    range: "classes or reservoir",
    numbers: Numbers::Names(&["classes", "reservoir"]),
    ..ROWS
};

const COMPETITORS: Hyper = Hyper {
    name: "competitors",
    presets: &[(Preset::Avalanche, 1.0), (Preset::Mammoth, 2.0)],
    purpose: "classes that compete for current rows; until-the-last: with unseen ones until all came",
    range: "present-and-unseen, present or until-the-last",
    numbers: Numbers::Names(&["present-and-unseen", "present", "until-the-last"]),
    ..ROWS
};

const BEGINS: Hyper = Hyper {
    name: "begins",
    presets: &[(Preset::Mammoth, 1.0)],
    purpose: "when masks and replay begin",
    range: "at-once or second-context",
    numbers: Numbers::Names(&["at-once", "second-context"]),
    ..ROWS
};

/// Weights of stream and replay, in the order of the names.
const ACE_MIXES: [Option<Mix>; 3] = [Some(Mix::Sum), Some(Mix::Fixed(0.5)), None];

const ACE_MIX: Hyper = Hyper {
    name: "mix",
    presets: &[(Preset::Avalanche, 1.0)],
    purpose: "weights of stream and replay: both 1, half each, or the run's",
    range: "sum, half or run",
    numbers: Numbers::Names(&["sum", "half", "run"]),
    ..ROWS
};

const CANDIDATES: Hyper = Hyper {
    name: "candidates",
    paper: 50.0,
    presets: &[],
    purpose: "rows of the memory that are scored at every step",
    range: "at least as many as are chosen",
    ..ROWS
};

const CHOSEN: Hyper = Hyper {
    name: "chosen",
    paper: 10.0,
    presets: &[],
    purpose: "rows of the memory that are replayed",
    range: "at least 1",
    ..ROWS
};

const VIRTUAL_LR: Hyper = Hyper {
    name: "virtual_lr",
    paper: 0.1,
    presets: &[],
    purpose: "how far the virtual step goes along the gradient",
    ..EPS
};

const SCORE: Hyper = Hyper {
    name: "score",
    presets: &[],
    purpose: "what the loss after the virtual step is compared with: that before, or the best known",
    range: "now or best",
    numbers: Numbers::Names(&["now", "best"]),
    ..ROWS
};

const PASSES: Hyper = Hyper {
    name: "passes",
    paper: 128.0,
    presets: &[],
    purpose: "passes over the sample after every context",
    range: "at least 1",
    ..ROWS
};

const GDUMB_ROWS: Hyper =
    Hyper { paper: 16.0, purpose: "rows of a step on the sample", range: "at least 1", ..ROWS };

const LR: Hyper = Hyper {
    name: "lr",
    paper: 0.05,
    presets: &[],
    purpose: "learning rate on the sample, of SGD with momentum 0.9",
    range: "above 0",
    numbers: Numbers::Real,
    ..ROWS
};

const FLOOR: Hyper = Hyper {
    name: "floor",
    paper: 0.01,
    purpose: "what each cosine of the learning rate goes down to, a fraction of it",
    range: "from 0 to 1",
    ..LR
};

const CLIP: Hyper = Hyper {
    name: "clip",
    paper: 10.0,
    presets: &[],
    purpose: "largest length of a gradient on the sample",
    range: "above 0",
    ..EPS
};

fn per_class(values: &Values<'_>) -> Budget {
    Budget::PerClass(values.count(PER_CLASS.name))
}

/// Rows per step; 0 stands for those of the stream.
fn rows(values: &Values<'_>) -> Option<usize> {
    Some(values.count(ROWS.name)).filter(|&rows| rows > 0)
}

/// The choice of a name; the last where there is no such.
fn chosen<T: Copy>(values: &Values<'_>, hyper: &Hyper, from: &[T]) -> T {
    from[values.count(hyper.name).min(from.len() - 1)]
}

fn er(values: &Values<'_>) -> Box<dyn Strategy> {
    let own = match values.under.preset {
        Preset::Vdv if values.under.kind.is_task_free() => ExperienceReplay::vdv_task_free(),
        _ => ExperienceReplay::default(),
    };
    let mix = chosen(values, &MIX, &MIXES);
    let (budget, rows) = (per_class(values), rows(values));
    Box::new(ExperienceReplay { budget, rows, mix, ..own })
}

fn agem(values: &Values<'_>) -> Agem {
    let memory = chosen(values, &AGEM_MEMORY, &EPISODES);
    let constrains = chosen(values, &CONSTRAINS, &[Constrains::Task, Constrains::Total]);
    let (rows, eps) = (rows(values), values.get(EPS.name));
    Agem { budget: per_class(values), memory, rows, eps, constrains }
}

fn gem(values: &Values<'_>) -> Gem {
    let (margin, ridge) = (values.get(MARGIN.name), values.get(RIDGE.name));
    Gem { budget: per_class(values), margin, ridge }
}

fn der(values: &Values<'_>) -> Der {
    let distance = chosen(values, &DISTANCE, &[Distance::Norm, Distance::Mean]);
    let (budget, alpha) = (per_class(values), values.get(ALPHA.name));
    Der { budget, alpha, distance, ..Der::default() }
}

fn er_ace(values: &Values<'_>) -> ErAce {
    ErAce {
        budget: per_class(values),
        memory: chosen(values, &ACE_MEMORY, &[Balance::Classes, Balance::Reservoir]),
        rows: None,
        competitors: chosen(
            values,
            &COMPETITORS,
            &[Competitors::PresentAndUnseen, Competitors::Present, Competitors::UntilTheLast],
        ),
        begins: chosen(values, &BEGINS, &[Begins::AtOnce, Begins::SecondContext]),
        mix: chosen(values, &ACE_MIX, &ACE_MIXES),
    }
}

fn mir(values: &Values<'_>) -> Mir {
    Mir {
        budget: per_class(values),
        candidates: values.count(CANDIDATES.name),
        chosen: values.count(CHOSEN.name),
        virtual_lr: values.get(VIRTUAL_LR.name),
        score: chosen(values, &SCORE, &[Score::Now, Score::Best]),
        ..Mir::default()
    }
}

fn gdumb(values: &Values<'_>) -> Gdumb {
    Gdumb {
        budget: per_class(values),
        passes: values.count(PASSES.name) as u32,
        rows: values.count(GDUMB_ROWS.name),
        lr: values.get(LR.name),
        floor: values.get(FLOOR.name),
        clip: values.get(CLIP.name),
    }
}

fn er_reservoir(values: &Values<'_>) -> Box<dyn Strategy> {
    let mix = chosen(values, &MIX, &MIXES);
    Box::new(ReservoirReplay { budget: per_class(values), mix })
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::registry::{Composition, Under, find};
    use cl_scenarios::{Scenario, StreamKind};
    use std::collections::BTreeMap;

    /// What a preset gives, with the memory of the protocol.
    fn built<T>(name: &str, preset: Preset, kind: StreamKind, build: fn(&Values<'_>) -> T) -> T {
        let entry = find(name).unwrap();
        let under = Under { preset, scenario: Scenario::Class, kind, batch: 32 };
        let composition = Composition::of(entry);
        let default = |(name, hyper): (String, &Hyper)| {
            let value = composition.default(&name, hyper, under);
            (name, value)
        };
        let given: BTreeMap<String, f64> = composition.hypers().into_iter().map(default).collect();
        build(&Values { under, strategy: entry.name, given: &given })
    }

    #[test]
    fn defaults_and_presets_are_those_of_the_methods() {
        let budget = Budget::PerClass(PER_CLASS.paper as usize);
        assert_eq!(ExperienceReplay::default().budget, budget);
        assert_eq!(ReservoirReplay::default().budget, budget);
        let sharp = StreamKind::Sharp;
        let presets = [
            (Preset::Paper, Agem::default(), ErAce::default(), Der::default()),
            (Preset::Vdv, Agem::vdv(), ErAce::default(), Der::default()),
            (Preset::Avalanche, Agem::avalanche(), ErAce::avalanche(), Der::default()),
            (Preset::Mammoth, Agem::mammoth(), ErAce::mammoth(), Der::mammoth()),
        ];
        for (preset, own_agem, own_ace, own_der) in presets {
            assert_eq!(built("agem", preset, sharp, agem), Agem { budget, ..own_agem });
            assert_eq!(built("er-ace", preset, sharp, er_ace), ErAce { budget, ..own_ace });
            assert_eq!(built("der", preset, sharp, der), Der { budget, ..own_der });
            assert_eq!(built("derpp", preset, sharp, der), Der { budget, ..own_der });
            assert_eq!(built("gem", preset, sharp, gem), Gem { budget, ..Gem::default() });
            assert_eq!(built("mir", preset, sharp, mir), Mir { budget, ..Mir::default() });
            assert_eq!(built("gdumb", preset, sharp, gdumb), Gdumb { budget, ..Gdumb::default() });
        }
        assert_eq!(BETA.paper, DerPlusPlus::default().beta);
        assert_eq!(BETA.default(Preset::Mammoth), DerPlusPlus::mammoth().beta);
    }

    #[test]
    fn without_boundaries_the_preset_of_the_reference_is_a_reservoir_weighed_by_half() {
        let random = StreamKind::Random;
        let own = built("agem", Preset::Vdv, random, agem);
        assert_eq!(own, Agem { budget: own.budget, ..Agem::vdv_task_free() });
        let told: BTreeMap<String, String> =
            built("er", Preset::Vdv, random, er).describe().into_iter().collect();
        assert!(told["er.memory"].starts_with("reservoir"), "{told:?}");
        assert!(told["er.mix"].starts_with("fixed: 0.5"), "{told:?}");
        for preset in [Preset::Paper, Preset::Vdv] {
            let told: BTreeMap<String, String> =
                built("er", preset, StreamKind::Sharp, er).describe().into_iter().collect();
            assert!(told["er.memory"].starts_with("class-balanced"), "{told:?}");
        }
    }
}
