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

impl<'g> RecordedRows<'g> {
    /// Rows that all count the same, 1/rows each, with every output active.
    #[track_caller]
    #[must_use]
    pub fn alike(x: Var<'g>, targets: Targets<'g>, context: Var<'g>) -> Self {
        let rows = context.len();
        let weight = x.graph().full(&[rows], 1.0 / rows as f32);
        Self { x, targets, weight, context, active: None }
    }
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
    /// What a teacher says: softmax(logits / T) over the active outputs, at the temperature T.
    #[track_caller]
    #[must_use]
    pub fn softened(logits: Var<'g>, active: Option<Var<'g>>, temperature: Var<'g>) -> Self {
        let logits = active.map_or(logits, |active| losses::mask_inactive(logits, active));
        Self::Soft { probabilities: (logits / temperature).softmax(), temperature }
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use cl_tensor::{CpuSession, Graph, Init, Plan, Session};

    const LOGITS: [[f64; 3]; 2] = [[1.0, 2.0, 0.5], [0.2, -1.0, 3.0]];
    const ACTIVE: [[f64; 3]; 2] = [[1.0, 1.0, 0.0], [1.0, 0.0, 1.0]];
    const ALL: [[f64; 3]; 2] = [[1.0; 3]; 2];

    /// −Σ_c p_c log softmax(z / T)_c over the active c.
    fn slow(z: [f64; 3], p: [f64; 3], temperature: f64, active: [f64; 3]) -> f64 {
        let total: f64 = (0..3).map(|c| active[c] * (z[c] / temperature).exp()).sum();
        let loss = |c: usize| active[c] * p[c] * (total.ln() - z[c] / temperature);
        (0..3).map(loss).sum()
    }

    fn one_hot(unit: usize) -> [f64; 3] {
        std::array::from_fn(|c| f64::from(u8::from(c == unit)))
    }

    fn matrix<'g>(graph: &'g Graph, name: &str, values: [[f64; 3]; 2]) -> Var<'g> {
        let values: Vec<f32> = values.as_flattened().iter().map(|&x| x as f32).collect();
        graph.slot(name, &[2, 3], Init::Values(values.into()))
    }

    fn row<'g>(graph: &'g Graph, name: &str, values: [f32; 2]) -> Var<'g> {
        graph.slot(name, &[2], Init::Values(values.as_slice().into()))
    }

    fn units<'g>(graph: &'g Graph, name: &str, units: [u32; 2]) -> Targets<'g> {
        Targets::Units(graph.slot_u32(name, &[2], Init::Indices(units.as_slice().into())))
    }

    fn soft<'g>(graph: &'g Graph, probabilities: [[f64; 3]; 2], temperature: f32) -> Targets<'g> {
        Targets::Soft {
            probabilities: matrix(graph, "probabilities", probabilities),
            temperature: graph.constant(temperature),
        }
    }

    /// What a formula of targets gives.
    fn value(record: impl for<'g> Fn(&'g Graph) -> Var<'g>) -> Vec<f32> {
        let graph = Graph::new();
        let value = record(&graph);
        graph.slot("value", &value.shape(), Init::Zeros);
        graph.assign("value", value);
        let mut session = CpuSession::new(&[0], 1).unwrap();
        let plan = session.load(Plan::compile(&graph).unwrap()).unwrap();
        session.run_once(plan).unwrap();
        session.read("value", 0).unwrap()
    }

    /// The losses of LOGITS.
    fn losses(
        active: Option<[[f64; 3]; 2]>,
        targets: impl for<'g> Fn(&'g Graph) -> Targets<'g>,
    ) -> Vec<f32> {
        value(|graph| {
            let active = active.map(|active| matrix(graph, "active", active));
            targets(graph).cross_entropy(matrix(graph, "logits", LOGITS), active)
        })
    }

    fn close(found: &[f32], expected: [f64; 2]) {
        assert_eq!(found.len(), 2);
        for (found, expected) in found.iter().zip(expected) {
            assert!((f64::from(*found) - expected).abs() < 1e-5, "{found}, expected {expected}");
        }
    }

    #[test]
    fn against_one_unit_it_is_minus_the_log_of_its_softmax_over_the_active_outputs() {
        let expected = |active: [[f64; 3]; 2]| {
            [0, 1].map(|row| slow(LOGITS[row], one_hot([1, 0][row]), 1.0, active[row]))
        };
        close(&losses(None, |g| units(g, "y", [1, 0])), expected(ALL));
        let masked = losses(Some(ACTIVE), |g| units(g, "y", [1, 0]));
        close(&masked, expected(ACTIVE));
        // log(1 + e^(1 - 2)) and log(1 + e^(3 - 0.2)).
        close(&masked, [0.313_261_7, 2.859_030_8]);
    }

    #[test]
    fn against_probabilities_it_is_their_cross_entropy_at_the_temperature() {
        let p = [[0.25, 0.75, 0.0], [0.5, 0.0, 0.5]];
        for (active, mask) in [(None, ALL), (Some(ACTIVE), ACTIVE)] {
            let expected = [0, 1].map(|row| slow(LOGITS[row], p[row], 2.0, mask[row]));
            close(&losses(active, |g| soft(g, p, 2.0)), expected);
        }
        // At T = 1 the probabilities of one unit are that unit.
        let one = [one_hot(1), one_hot(0)];
        let as_units = losses(Some(ACTIVE), |g| units(g, "y", [1, 0]));
        close(&losses(Some(ACTIVE), |g| soft(g, one, 1.0)), [0, 1].map(|i| as_units[i].into()));
    }

    /// d/dz of the loss is (softmax(z / T) − p) / T.
    #[test]
    fn the_gradient_of_soft_targets_is_the_difference_of_probabilities_over_the_temperature() {
        let p = [[0.25, 0.75, 0.0], [0.5, 0.0, 0.5]];
        let found = value(|graph| {
            let logits = matrix(graph, "logits", LOGITS);
            let loss = soft(graph, p, 2.0).cross_entropy(logits, None);
            graph.grad(loss.sum(), logits)
        });
        for (row, found) in found.chunks(3).enumerate() {
            let exp = LOGITS[row].map(|z| (z / 2.0).exp());
            let total: f64 = exp.iter().sum();
            for (c, &found) in found.iter().enumerate() {
                let expected = (exp[c] / total - p[row][c]) / 2.0;
                assert!((f64::from(found) - expected).abs() < 1e-6, "{found}, {expected}");
            }
        }
    }

    #[test]
    fn what_a_teacher_says_is_its_softmax_at_the_temperature_over_the_active_outputs() {
        for (active, mask) in [(None, ALL), (Some(ACTIVE), ACTIVE)] {
            let found = value(|graph| {
                let active = active.map(|active| matrix(graph, "active", active));
                let logits = matrix(graph, "logits", LOGITS);
                let teacher = Targets::softened(logits, active, graph.constant(2.0));
                teacher.cross_entropy(logits, active)
            });
            let expected = [0, 1].map(|row| {
                let exp: [f64; 3] =
                    std::array::from_fn(|c| mask[row][c] * (LOGITS[row][c] / 2.0).exp());
                let p = exp.map(|e| e / exp.iter().sum::<f64>());
                slow(LOGITS[row], p, 2.0, mask[row])
            });
            close(&found, expected);
        }
    }

    /// The first head labels units among the outputs 0 and 1, the second is soft over those that are
    /// active anyway.
    fn two_heads(graph: &Graph) -> Targets<'_> {
        let first = Head {
            targets: units(graph, "y", [1, 0]),
            weight: row(graph, "first", [0.5, 2.0]),
            active: Some(matrix(graph, "own", [[1.0, 1.0, 0.0]; 2])),
        };
        let second = Head {
            targets: soft(graph, [[0.5, 0.5, 0.0], [0.25, 0.0, 0.75]], 2.0),
            weight: row(graph, "second", [3.0, 0.0]),
            active: None,
        };
        Targets::Heads(vec![first, second])
    }

    #[test]
    fn several_heads_add_up_by_their_weights_each_over_its_own_outputs() {
        for (active, mask) in [(None, ALL), (Some(ACTIVE), ACTIVE)] {
            let own = [1.0, 1.0, 0.0];
            let expected = [
                0.5 * slow(LOGITS[0], one_hot(1), 1.0, own)
                    + 3.0 * slow(LOGITS[0], [0.5, 0.5, 0.0], 2.0, mask[0]),
                2.0 * slow(LOGITS[1], one_hot(0), 1.0, own),
            ];
            close(&losses(active, two_heads), expected);
        }
        close(&losses(None, |_| Targets::Heads(Vec::new())), [0.0, 0.0]);
    }

    #[test]
    fn the_right_unit_is_the_likeliest_and_of_several_heads_the_firsts() {
        let right = |targets: &dyn for<'g> Fn(&'g Graph) -> Targets<'g>| {
            value(|graph| targets(graph).units(matrix(graph, "logits", LOGITS)).to_float())
        };
        assert_eq!(right(&|g| units(g, "y", [2, 0])), [2.0, 0.0]);
        assert_eq!(right(&|g| soft(g, [[0.1, 0.2, 0.7], [0.1, 0.6, 0.3]], 2.0)), [2.0, 1.0]);
        assert_eq!(right(&two_heads), [1.0, 0.0]);
        assert_eq!(right(&|_| Targets::Heads(Vec::new())), [1.0, 2.0]);
    }
}
