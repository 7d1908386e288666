//! Losses, one value per row, in nats; and how rows become one number.
//!
//! Each function takes a batch `[rows, classes]` and gives `[rows]`; [`weighted_mean`] or
//! [`weighted_sum`] makes a scalar of them. Active classes are a 0/1 mask, `[rows, classes]` or
//! `[1, classes]`, 1 where a class takes part.

use cl_tensor::Var;

/// What stands for "minus infinity": its exponential is 0 and, unlike −∞, 0 times it is 0.
const INACTIVE: f32 = -1e30;

/// The logits with those of inactive classes at −1e30, so that their softmax is 0 and no gradient
/// reaches them. `[rows, classes]` -> `[rows, classes]`.
#[track_caller]
#[must_use]
pub fn mask_inactive<'g>(logits: Var<'g>, active: Var<'g>) -> Var<'g> {
    let shape = logits.shape();
    active.expand(&shape).select(logits, logits.graph().full(&shape, INACTIVE))
}

/// −log softmax(logits)\[row, target\[row\]\] over the active classes.
///
/// `logits` `[rows, classes]`, `target` u32 `[rows]`. A target that is not active costs 1e30.
#[track_caller]
#[must_use]
pub fn cross_entropy<'g>(logits: Var<'g>, target: Var<'g>, active: Option<Var<'g>>) -> Var<'g> {
    active.map_or(logits, |active| mask_inactive(logits, active)).cross_entropy(target)
}

/// Σ over classes of max(x, 0) − x z + log(1 + e^−|x|) = −z log σ(x) − (1 − z) log σ(−x).
///
/// `logits` x and `targets` z in [0, 1], both `[rows, classes]`. The sum over classes, not the
/// mean that PyTorch's `binary_cross_entropy_with_logits` takes by default. This form does not
/// overflow for any x.
#[track_caller]
#[must_use]
pub fn binary_cross_entropy_with_logits<'g>(logits: Var<'g>, targets: Var<'g>) -> Var<'g> {
    // Maxima and not relu and abs: at x = 0 a maximum's derivative goes to its first operand, which
    // gives σ(0) − z; relu and abs would both give 0 there and the sum −z.
    let zero = logits.graph().constant(0.0);
    let magnitude = logits.maximum(-logits);
    let softplus = logits.maximum(zero) + ((-magnitude).exp() + 1.0).log();
    (softplus - logits * targets).sum_axis(1)
}

/// −Σ over classes of softmax(teacher / T) · log softmax(logits / T); Hinton, Vinyals & Dean 2015,
/// section 2.
///
/// `logits` and `teacher_logits` `[rows, classes]`, `temperature` T a positive scalar. There is no
/// factor T²: multiply by it to keep gradients at the size they have at T = 1. No gradient goes to
/// the teacher. `active` restricts both; where the teacher knows fewer classes, restrict each with
/// [`mask_inactive`] instead: the teacher's probability of the others is then 0.
#[track_caller]
#[must_use]
pub fn distillation<'g>(
    logits: Var<'g>,
    teacher_logits: Var<'g>,
    temperature: Var<'g>,
    active: Option<Var<'g>>,
) -> Var<'g> {
    let restrict = |x: Var<'g>| active.map_or(x, |active| mask_inactive(x, active));
    let teacher = (restrict(teacher_logits).detach() / temperature).softmax();
    -(teacher * (restrict(logits) / temperature).log_softmax()).sum_axis(1)
}

/// Mean over columns of (a − b)²: `[rows, columns]`, `[rows, columns]` -> `[rows]`.
#[track_caller]
#[must_use]
pub fn mse<'g>(a: Var<'g>, b: Var<'g>) -> Var<'g> {
    (a - b).square().mean_axis(1)
}

/// Σ w r over rows: a scalar. `rows` and `weights` are `[rows]`.
#[track_caller]
#[must_use]
pub fn weighted_sum<'g>(rows: Var<'g>, weights: Var<'g>) -> Var<'g> {
    (rows * weights).sum()
}

/// Σ w r / Σ w over rows, and 0 where Σ w = 0: a scalar. `rows` and `weights` are `[rows]`.
///
/// Rows of weight 0 must be finite.
#[track_caller]
#[must_use]
pub fn weighted_mean<'g>(rows: Var<'g>, weights: Var<'g>) -> Var<'g> {
    let graph = rows.graph();
    let total = weights.sum();
    // Guarded twice: the derivative of a quotient that is not chosen must be finite, too.
    let divisor = total.select(total, graph.constant(1.0));
    total.select(weighted_sum(rows, weights) / divisor, graph.constant(0.0))
}
