//! Adam with moments per class, of which a step moves a few.

use crate::class_rows::ClassRows;
use cl_nn::Adam;
use cl_tensor::{Init, Scope, Var};

/// [`Adam`] for networks of one layout behind each other, a class each: those whose class has rows take a
/// step, the moments and the count of the others stay.
pub(crate) struct ClassAdam<'a, 'g> {
    pub scope: Scope<'g>,
    pub rows: &'a ClassRows<'g>,
}

impl<'g> ClassAdam<'_, 'g> {
    /// The steps of the lanes, `[lanes, parameters]`, for gradients of that shape.
    pub(crate) fn delta(&self, gradient: Var<'g>, rate: Var<'g>) -> Var<'g> {
        let Adam { beta1, beta2, eps, .. } = Adam::default();
        let m = self.moment("m", ("beta1", beta1), gradient);
        let v = self.moment("v", ("beta2", beta2), gradient.square());
        -rate * m / (v.sqrt() + self.scope.hyper("eps", eps as f32))
    }

    /// The moving average `name` of `value` since the class began, divided by the sum of its weights:
    /// m / (1 − βᵗ), both kept up as in [`Adam`].
    fn moment(&self, name: &str, decay: (&str, f64), value: Var<'g>) -> Var<'g> {
        let Self { scope, rows: ClassRows { class, outputs, .. } } = self;
        let (beta_name, beta) = decay;
        let complement = scope.hyper(&format!("one_minus_{beta_name}"), (1.0 - beta) as f32);
        let beta = scope.hyper(beta_name, beta as f32);
        let weight_name = format!("{name}_weight");
        let parameters = value.shape()[1];
        let old = scope.slot(name, &[outputs * parameters], Init::Zeros);
        let old_weight = scope.slot(&weight_name, &[*outputs], Init::Zeros);
        let own = |all: Var<'g>, width: usize| all.reshape(&[*outputs, width]).gather(*class);
        let average = beta * own(old, parameters) + complement * value;
        let weight = beta * own(old_weight, 1) + complement;
        scope.assign_rows(name, *class, average);
        scope.assign_rows(&weight_name, *class, weight);
        average / weight
    }
}
