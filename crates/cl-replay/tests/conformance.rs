//! The shared suite.

use cl_core::Mix;
use cl_core::conformance::{Facts, Subject};
use cl_replay::{
    Agem, Budget, Der, DerPlusPlus, Episodes, ErAce, ExperienceReplay, Gdumb, Gem, Mir,
    ReservoirReplay, Score, Store,
};
use cl_scenarios::Scenario;

const PER_CLASS: usize = 5;
const NO_NEUTRAL: &str = "a memory of nothing is refused, and any row that is replayed counts";

/// Task-incremental replay has to know the context of a row.
fn row_bytes(facts: &Facts<'_>) -> u64 {
    match facts.scenario {
        Scenario::Task => facts.row_size.with_context(facts.contexts as u32).bytes(),
        Scenario::Domain | Scenario::Class => facts.row_size.bytes(),
    }
}

#[test]
fn experience_replay_conforms() {
    Subject::new("er", || ExperienceReplay::per_class(PER_CLASS))
        .scenarios(Scenario::ALL)
        .no_neutral(NO_NEUTRAL)
        .refused(|| ExperienceReplay::per_class(0))
        .refused(|| ExperienceReplay { budget: Budget::Bytes(0), ..ExperienceReplay::default() })
        // Nothing is chosen when the last context ends.
        .kept(|facts| PER_CLASS as u64 * facts.classes * (facts.contexts - 1) * row_bytes(facts))
        .assert();
}

#[test]
fn replay_from_a_reservoir_conforms() {
    Subject::new("er-reservoir", || ReservoirReplay::per_class(PER_CLASS))
        .scenarios([Scenario::Class, Scenario::Task])
        .no_neutral(NO_NEUTRAL)
        .refused(|| ReservoirReplay::per_class(0))
        .refused(|| ReservoirReplay { budget: Budget::Bytes(0), mix: None })
        .refused(|| ReservoirReplay::total(0))
        // Filled in the first context, which shows more rows than fit.
        .kept(|facts| PER_CLASS as u64 * facts.classes * facts.contexts * row_bytes(facts))
        .assert();
}

#[test]
fn experience_replay_from_a_reservoir_with_weights_of_its_own_conforms() {
    let er = |mix| ExperienceReplay {
        budget: Budget::Rows(20),
        memory: Store::Reservoir,
        rows: Some(7),
        mix: Some(mix),
    };
    for mix in [Mix::ByRows, Mix::Sum, Mix::Fixed(0.25)] {
        Subject::new("er", move || er(mix))
            .scenarios([Scenario::Class, Scenario::Task])
            .no_neutral(NO_NEUTRAL)
            .refused(move || ExperienceReplay { rows: Some(0), ..er(mix) })
            .refused(move || er(Mix::Fixed(1.5)))
            .kept(|facts| 20 * row_bytes(facts))
            .assert();
    }
}

const OBJECTS: &str = "any memory may object to a step";

#[test]
fn a_gem_conforms() {
    let agem = |memory, rows| Agem {
        budget: Budget::PerClass(PER_CLASS),
        memory,
        rows,
        ..Agem::default()
    };
    let all = [
        (Episodes::Ring, Some(9), 3),
        (Episodes::Exemplars, None, 2),
        (Episodes::PerContext, Some(9), 2),
        (Episodes::Reservoir, None, 3),
    ];
    for (memory, rows, contexts) in all {
        // In eight steps of another stream some memory objects to nothing.
        Subject::new("agem", move || agem(memory, rows))
            .scenarios([Scenario::Class])
            .no_neutral(OBJECTS)
            .refused(move || Agem { eps: -1.0, ..agem(memory, rows) })
            .refused(move || Agem { rows: Some(0), ..agem(memory, rows) })
            .refused(move || Agem { budget: Budget::Rows(0), ..agem(memory, rows) })
            .kept(move |facts| PER_CLASS as u64 * facts.classes * contexts * row_bytes(facts))
            .assert();
    }
    Subject::new("agem", Agem::mammoth)
        .no_neutral(OBJECTS)
        .kept(|facts| facts.batch * (facts.contexts - 1) * row_bytes(facts))
        .assert();
}

#[test]
fn gem_conforms() {
    let gem = || Gem { budget: Budget::PerContext(12), ..Gem::default() };
    Subject::new("gem", gem)
        .scenarios(Scenario::ALL)
        .no_neutral(OBJECTS)
        .refused(move || Gem { margin: -0.1, ..gem() })
        .refused(move || Gem { ridge: f64::NAN, ..gem() })
        .refused(move || Gem { budget: Budget::PerContext(0), ..gem() })
        .kept(|facts| 12 * facts.contexts * row_bytes(facts))
        .assert();
}

/// A row, and 4 bytes for each logit.
fn with_logits(facts: &Facts<'_>) -> u64 {
    row_bytes(facts) + 4 * facts.outputs
}

