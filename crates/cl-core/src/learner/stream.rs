//! Slots that describe the stream.

use super::Learner;
use crate::error::Error;
use crate::model::Data;
use crate::record::{ACTIVE, TAP_INDEX, TAP_WEIGHT};

impl Learner<'_> {
    pub(super) fn write_active(&mut self, stage: usize) -> Result<(), Error> {
        if !self.model.masked {
            return Ok(());
        }
        let outputs = self.model.network.outputs();
        for (index, member) in self.members.iter().enumerate() {
            let table: Vec<f32> = (0..self.model.contexts)
                .flat_map(|context| member.stream.active(stage, context).into_iter().take(outputs))
                .map(|active| f32::from(u8::from(active)))
                .collect();
            self.session.write(ACTIVE, index, &table)?;
        }
        Ok(())
    }

    pub(super) fn write_transforms(&mut self) -> Result<(), Error> {
        let Data::Resident { taps, .. } = self.model.data else { return Ok(()) };
        if taps == 0 {
            return Ok(());
        }
        let (width, height) = (self.dataset.width, self.dataset.height);
        for (index, member) in self.members.iter().enumerate() {
            let (mut indices, mut weights) = (Vec::new(), Vec::new());
            for context in 0..self.model.contexts {
                let transform = member.stream.transform(context);
                let table = transform.taps(width, height).pad_to(taps);
                // A tap of weight 0 reads nothing: an index out of range gives 0.
                indices.extend(
                    table
                        .index
                        .iter()
                        .zip(&table.weight)
                        .map(|(&i, &w)| f32::from_bits(if w == 0.0 { u32::MAX } else { i })),
                );
                weights.extend_from_slice(&table.weight);
            }
            self.session.write(TAP_INDEX, index, &indices)?;
            if taps > 1 {
                self.session.write(TAP_WEIGHT, index, &weights)?;
            }
        }
        Ok(())
    }
}
