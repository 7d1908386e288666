//! A generative classifier: one variational autoencoder per class.

use crate::class_adam::ClassAdam;
use crate::class_rows::ClassRows;
use crate::icarl::needs_new_classes;
use crate::normal::normal;
use crate::range::{expect, positive};
use crate::running::{of_known, outputs};
use cl_core::{
    Error, Length, Module, Parts, Phase, PhaseContext, Phases, Readout, Shown, Source, Step,
    Strategy, Trains,
};
use cl_nn::{Adam, Layout, Optimizer, ParamSpec, Reconstruction, Theta, Vae, losses};
use cl_random::{Address, Purpose};
use cl_tensor::{Init, Scope, Var};

/// A variational autoencoder per class; the class under which a row is likeliest wins.
///
/// argmax_c log p̂(x|c), log p̂(x|c) = log (1/S) Σ_s p(x|z_s, c) p(z_s) / q(z_s|x, c), z_s ~ q(z|x, c)
/// (van de Ven, Li & Tolias 2021, "Class-incremental learning with generative classifiers", arXiv
/// 2104.10093, section 4.1): [`Vae::log_likelihood`], in which p(x|z) = N(x; decoded z, I), though the
/// decoder is trained as a Bernoulli's. Each autoencoder learns from rows of its class alone, by (binary
/// cross-entropy + KL) / pixels ([`Vae`]) and an Adam of its own, so nothing is ever forgotten.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `hidden` | 85, 85 | each ≥ 1 | units of every encoder's layers, mirrored in the decoder; structure |
/// | `latent` | 5 | ≥ 1 | latent values; structure |
/// | `samples` | 50 | ≥ 1 | S, draws per class and row at test; structure |
/// | `lr` | 1e-3 | > 0 | learning rate of every Adam, slot `lr` |
///
/// Defaults are the paper's for MNIST, in the code of van de Ven, Tuytelaars & Tolias 2022: a run of
/// 2,000 steps of 128 rows per context of two classes is 1,000 steps of 128 rows of each class.
///
/// Steps: where contexts are told, a phase has the run's steps / classes of the context, at least one,
/// each of a batch of every class: the autoencoders do not see each other, so that they learn at once or
/// one after the other is the same. Where they are not, the rows of a class in the mini-batch are one
/// step of its autoencoder, and a class without rows stands still, its Adam too.
///
/// Cost: the network is neither trained nor asked. A step in told contexts costs a forward and a
/// backward pass of one autoencoder per row, however many classes there were. In a task-free stream the
/// autoencoder of each output looks at the whole mini-batch, in which the rows of others weigh nothing:
/// outputs × what the definition costs, the same at every step. A test row costs outputs × (1 encoding +
/// S decodings), as in the definition.
///
/// Conventions: the schedule of the run applies. The S draws of a class are made once, from the member's
/// seed, and all test rows share them, so that a row's score depends on nothing but the row; each
/// estimate is as good as with draws of its own. A class without a step scores −1e30. Rows that memories
/// of a composition add play no part. A class is an output: a domain-incremental stream, whose contexts
/// share theirs, is refused. Neutral setting: none.
///
/// Memory: the parameters of one autoencoder per output and the number of its steps, `vaes` and `steps`;
/// they are there from the start and do not grow. Besides: Adam's moments, as long as a class may
/// return, and `noise`, `[outputs, S, latent]`, which the seed makes again.
#[derive(Clone, Debug, PartialEq)]
pub struct GenerativeClassifier {
    /// Units of the encoders' layers.
    pub hidden: Vec<usize>,
    /// Latent values.
    pub latent: usize,
    /// Draws per class and row at test.
    pub samples: usize,
    /// Learning rate.
    pub lr: f32,
}

impl Default for GenerativeClassifier {
    fn default() -> Self {
        Self::new(&[85, 85], 5)
    }
}

const NAME: &str = "generative-classifier";
const VAES: &str = "vaes";
const STEPS: &str = "steps";
const NOISE: Purpose = Purpose::named("generative-classifier noise");

/// One of the autoencoders: its formulas and where its parameters lie in its stretch of `vaes`.
struct One {
    vae: Vae,
    layout: Layout,
}

