//! Dark experience replay with labels.

use crate::der::{Der, Distance, MEMORY};
use crate::range;
use cl_core::{Error, Parts, Penalty, Step, Strategy};
use cl_nn::losses::weighted_sum;
use cl_tensor::Var;

/// DER++, by the name `derpp` because `+` composes: [`Der`], and the cross-entropy of a second draw from the same memory.
///
/// L = CE(current rows) + α · D(z, z′) over one draw + β · CE over another (Buzzega et al. 2020, arXiv
/// 2004.07211, eq. 7).
///
/// | field | default | mammoth | range | what |
/// |---|---|---|---|---|
/// | `logits` | `alpha` 0.1 | `alpha` 1, mean | | budget, rows of each draw, α and D: as [`Der`] has them |
/// | `beta` | 0.5 | the same | ≥ 0 | β, a slot |
///
/// α and β are those of the authors' runs on sequential MNIST with 500 rows. The two draws are
/// independent: a row may be in both. The cross-entropy is the composition's criterion, as
/// [`Step::loss_of`] has it.
///
/// Slots: `alpha`, `beta`, scalars; `logits`, `[capacity, outputs]`, kept. Neutral setting: `alpha` =
/// `beta` = 0. Memory as [`Der`]. Beside those over the stream's rows a step takes one forward pass and one
/// gradient over both draws together: with draws as large as the batch as many products as three plain steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DerPlusPlus {
    /// Memory and distillation.
    pub logits: Der,
    /// β: strength of the labels.
    pub beta: f64,
}

const NAME: &str = "derpp";

impl DerPlusPlus {
    /// As in mammoth, by the authors: the mean over outputs, α = 1, β = 0.5.
    #[must_use]
    pub fn mammoth() -> Self {
        Self { logits: Der::mammoth(), ..Self::default() }
    }
}

impl Default for DerPlusPlus {
    fn default() -> Self {
        let logits = Der { alpha: 0.1, distance: Distance::Norm, ..Der::default() };
        Self { logits, beta: 0.5 }
    }
}

impl Penalty for DerPlusPlus {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let memory = step.rows(MEMORY);
        let rows = memory.weight.len();
        let distillation = self.logits.distillation(step, 0..rows / 2);
        let second = |value: Var<'g>| value.slice(0, rows / 2..rows);
        let labels = weighted_sum(second(memory.row_losses), second(memory.weight));
        distillation + step.scope.hyper("beta", self.beta as f32) * labels
    }
}

impl Strategy for DerPlusPlus {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self);
        parts.rehearse_apart(MEMORY, |member| Ok(Box::new(self.logits.memory(NAME, member, 2)?)));
    }

    fn describe(&self) -> Vec<(String, String)> {
        let beta = ("beta", format!("{}, of a draw of its own", self.beta));
        let told = self.logits.told().into_iter().chain([beta]);
        told.map(|(name, value)| (format!("{NAME}.{name}"), value)).collect()
    }

    fn check(&self) -> Result<(), Error> {
        self.logits.check_as(NAME)?;
        range::at_least_0(NAME, "beta", self.beta)
    }
}