#[test]
fn dark_experience_replay_conforms() {
    let der = |alpha| Der { budget: Budget::PerClass(PER_CLASS), alpha, ..Der::default() };
    let rows = |facts: &Facts<'_>| PER_CLASS as u64 * facts.classes * facts.contexts;
    Subject::new("der", move || der(0.5))
        .scenarios([Scenario::Class, Scenario::Task])
        .neutral(move || der(0.0))
        .refused(move || der(-1.0))
        .refused(move || Der { rows: Some(0), ..der(0.5) })
        .refused(move || Der { budget: Budget::Bytes(0), ..der(0.5) })
        .kept(move |facts| rows(facts) * with_logits(facts))
        .assert();
    let both = move |alpha, beta| DerPlusPlus { logits: der(alpha), beta };
    Subject::new("derpp", move || both(0.5, 0.5))
        .scenarios([Scenario::Class, Scenario::Domain])
        .neutral(move || both(0.0, 0.0))
        .refused(move || both(0.5, -1.0))
        .refused(move || both(f64::INFINITY, 1.0))
        .kept(move |facts| rows(facts) * with_logits(facts))
        .assert();
}

#[test]
fn er_ace_conforms() {
    let own = |ace: ErAce| ErAce { budget: Budget::PerClass(PER_CLASS), ..ace };
    for make in [ErAce::default, ErAce::avalanche, ErAce::mammoth] {
        let seen = move |facts: &Facts<'_>| match make().competitors {
            cl_replay::Competitors::Present => 0,
            _ => 4 * facts.outputs,
        };
        Subject::new("er-ace", move || own(make()))
            .scenarios(Scenario::ALL)
            .no_neutral(NO_NEUTRAL)
            .refused(move || ErAce { mix: Some(Mix::Fixed(-0.1)), ..own(make()) })
            .refused(move || ErAce { rows: Some(0), ..make() })
            .refused(move || ErAce { budget: Budget::PerClass(0), ..make() })
            .kept(move |facts| {
                let row = match (facts.scenario, make().memory) {
                    (Scenario::Domain, cl_replay::Balance::Classes) => {
                        facts.row_size.with_context(facts.contexts as u32).bytes()
                    }
                    _ => row_bytes(facts),
                };
                PER_CLASS as u64 * facts.classes * facts.contexts * row + seen(facts)
            })
            .assert();
    }
}

#[test]
fn maximally_interfered_retrieval_conforms() {
    let mir = |score| Mir {
        budget: Budget::PerClass(PER_CLASS),
        candidates: 12,
        chosen: 5,
        score,
        ..Mir::default()
    };
    let row = |facts: &Facts<'_>| facts.row_size.with_context(facts.contexts as u32).bytes();
    for (score, logits) in [(Score::Now, 0), (Score::Best, 4)] {
        Subject::new("mir", move || mir(score))
            .scenarios([Scenario::Class, Scenario::Task])
            .no_neutral("whatever is chosen counts")
            // The rows that are replayed depend on theta; they are taken as given.
            .no_gradient(
                "which rows are replayed depends on the parameters, by a choice of the largest",
            )
            .refused(move || Mir { chosen: 0, ..mir(score) })
            .refused(move || Mir { candidates: 4, ..mir(score) })
            .refused(move || Mir { virtual_lr: -1.0, ..mir(score) })
            .refused(move || Mir { budget: Budget::Rows(0), ..mir(score) })
            .kept(move |facts| {
                let rows = PER_CLASS as u64 * facts.classes * facts.contexts;
                rows * (row(facts) + logits * facts.outputs)
            })
            .assert();
    }
}

#[test]
fn gdumb_conforms() {
    let gdumb = || Gdumb { budget: Budget::PerClass(PER_CLASS), passes: 4, ..Gdumb::default() };
    let row = |facts: &Facts<'_>| match facts.scenario {
        Scenario::Class => facts.row_size.bytes(),
        Scenario::Task | Scenario::Domain => {
            facts.row_size.with_context(facts.contexts as u32).bytes()
        }
    };
    Subject::new("gdumb", gdumb)
        .scenarios(Scenario::ALL)
        .no_neutral("what is trained is another network")
        .refused(move || Gdumb { passes: 0, ..gdumb() })
        .refused(move || Gdumb { rows: 0, ..gdumb() })
        .refused(move || Gdumb { lr: 0.0, ..gdumb() })
        .refused(move || Gdumb { floor: 1.5, ..gdumb() })
        .refused(move || Gdumb { clip: 0.0, ..gdumb() })
        .refused(move || Gdumb { budget: Budget::Rows(0), ..gdumb() })
        .kept(move |facts| PER_CLASS as u64 * facts.classes * facts.contexts * row(facts))
        .assert();
}
