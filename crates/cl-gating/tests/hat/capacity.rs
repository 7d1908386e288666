//! Too many contexts for the units there are.

use crate::frozen::learner;
use cl_core::{Error, Trial, run};
use cl_gating::Hat;
use cl_nn::{Adam, Mlp, Sgd};

/// Ends contexts whose gates of hidden layer 2 are open in this many of 4 units.
fn ended(hat: &Hat, open: usize, contexts: usize) -> Result<(), Error> {
    let network = Box::new(Mlp::new(&[6, 5, 4, 2]).unwrap());
    let mut trial = Trial::new(hat, network, &Sgd::new(0.1), (8, contexts), false)?;
    let row =
        |units: usize, open: usize| (0..units).map(move |u| if u < open { 1.0 } else { -1.0 });
    let table = |units, open| (0..contexts).flat_map(|_| row(units, open)).collect::<Vec<f32>>();
    trial.set_parameter("hat/embedding1", &table(5, 2))?;
    trial.set_parameter("hat/embedding2", &table(4, open))?;
    (0..contexts).try_for_each(|_| trial.boundary(&[]))
}

#[test]
fn a_layer_without_a_free_unit_is_told_with_context_and_layer() {
    let hat = Hat::default();
    assert!(ended(&hat, 3, 3).is_ok());
    assert_eq!(
        ended(&hat, 4, 3).unwrap_err().to_string(),
        "hat, seed 0: no capacity left after context 1 for 2 more: hidden layer 2 is used to 1.000 \
         (0.000 of 4 units are free, min_free = 0.5); more units or a larger lambda may help"
    );
    // Nobody needs room after the last context; 0 looks at nothing.
    assert!(ended(&hat, 4, 1).is_ok());
    assert!(ended(&Hat { min_free: 0.0, ..hat }, 4, 3).is_ok());
    let one_and_a_half = Hat { min_free: 1.5, ..hat };
    assert!(ended(&one_and_a_half, 2, 3).is_ok());
    assert!(ended(&one_and_a_half, 3, 3).is_err());
}

#[test]
fn a_run_ends_with_what_the_method_says() {
    // No layer has 24 free units once a context has ended.
    let hat = Hat { min_free: 24.0, ..Hat::default() };
    let mut learner = learner(&hat, Box::new(Adam::new(1e-2)));
    let error = run(&mut learner, &mut ()).unwrap_err();
    assert!(matches!(error, Error::Capacity { context: 1, to_come: 4, seed: 2, .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.starts_with("hat, seed 2: no capacity left after context 1 for 4 more: "),
        "{text}"
    );
    assert!(text.contains("hidden layer 1 is used to 0."), "{text}");
}
