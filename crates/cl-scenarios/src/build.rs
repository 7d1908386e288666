//! Cutting a stream from a data set.

use crate::context_stream::Schedule;
use crate::{
    ActiveClasses, ContextStream, Dataset, Error, MAX_CONTEXTS, MAX_PAD, Part, Protocol, Scenario,
    Stage, StreamKind, StreamSpec, Transform,
};
use cl_random::{Address, Purpose};
use std::sync::Arc;

impl StreamSpec {
    /// Cuts the stream from `data`.
    ///
    /// * Split: the class order is a permutation of the classes by the seed; context c has the classes
    ///   `order[c k .. (c + 1) k]` with k = classes / contexts. The unit of the j-th class in the order
    ///   is j (task, class; `classes` outputs) or j mod k (domain; k outputs).
    /// * Permuted, rotated: every context has all images; the unit of a label is the label (domain;
    ///   `classes` outputs) or `context * classes + label` (task, class; `contexts * classes` outputs).
    ///
    /// # Errors
    /// [`Error::InvalidStream`] if `contexts` is 0, over [`MAX_CONTEXTS`] or does not divide the classes
    /// of a split, or `pad` is over [`MAX_PAD`] or given for another protocol than permuted;
    /// [`Error::NoValidation`] if the part is validation and `data` has none;
    /// [`Error::EmptyContext`] if a context has no training or test examples.
    pub fn build(self, data: &Dataset) -> Result<ContextStream, Error> {
        if let Some(problem) = self.problem(data) {
            return Err(Error::InvalidStream {
                protocol: self.protocol.to_string(),
                contexts: self.contexts,
                dataset: data.name.clone(),
                problem,
            });
        }
        let (train, test): (Arc<[u32]>, Arc<[u32]>) = match self.part {
            Part::Final => (merged(&data.train, &data.validation), data.test.clone()),
            Part::Validation if data.validation.is_empty() => {
                return Err(Error::NoValidation { dataset: data.name.clone() });
            }
            Part::Validation => (data.train.clone(), data.validation.clone()),
        };
        let order = self.class_order(data.classes);
        let mut position = vec![0; data.classes];
        for (place, &class) in (0_u32..).zip(&order) {
            position[usize::from(class)] = place;
        }
        let split = self.protocol == Protocol::Split;
        let width = if split { data.classes / self.contexts } else { data.classes };
        let by_context = |indices: &Arc<[u32]>| -> Vec<Arc<[u32]>> {
            let of = |context: usize| {
                let belongs = |&&index: &&u32| {
                    let class = usize::from(data.labels[index as usize]);
                    position[class] as usize / width == context
                };
                if split {
                    indices.iter().filter(belongs).copied().collect()
                } else {
                    Arc::clone(indices)
                }
            };
            (0..self.contexts).map(of).collect()
        };
        let (train, test) = (by_context(&train), by_context(&test));
        for (part, contexts) in [("train", &train), ("test", &test)] {
            if let Some(context) = contexts.iter().position(|indices| indices.is_empty()) {
                let first = if split { context * width } else { 0 };
                return Err(Error::EmptyContext {
                    protocol: self.protocol.to_string(),
                    dataset: data.name.clone(),
                    context,
                    classes: order[first..first + width].to_vec(),
                    part,
                });
            }
        }
        Ok(ContextStream {
            spec: self,
            schedule: Schedule::Incremental,
            kind: StreamKind::Sharp,
            competing: ActiveClasses::All,
            stages: (0..self.contexts).map(|c| Stage { contexts: [c].into(), length: 1 }).collect(),
            width,
            outputs: match self.scenario {
                Scenario::Domain => width,
                Scenario::Task | Scenario::Class => width * self.contexts,
            },
            position,
            train,
            test,
            transforms: (0..self.contexts).map(|context| self.transform(context, data)).collect(),
        })
    }

    fn problem(&self, data: &Dataset) -> Option<String> {
        if self.contexts == 0 {
            return Some("expected at least one context".to_owned());
        }
        if self.contexts > MAX_CONTEXTS {
            return Some(format!("expected at most {MAX_CONTEXTS} contexts"));
        }
        if self.protocol == Protocol::Split && !data.classes.is_multiple_of(self.contexts) {
            let divisors: Vec<String> = (1..=data.classes)
                .filter(|&n| data.classes.is_multiple_of(n))
                .map(|n| n.to_string())
                .collect();
            let classes = data.classes;
            return Some(format!(
                "{classes} classes cannot be split evenly, expected one of {} contexts",
                divisors.join(", ")
            ));
        }
        if self.pad > 0 && self.protocol != Protocol::Permuted {
            return Some(format!("pad {}: only a permuted stream pads, expected 0", self.pad));
        }
        (self.pad > MAX_PAD).then(|| format!("pad {}: expected at most {MAX_PAD}", self.pad))
    }

    fn class_order(&self, classes: usize) -> Vec<u8> {
        // A data set has at most 255 classes.
        let mut order: Vec<u8> = (0..classes as u8).collect();
        if self.protocol == Protocol::Split {
            Address::new(self.seed, Purpose::CLASS_ORDER).rng().shuffle(&mut order);
        }
        order
    }

    fn transform(&self, context: usize, data: &Dataset) -> Transform {
        match self.protocol {
            Protocol::Split => Transform::Identity,
            Protocol::Permuted => {
                let pixels = (data.width + 2 * self.pad) * (data.height + 2 * self.pad);
                let mut order: Vec<u32> = (0..pixels as u32).collect();
                let address = Address::new(self.seed, Purpose::PIXELS).context(context as u32);
                address.rng().shuffle(&mut order);
                Transform::Permutation { order, pad: self.pad }
            }
            Protocol::Rotated => {
                Transform::Rotation { degrees: 180.0 * context as f64 / self.contexts as f64 }
            }
        }
    }
}

fn merged(a: &[u32], b: &[u32]) -> Arc<[u32]> {
    let mut all: Vec<u32> = a.iter().chain(b).copied().collect();
    all.sort_unstable();
    all.into()
}
