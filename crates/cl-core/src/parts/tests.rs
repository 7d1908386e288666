//! Which parts go together, and the names they go by.

use super::*;
use crate::record;
use crate::rows::RecordedRows;
use crate::step::Step;
use crate::strategy::Naive;
use crate::{Error, Member, Rehearse, Strategy};
use cl_nn::Network;
use cl_tensor::Var;

type HandOver = for<'s> fn(&'s Plays, &mut Parts<'s>);

/// A strategy of a name that hands over what it is told to.
struct Plays {
    name: &'static str,
    hand_over: HandOver,
}

impl Plays {
    fn new(name: &'static str, hand_over: HandOver) -> Self {
        Self { name, hand_over }
    }
}

impl Strategy for Plays {
    fn name(&self) -> String {
        self.name.to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        (self.hand_over)(self, parts);
    }
}

impl Criterion for Plays {
    fn rows<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        step.cross_entropy(step.target)
    }
}

impl Readout for Plays {
    fn scores<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        step.forward.logits
    }
}

impl Backbone for Plays {
    fn network(&self, _: Around<'_>) -> Result<Box<dyn Network>, Error> {
        Err(Error::Misfit("no network".to_owned()))
    }
}

impl Phases for Plays {
    fn phases(&self, _: PhaseContext) -> Vec<Phase> {
        Vec::new()
    }
}

impl Gate for Plays {}

impl WeightView for Plays {
    fn view<'g>(&self, _: &ViewSite<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        theta
    }
}

impl Generate for Plays {
    fn rows<'g>(&self, step: &Step<'_, 'g>) -> RecordedRows<'g> {
        let (x, targets) = (step.x, step.targets.clone());
        let (weight, context, active) = (step.weight, step.context, step.active);
        RecordedRows { x, targets, weight, context, active }
    }
}

fn nothing(_: &Member<'_>) -> Result<Box<dyn Rehearse>, Error> {
    Err(Error::Misfit("no memory".to_owned()))
}

fn refused(strategy: &dyn Strategy) -> String {
    Parts::of(strategy).check().unwrap_err().to_string()
}

#[test]
fn of_what_there_is_one_two_owners_are_refused_with_both_names() {
    let owned: [(&str, HandOver); 5] = [
        ("the criterion", |it, parts| {
            parts.criterion(it);
        }),
        ("the read-out", |it, parts| {
            parts.readout(it);
        }),
        ("the network", |it, parts| {
            parts.backbone(it);
        }),
        ("the phases", |it, parts| {
            parts.phases(it);
        }),
        ("the boundaries", |_, parts| {
            parts.detect(|_| Err(Error::Misfit("no detector".to_owned())));
        }),
    ];
    for (part, hand_over) in owned {
        let (icarl, er_ace) = (Plays::new("icarl", hand_over), Plays::new("er-ace", hand_over));
        assert!(Parts::of(&icarl).check().is_ok(), "{part}");
        let reason = format!("cannot be composed: both own {part}, of which there is one");
        assert_eq!(refused(&(icarl, Naive, er_ace)), format!("icarl and er-ace {reason}"));
        let twice = [(); 2].map(|()| Box::new(Plays::new("icarl", hand_over)) as Box<dyn Strategy>);
        assert_eq!(refused(&Vec::from(twice)), format!("icarl and icarl#2 {reason}"));
    }
}

#[test]
fn of_several_conflicts_the_first_is_told() {
    let first = Plays::new("first", |it, parts| {
        parts.readout(it).criterion(it);
    });
    let second = Plays::new("second", |it, parts| {
        parts.criterion(it);
    });
    let third = Plays::new("third", |it, parts| {
        parts.readout(it);
    });
    let error = refused(&(first, second, third));
    assert!(error.starts_with("first and second ") && error.contains("the criterion"), "{error}");
}

#[test]
fn weights_viewed_per_context_are_refused_beside_rows_of_other_contexts() {
    let view = || {
        Plays::new("packnet", |it, parts| {
            parts.weight_view(it);
        })
    };
    let rows: [(&str, HandOver); 3] = [
        ("er", |_, parts| {
            parts.rehearse(nothing);
        }),
        ("er/memory", |_, parts| {
            parts.rehearse_apart("memory", nothing);
        }),
        ("er", |it, parts| {
            parts.generate(it);
        }),
    ];
    for (name, hand_over) in rows {
        let expected = format!(
            "packnet and {name} cannot be composed: one views the weights per context, the other \
             brings rows of other contexts into the batch"
        );
        assert_eq!(refused(&(view(), Plays::new("er", hand_over))), expected);
        assert_eq!(refused(&(Plays::new("er", hand_over), view())), expected);
    }
    let gate = Plays::new("xdg", |it, parts| {
        parts.gate(it);
    });
    assert!(Parts::of(&(view(), gate, view())).check().is_ok());
}

#[test]
fn a_second_rehearsal_of_a_name_is_numbered() {
    let er = || {
        Plays::new("er", |_, parts| {
            parts.rehearse(nothing).rehearse(nothing);
        })
    };
    let agem = Plays::new("agem", |_, parts| {
        parts.rehearse_apart("memory", nothing).rehearse_apart("anchors", nothing);
        parts.rehearse_apart("memory", nothing).rehearse_apart("memory", nothing);
    });
    let composed = (er(), agem, er());
    let parts = Parts::of(&composed);
    let found: Vec<(&str, &str, Joins)> =
        parts.rehearsals.iter().map(|(name, it)| (&**name, &*it.scope, it.joins)).collect();
    let expected = [
        ("er", "er", Joins::Batch),
        ("er/2", "er", Joins::Batch),
        ("agem/memory", "agem", Joins::Apart),
        ("agem/anchors", "agem", Joins::Apart),
        ("agem/memory/2", "agem", Joins::Apart),
        ("agem/memory/3", "agem", Joins::Apart),
        ("er#2", "er#2", Joins::Batch),
        ("er#2/2", "er#2", Joins::Batch),
    ];
    assert_eq!(found, expected);
    // No two are fed under one name.
    let mut inputs: Vec<String> = found.iter().map(|it| record::input("cells", it.0)).collect();
    inputs.sort_unstable();
    inputs.dedup();
    assert_eq!(inputs.len(), expected.len());
}

#[test]
fn parts_bear_the_name_of_the_strategy_that_handed_them_over() {
    struct Outer(Plays, Plays);
    impl Strategy for Outer {
        fn name(&self) -> String {
            "lxdg".to_owned()
        }
        fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
            parts.gate(&self.0).strategy(&self.1);
            parts.weight_view(&self.0);
        }
    }
    let gate = || {
        Plays::new("xdg", |it, parts| {
            parts.gate(it);
        })
    };
    let composed = (gate(), Outer(gate(), gate()), (Naive, gate()));
    let parts = Parts::of(&composed);
    let names: Vec<&str> = parts.gates.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["xdg", "lxdg", "xdg#2", "xdg#3"]);
    assert_eq!(parts.views[0].0, "lxdg");
}
