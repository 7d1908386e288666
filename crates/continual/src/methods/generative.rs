//! Replay of generated rows: by name and number.

use super::PLAIN;
use crate::registry::{Entry, Family, Grid, Hyper, Numbers, Place, Values};
use cl_replay::{
    DecoderGates, Dgr, GanCritic, GanGenerator, Heads, Labels, ReplayThroughFeedback, VaeGenerator,
};

pub(crate) const DGR: Entry = Entry {
    name: "dgr",
    family: Family::Replay,
    about: "deep generative replay: a variational autoencoder makes rows, the frozen network labels them",
    source: "Shin et al. 2017; van de Ven, Tuytelaars & Tolias 2022",
    hypers: &[UNITS, LATENT, LR],
    build: |values| Box::new(dgr(values)),
    ..PLAIN
};

pub(crate) const DGR_DISTILL: Entry = Entry {
    name: "dgr-distill",
    about: "dgr with the frozen network's probabilities as labels",
    source: "van de Ven & Tolias 2018",
    hypers: &[UNITS, LATENT, LR, TEMPERATURE],
    build: |values| Box::new(dgr(values).distill(values.get(TEMPERATURE.name) as f32)),
    ..DGR
};

pub(crate) const DGR_GAN: Entry = Entry {
    name: "dgr-gan",
    about: "deep generative replay with a GAN, as published: a generator learns from a critic what to replay",
    source: "Shin et al. 2017; Gulrajani et al. 2017",
    hypers: &[GAN_UNITS, LATENT, GAN_LR, LAMBDA, CRITIC_STEPS],
    build: |values| Box::new(dgr_gan(values)),
    ..DGR
};

pub(crate) const RTF: Entry = Entry {
    name: "rtf",
    about: "replay through feedback: the network decodes its own features into the rows it replays",
    source: "van de Ven & Tolias 2018",
    hypers: &[LATENT, TEMPERATURE],
    build: |values| Box::new(feedback(ReplayThroughFeedback::rtf(values.under.scenario), values)),
    ..DGR
};

pub(crate) const BIR: Entry = Entry {
    name: "bir",
    about: "brain-inspired replay: rtf with a mode per class and gates in the decoder",
    source: "van de Ven, Siegelmann & Tolias 2020",
    hypers: &[LATENT, TEMPERATURE, GATED],
    build: |values| Box::new(bir(values)),
    ..RTF
};

const UNITS: Hyper = Hyper {
    name: "units",
    paper: 400.0,
    presets: &[],
    purpose: "units of both hidden layers of encoder and decoder (the protocol says how many)",
    range: "at least 1",
    numbers: Numbers::Whole,
    place: Place::Structure,
    grid: Grid::Fixed,
};

const LATENT: Hyper = Hyper {
    name: "latent",
    paper: 100.0,
    purpose: "latent values of the generator (the protocol says how many)",
    ..UNITS
};

const LR: Hyper = Hyper {
    name: "lr",
    paper: 1e-3,
    purpose: "learning rate of the generator's Adam (the protocol says which)",
    range: "above 0",
    numbers: Numbers::Real,
    ..UNITS
};

const GAN_UNITS: Hyper = Hyper {
    purpose: "units of both hidden layers of generator and critic (the protocol says how many)",
    ..UNITS
};

const GAN_LR: Hyper = Hyper {
    paper: 1e-4,
    purpose: "learning rate of the Adam of generator and critic (the protocol says which)",
    ..LR
};

const LAMBDA: Hyper = Hyper {
    name: "lambda",
    paper: 10.0,
    purpose: "weight of the critic's gradient penalty",
    range: "at least 0",
    ..TEMPERATURE
};

const CRITIC_STEPS: Hyper = Hyper {
    name: "critic_steps",
    paper: 5.0,
    purpose: "steps of the critic for each of the generator and of the network",
    ..UNITS
};

const TEMPERATURE: Hyper = Hyper {
    name: "temperature",
    paper: 2.0,
    purpose: "softens teacher and student alike",
    range: "above 0",
    numbers: Numbers::Real,
    place: Place::Slot,
    ..UNITS
};

const GATED: Hyper = Hyper {
    name: "gated",
    paper: 0.1,
    purpose: "fraction of each hidden layer of the decoder that is off for a class, domain-incremental for a context",
    range: "at least 0, below 1",
    grid: Grid::TenthsBelowOne,
    ..TEMPERATURE
};

fn feedback(own: ReplayThroughFeedback, values: &Values<'_>) -> ReplayThroughFeedback {
    let mut own = own;
    own.generator.latent = values.count(LATENT.name);
    ReplayThroughFeedback { labels: Labels::Soft(values.get(TEMPERATURE.name) as f32), ..own }
}

fn bir(values: &Values<'_>) -> ReplayThroughFeedback {
    let mut own = feedback(ReplayThroughFeedback::bir(values.under.scenario), values);
    let gated = values.get(GATED.name) as f32;
    own.generator.gates = own.generator.gates.map(|gates| DecoderGates { gated, ..gates });
    own
}

/// The only recipe there is: that of the code of van de Ven et al. 2022, under every preset.
fn dgr(values: &Values<'_>) -> Dgr {
    let units = values.count(UNITS.name);
    let generator = VaeGenerator::new(&[units, units], values.count(LATENT.name));
    let generator = VaeGenerator { lr: values.get(LR.name), ..generator };
    Dgr { generator, heads: Heads::of(values.under.scenario), ..Dgr::default() }
}

/// The published recipe under every preset; only the sizes are the protocol's.
fn dgr_gan(values: &Values<'_>) -> Dgr<GanGenerator> {
    let units = values.count(GAN_UNITS.name);
    let own = GanGenerator::new(&[units, units], values.count(LATENT.name));
    let own = own.lr(values.get(GAN_LR.name));
    let critic = GanCritic {
        lambda: values.get(LAMBDA.name) as f32,
        steps: values.count(CRITIC_STEPS.name) as u32,
        ..own.critic
    };
    Dgr::gan(GanGenerator { critic, ..own }, values.under.scenario)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_the_methods() {
        let generator = Dgr::default().generator;
        assert_eq!(generator.hidden, [UNITS.paper as usize; 2]);
        assert_eq!((generator.latent, generator.lr), (LATENT.paper as usize, LR.paper));
        let GanGenerator { hidden, latent, optimizer, critic } = GanGenerator::default();
        assert_eq!((hidden, latent), (vec![GAN_UNITS.paper as usize; 2], LATENT.paper as usize));
        assert_eq!((optimizer.lr, critic.optimizer.lr), (GAN_LR.paper, GAN_LR.paper));
        assert_eq!(
            (f64::from(critic.lambda), f64::from(critic.steps)),
            (LAMBDA.paper, CRITIC_STEPS.paper)
        );
    }
}
