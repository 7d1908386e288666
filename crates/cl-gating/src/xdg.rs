//! Context-dependent gating.

use cl_core::{Error, Gate, GateSite, Needs, Parts, Strategy};
use cl_nn::Point;
use cl_random::{Address, Purpose};
use cl_tensor::{Init, Var};

/// Context-dependent gating, XdG: in every context another random part of each hidden layer is off.
///
/// h ← m(t) ⊙ h, where m(t) of `{0, 1}^units` has exactly ⌊p · units⌋ zeros (Masse, Grant &
/// Freedman 2018, "Alleviating catastrophic forgetting using context-dependent gating and synaptic
/// stabilization", PNAS 115, Methods; arXiv 1802.01569). The gated units of every context t and hidden layer are drawn
/// without replacement before training and stay; each row passes through the gates of its own
/// context, so the context must be known in training and at test. The output layer is not gated.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `p` | 0.8 | `[0, 1)` | fraction of each hidden layer that is off |
/// | `point` | after the non-linearity | | where the gate multiplies |
///
/// Conventions: the paper gates the layer's output. van de Ven, Tuytelaars & Tolias 2022 gate before
/// the bias, h = relu(m ⊙ (x W) + b): a gated unit still puts out relu(b) ([`Xdg::vdv`], p = 0.9 for
/// split MNIST). [`Point::PreActivation`], relu(m ⊙ (x W + b)), gives the numbers of the paper's
/// form. At p = 0 every gate is open: `none`, bit for bit.
///
/// Slots: `p`, and for every hidden layer l = 1, 2, .. the kept `threshold{l}`, `[contexts, units]`.
/// A unit is gated where its threshold ≤ p; thresholds of a context are 1/units, 2/units, .., 1 in
/// random order. So p is swept as any hyper-parameter, a larger p gates the same units and more,
/// and for p < 1 a unit is left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Xdg {
    /// Fraction of each hidden layer that is off.
    pub p: f32,
    /// Where the gate multiplies.
    pub point: Point,
}

impl Xdg {
    /// The paper's form with this fraction.
    #[must_use]
    pub fn new(p: f32) -> Self {
        Self { p, point: Point::PostActivation }
    }

    /// The form of van de Ven et al. 2022: before the bias.
    #[must_use]
    pub fn vdv(p: f32) -> Self {
        Self { p, point: Point::PreBias }
    }
}

impl Default for Xdg {
    fn default() -> Self {
        Self::new(0.8)
    }
}

/// The thresholds of one hidden layer, `[contexts, units]`.
///
/// k/units is rounded as a literal p is, so comparing the two counts exactly ⌊p · units⌋.
fn thresholds(layer: usize, contexts: usize, units: usize) -> Init {
    Init::seeded(move |seed, slot| {
        let mut order: Vec<usize> = Vec::with_capacity(units);
        for (context, of_context) in slot.chunks_exact_mut(units).take(contexts).enumerate() {
            order.clear();
            order.extend(0..units);
            let address = Address::new(seed, Purpose::GATE);
            address.context(context as u32).ordinal(layer as u32).rng().shuffle(&mut order);
            for (rank, &unit) in order.iter().enumerate() {
                of_context[unit] = (rank + 1) as f32 / units as f32;
            }
        }
    })
}

impl Gate for Xdg {
    fn apply<'g>(&self, at: &GateSite<'_, 'g>, h: Var<'g>) -> Var<'g> {
        let site = at.site;
        if site.point != self.point {
            return h;
        }
        let p = at.scope.hyper("p", self.p);
        let threshold = at.scope.kept(
            &format!("threshold{}", site.layer + 1),
            &[at.contexts, site.units],
            thresholds(site.layer, at.contexts, site.units),
        );
        h * threshold.gather(at.context).greater(p)
    }
}

impl Strategy for Xdg {
    fn name(&self) -> String {
        "xdg".to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.gate(self);
    }

    fn needs(&self) -> Needs {
        Needs { task_id_in_training: true, task_id_at_test: true, ..Needs::default() }
    }

    fn describe(&self) -> Vec<(String, String)> {
        let point = match self.point {
            Point::PreBias => "before the bias (van de Ven et al. 2022)",
            Point::PreActivation => "before the non-linearity",
            Point::PostActivation => "after the non-linearity (Masse et al. 2018)",
        };
        vec![("xdg.p".to_owned(), self.p.to_string()), ("xdg.gate".to_owned(), point.to_owned())]
    }

    fn check(&self) -> Result<(), Error> {
        if (0.0..1.0).contains(&self.p) {
            return Ok(());
        }
        let (name, value) = ("p", f64::from(self.p));
        Err(Error::HyperParameter {
            strategy: "xdg",
            name,
            value,
            expected: "a fraction in [0, 1)",
        })
    }
}