impl One {
    fn theta<'g>(&self, flat: Var<'g>) -> Theta<'_, 'g> {
        Theta { flat, layout: &self.layout }
    }

    /// The mean over the rows of a class, which alone have weights; these sum to 1.
    fn loss<'g>(&self, theta: Var<'g>, [x, noise, weight]: [Var<'g>; 3]) -> Var<'g> {
        let entropy = Reconstruction::CrossEntropy;
        losses::weighted_sum(self.vae.loss(self.theta(theta), x, noise, entropy), weight)
    }
}

impl GenerativeClassifier {
    /// Of these sizes, with 50 draws and a learning rate of 1e-3.
    #[must_use]
    pub fn new(hidden: &[usize], latent: usize) -> Self {
        Self { hidden: hidden.to_vec(), latent, samples: 50, lr: 1e-3 }
    }

    fn vae(&self, inputs: usize) -> Vae {
        Vae { inputs, hidden: self.hidden.clone(), latent: self.latent }
    }

    fn one(&self, inputs: usize) -> Result<One, cl_nn::Error> {
        let vae = self.vae(inputs);
        Ok(One { layout: Layout::new(&vae.params())?, vae })
    }

    /// All parameters, `[outputs, those of one]`.
    fn all<'g>(&self, step: &Step<'_, 'g>, one: &One) -> Var<'g> {
        let Theta { layout, .. } = step.module(VAES);
        let flat = step.scope.kept(VAES, &[layout.len()], layout.init());
        flat.reshape(&[layout.len() / one.layout.len(), one.layout.len()])
    }

    /// Standard normal, one per row of the stream, `[rows, latent]`.
    fn latent<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        step.normal("latent", &[step.stream_rows().len(), self.latent])
    }

    /// Those of the draws at test, `[outputs, samples, latent]`.
    fn draws<'g>(&self, scope: &Scope<'g>, outputs: usize) -> Var<'g> {
        let init = Init::seeded(|seed, slot| normal(Address::new(seed, NOISE), slot));
        scope.slot("noise", &[outputs, self.samples, self.latent], init)
    }

    /// Gradients `[lanes, parameters]` and losses `[lanes]` of the classes of the batch.
    fn gradients<'g>(
        &self,
        step: &Step<'_, 'g>,
        one: &One,
        rows: &ClassRows<'g>,
        own: Var<'g>,
    ) -> [Var<'g>; 2] {
        let (graph, noise) = (step.graph(), self.latent(step));
        match rows.apart {
            Some([lanes, count]) => {
                let cut = |rows: Var<'g>| rows.reshape(&[lanes, count, rows.shape()[1]]);
                let each = [own, cut(rows.x), cut(noise), rows.weight];
                graph.inner(lanes, each, |inner, [theta, x, noise, weight]| {
                    let loss = one.loss(theta, [x, noise, weight]);
                    [inner.grad(loss, theta).stacked(), loss.stacked()]
                })
            }
            None => {
                let (lanes, x) = (rows.class.len(), rows.x);
                graph.inner(lanes, [own, rows.weight], |inner, [theta, weight]| {
                    let loss = one.loss(theta, [x, noise, weight]);
                    [inner.grad(loss, theta).stacked(), loss.stacked()]
                })
            }
        }
    }
}

impl Phases for GenerativeClassifier {
    fn phases(&self, context: PhaseContext) -> Vec<Phase> {
        let cycle = vec![Trains::Module(VAES)];
        let phase = Phase { cycle, ..Phase::stream("classes", context.steps) };
        if context.kind.is_task_free() {
            return vec![phase];
        }
        let steps = context.steps / context.classes.max(1) as u32;
        vec![Phase { rows: Source::StreamByClass, length: Length::Steps(steps.max(1)), ..phase }]
    }
}

