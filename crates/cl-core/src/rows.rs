//! Rows of a step, as recorded.

use cl_nn::losses;
use cl_tensor::Var;

/// Recorded rows: examples, what is right for them, and how much each counts.
#[derive(Clone, Debug)]
pub struct RecordedRows<'g> {
    /// `[rows, inputs]`.
    pub x: Var<'g>,
    /// What is right.
    pub targets: Targets<'g>,
    /// Weight of each row in the task loss, `[rows]`; 0 for padding.
    pub weight: Var<'g>,
    /// The context of each row, u32 `[rows]`.
    pub context: Var<'g>,
    /// Which outputs compete for each row, `[rows, outputs]` of 0 and 1; `None`: all of them.
    pub active: Option<Var<'g>>,
}

/// What is right for each row.
#[derive(Clone, Debug)]
pub enum Targets<'g> {
    /// One output unit, u32 `[rows]`.
    Units(Var<'g>),
    /// Probabilities over outputs, `[rows, outputs]`, against the softmax at a temperature T (a
    /// scalar): −Σ_c p_c log softmax(logits / T)_c, without a factor T².
    Soft {
        /// `[rows, outputs]`, over the active ones.
        probabilities: Var<'g>,
        /// T.
        temperature: Var<'g>,
    },
    /// Several heads label the same rows, as when generated images stand for every past context: one
    /// forward pass serves them all.
    Heads(Vec<Head<'g>>),
}

/// One head's say about rows.
#[derive(Clone, Debug)]
pub struct Head<'g> {
    /// What this head calls right; not [`Targets::Heads`] again.
    pub targets: Targets<'g>,
    /// Its weight for each row, `[rows]`.
    pub weight: Var<'g>,
    /// Its outputs, `[1, outputs]` or `[rows, outputs]` of 0 and 1; `None`: all of them.
    pub active: Option<Var<'g>>,
}

impl<'g> Targets<'g> {
    /// Cross-entropy of each row against these targets over the active outputs, `[rows]`, in nats.
    #[track_caller]
    #[must_use]
    pub fn cross_entropy(&self, logits: Var<'g>, active: Option<Var<'g>>) -> Var<'g> {
        match self {
            Self::Units(target) => losses::cross_entropy(logits, *target, active),
            Self::Soft { probabilities, temperature } => {
                let logits = active.map_or(logits, |active| losses::mask_inactive(logits, active));
                -(*probabilities * (logits / *temperature).log_softmax()).sum_axis(1)
            }
            Self::Heads(heads) => {
                let rows = logits.shape().first().copied().unwrap_or(1);
                let zero = logits.graph().full(&[rows], 0.0);
                heads.iter().fold(zero, |sum, head| {
                    let active = head.active.or(active);
                    sum + head.weight * head.targets.cross_entropy(logits, active)
                })
            }
        }
    }

    /// The right output unit of each row, u32 `[rows]`: the likeliest where targets are soft, the
    /// first head's where there are several.
    #[track_caller]
    #[must_use]
    pub fn units(&self, logits: Var<'g>) -> Var<'g> {
        match self {
            Self::Units(target) => *target,
            Self::Soft { probabilities, .. } => probabilities.argmax(),
            Self::Heads(heads) => match heads.first() {
                Some(head) => head.targets.units(logits),
                None => logits.argmax(),
            },
        }
    }
}
