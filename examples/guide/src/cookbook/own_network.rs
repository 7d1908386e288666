//! How do I train a network of my own?
//!
//! Widths, dropout and initial values need none: `Experiment::hidden`, `dropout`, `init`. Otherwise a network is a
//! list of parameters and a forward pass, recorded once; its layers are handed out because some methods (`owm`,
//! `ewc-kfac`) act on them. Here: a perceptron with a linear path beside it.
use continual::core::Settings;
use continual::nn::{Forward, ForwardContext, Mlp, Network, ParamSpec, Theta};
use continual::prelude::*;
use continual::tensor::Var;

#[derive(Debug)]
struct WithShortcut {
    mlp: Mlp,
    straight: Mlp,
}

impl Network for WithShortcut {
    fn params(&self) -> Vec<ParamSpec> {
        let straight = self.straight.params().into_iter();
        let renamed = straight.map(|it| ParamSpec { name: format!("straight_{}", it.name), ..it });
        self.mlp.params().into_iter().chain(renamed).collect()
    }
    fn forward<'g>(
        &self,
        theta: Theta<'_, 'g>,
        x: Var<'g>,
        cx: &ForwardContext<'_, 'g>,
    ) -> Forward<'g> {
        let deep = self.mlp.forward(theta, x, cx);
        let straight = x.matmul(theta.get("straight_w1")) + theta.get("straight_b1");
        Forward { logits: deep.logits + straight, ..deep }
    }
    fn inputs(&self) -> usize {
        self.mlp.inputs()
    }
    fn outputs(&self) -> usize {
        self.mlp.outputs()
    }
    fn hidden(&self) -> Vec<usize> {
        self.mlp.hidden()
    }
    fn describe(&self) -> String {
        format!("{} beside a linear path", self.mlp.describe())
    }
}

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    let digits = digits();
    let stream = Experiment::new(digits.clone()).scenario(Scenario::Task).stream(2)?;
    let (inputs, outputs) = (digits.features(), stream.outputs());
    let straight = Mlp::new(&[inputs, outputs])?;
    let network = WithShortcut { mlp: Mlp::new(&[inputs, 64, outputs])?, straight };

    let settings = Settings::new(100, 32, Box::new(Adam::new(1e-3)));
    let replay = ExperienceReplay::per_class(10);
    let population: Vec<(u64, Box<dyn Stream>)> = vec![(2, Box::new(stream))];
    let mut learner = Learner::new(&replay, &digits, population, Box::new(network), settings)?;
    let outcomes = continual::core::run(&mut learner, &mut ())?;
    println!("{:.1} %", 100.0 * final_accuracy(&outcomes[0].accuracy)?);
    Ok(())
}