impl Module for GenerativeClassifier {
    fn name(&self) -> &'static str {
        VAES
    }

    fn params(&self, inputs: usize, outputs: usize) -> Vec<ParamSpec> {
        let named = |class: usize| {
            let params = self.vae(inputs).params().into_iter();
            params.map(move |spec| ParamSpec { name: format!("{class}/{}", spec.name), ..spec })
        };
        (0..outputs).flat_map(named).collect()
    }

    fn optimizer(&self) -> Box<dyn Optimizer> {
        Box::new(Adam::new(f64::from(self.lr)))
    }

    /// The sum of the losses of the classes that have rows.
    fn loss<'g>(&self, step: &Step<'_, 'g>, theta: Theta<'_, 'g>) -> Var<'g> {
        let one = match self.one(step.x.shape()[1]) {
            Ok(one) => one,
            Err(error) => return step.graph().refuse(error.to_string()),
        };
        let (rows, noise) = (ClassRows::mixed(step), self.latent(step));
        let len = one.layout.len();
        let of_class = |class: usize| {
            let weight = rows.weight.slice(0, class..class + 1).reshape(&[rows.x.shape()[0]]);
            let theta = theta.flat.slice(0, class * len..(class + 1) * len);
            one.loss(theta, [rows.x, noise, weight])
        };
        let none = step.graph().constant(0.0);
        (0..outputs(step)).map(of_class).fold(none, |sum, loss| sum + loss)
    }

    fn train<'g>(&self, step: &Step<'_, 'g>, schedule: Var<'g>) -> Var<'g> {
        let one = match self.one(step.x.shape()[1]) {
            Ok(one) => one,
            Err(error) => return step.graph().refuse(error.to_string()),
        };
        let rows = ClassRows::of(step);
        let theta = self.all(step, &one).gather(rows.class);
        let [gradient, losses] = self.gradients(step, &one, &rows, theta);
        let rate = step.scope.hyper("lr", self.lr) * schedule;
        let adam = ClassAdam { scope: step.scope.inner(VAES).inner("optimizer"), rows: &rows };
        let delta = adam.delta(gradient, rate);
        step.scope.assign_rows(VAES, rows.class, theta + delta);
        let steps = step.scope.kept(STEPS, &[rows.outputs], Init::Zeros);
        let steps = steps.column().gather(rows.class) + 1.0;
        step.scope.assign_rows(STEPS, rows.class, steps);
        losses.sum()
    }
}

impl Readout for GenerativeClassifier {
    fn scores<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let one = match self.one(step.x.shape()[1]) {
            Ok(one) => one,
            Err(error) => return step.graph().refuse(error.to_string()),
        };
        let (x, classes) = (step.x, outputs(step));
        let each = [self.all(step, &one), self.draws(&step.scope, classes)];
        let [scores] = step.graph().inner(classes, each, |_, [theta, noise]| {
            let noise = noise.reshape(&[self.samples, 1, self.latent]);
            [one.vae.log_likelihood(one.theta(theta), x, noise).stacked()]
        });
        of_known(step.scope.kept(STEPS, &[classes], Init::Zeros), scores.t())
    }
}

impl Strategy for GenerativeClassifier {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.phases(self).module(self).readout(self);
    }

    fn check_needs(&self, shown: &Shown) -> Result<(), Error> {
        needs_new_classes(NAME, shown)
    }

    fn describe(&self) -> Vec<(String, String)> {
        let hidden: Vec<String> = self.hidden.iter().map(ToString::to_string).collect();
        let vae = format!("{}-z{}, mirrored, ReLU", hidden.join("-"), self.latent);
        let steps = "the run's / classes of a context, a batch of each class; without boundaries one \
                     of each class that has rows in the mini-batch";
        [
            ("vae", format!("per class, hidden {vae}; binary cross-entropy, mean over pixels")),
            ("optimizer", format!("Adam {} per class", self.lr)),
            ("steps", steps.to_owned()),
            ("samples", format!("{} per class, the same for all rows", self.samples)),
            ("likelihood", "p(x|z) = N(decoded, I)".to_owned()),
        ]
        .map(|(name, value)| (format!("{NAME}.{name}"), value))
        .into()
    }

    fn check(&self) -> Result<(), Error> {
        let smallest = self.hidden.iter().copied().min().unwrap_or(1);
        for (name, size) in
            [("units", smallest), ("latent", self.latent), ("samples", self.samples)]
        {
            expect(size > 0, NAME, name, size as f64, "at least 1")?;
        }
        positive(NAME, "lr", self.lr)
    }
}
