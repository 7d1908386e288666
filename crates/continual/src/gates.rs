//! Which units work in which context.

use crate::{Bench, Error, Request, Strengths};
use cl_core::{Observer, Parts, run};

/// How much the contexts of a trained run share their units.
#[derive(Clone, Debug, PartialEq)]
pub struct GateOverlap {
    /// The contexts by name: their rotation, or their number counted from 1.
    pub contexts: Vec<String>,
    /// By hidden layer.
    pub layers: Vec<LayerOverlap>,
    /// What was trained, in words.
    pub told: String,
}

/// The overlap of contexts in one hidden layer, means over seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerOverlap {
    /// Cosine of the mean gates of two contexts, `[contexts][contexts]`.
    pub cosine: Vec<Vec<f64>>,
    /// Mean over units of the product of their mean gates, `[contexts][contexts]`.
    pub mean_product: Vec<Vec<f64>>,
    /// Mean gate of each context, a fraction: how much of the layer works.
    pub open: Vec<f64>,
}

impl GateOverlap {
    /// Trains what is asked for, one strategy in one scenario, and measures its gates on the test rows of
    /// every context.
    ///
    /// # Errors
    /// A request for more than one strategy or scenario, or for a strategy without gates; what training
    /// refuses.
    pub fn measure(request: &Request, observer: &mut dyn Observer) -> Result<Self, Error> {
        let bench = Bench::new(request, &Strengths::built_in()?)?;
        let [cell] = &bench.cells[..] else {
            return Err(Error::Impossible(format!(
                "gates of {} strategies and scenarios at once: expected one strategy in one scenario",
                bench.cells.len()
            )));
        };
        let [variant] = &cell.variants[..] else {
            return Err(Error::Impossible(format!(
                "gates of {} values of a sweep at once: expected one value",
                cell.variants.len()
            )));
        };
        let strategy = variant.strategy();
        let parts = Parts::of(strategy);
        if !parts.played().iter().any(|(part, _)| *part == "Gate") {
            return Err(Error::Impossible(format!(
                "`{}` has no gates; expected xdg, lxdg or hat, or a composition with one of them",
                cell.composition.name
            )));
        }
        let mut members = Vec::with_capacity(bench.seeds.len());
        for seeds in bench.seeds.chunks(cell.lanes()?) {
            let wave = cell.experiment.clone().seeds(seeds.iter().copied());
            let mut learner = wave.learner(strategy)?;
            run(&mut learner, observer)?;
            members.extend(learner.mean_gates()?);
        }
        let count = members.len() as f64;
        let layers = members.first().map_or(0, |gates| gates.layers().len());
        let mean = |of: &dyn Fn(usize) -> Vec<Vec<f64>>| {
            let mut sum = of(0);
            for member in 1..members.len() {
                for (sum, row) in sum.iter_mut().zip(of(member)) {
                    sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
                }
            }
            sum.iter_mut().flatten().for_each(|value| *value /= count);
            sum
        };
        let layer = |layer: usize| LayerOverlap {
            cosine: mean(&|member| members[member].cosines().swap_remove(layer)),
            mean_product: mean(&|member| members[member].mean_products().swap_remove(layer)),
            open: mean(&|member| {
                let contexts = &members[member].layers()[layer];
                let open = |units: &Vec<f64>| units.iter().sum::<f64>() / units.len() as f64;
                vec![contexts.iter().map(open).collect()]
            })
            .swap_remove(0),
        };
        let name = |context: usize| match bench.protocol {
            cl_scenarios::Protocol::Rotated => {
                format!("{:.0} deg", 180.0 * context as f64 / bench.contexts as f64)
            }
            _ => (context + 1).to_string(),
        };
        Ok(Self {
            contexts: (0..bench.contexts).map(name).collect(),
            layers: (0..layers).map(layer).collect(),
            told: format!(
                "{}, {} {}, {}-incremental, {} contexts, {} seeds",
                cell.composition.name,
                bench.protocol,
                bench.dataset,
                cell.scenario,
                bench.contexts,
                bench.seeds.len()
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(strategy: &str) -> Request {
        Request {
            strategy: Some(strategy.to_owned()),
            scenario: Some("task".to_owned()),
            protocol: Some("rotated".to_owned()),
            contexts: Some(3),
            hidden: Some("20".to_owned()),
            steps: Some(2),
            seeds: Some(2),
            threads: Some(1),
            set: vec!["xdg.p=0.5".to_owned()],
            ..Request::default()
        }
    }

    /// Half of 20 units work in each context: with itself a context has cosine 1 and 10/20 in common.
    #[test]
    fn random_gates_overlap_by_chance_and_each_context_wholly_with_itself() {
        let overlap = GateOverlap::measure(&request("xdg"), &mut ()).unwrap();
        assert_eq!(overlap.contexts, ["0 deg", "60 deg", "120 deg"]);
        let [layer] = &overlap.layers[..] else { panic!("one layer") };
        assert_eq!(layer.open, [0.5; 3]);
        for (a, (cosines, products)) in layer.cosine.iter().zip(&layer.mean_product).enumerate() {
            for (b, (cosine, product)) in cosines.iter().zip(products).enumerate() {
                // Binary gates, ten on: cosine = common / 10, product = common / 20.
                assert!((cosine - 2.0 * product).abs() < 1e-12);
                assert_eq!(a == b, (cosine - 1.0).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn a_strategy_without_gates_is_refused() {
        let mut without = request("ewc");
        without.set.clear();
        let error = GateOverlap::measure(&without, &mut ()).unwrap_err();
        assert!(error.to_string().starts_with("`ewc` has no gates; expected xdg"));
        let both = Request { scenario: None, ..request("xdg") };
        // Of three scenarios only one suits: still one cell.
        assert!(GateOverlap::measure(&both, &mut ()).is_ok());
    }
}
