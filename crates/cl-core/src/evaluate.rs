//! Accuracy per context.

use crate::draw::test_rows_of;
use crate::error::Error;
use crate::learner::Learner;
use cl_buffers::Row;

impl Learner<'_> {
    /// Accuracy of every member on the test rows of every context, with the outputs that are active
    /// after `stage`: `[members][contexts]`, fractions.
    ///
    /// # Errors
    /// What the device refuses.
    pub fn accuracies(&mut self, stage: usize) -> Result<Vec<Vec<f64>>, Error> {
        let contexts = self.model().contexts;
        let rows: Vec<Vec<Row>> = (0..self.members())
            .map(|member| {
                (0..contexts)
                    .flat_map(|context| test_rows_of(self.stream(member), self.labels(), context))
                    .collect()
            })
            .collect();
        let hits = self.hits(stage, &rows)?;
        let per_member = rows.iter().zip(hits).map(|(rows, hits)| {
            let mut sums = vec![(0.0, 0.0); contexts];
            for (row, hit) in rows.iter().zip(hits) {
                let (hit_sum, count) = &mut sums[row.context as usize];
                *hit_sum += f64::from(hit);
                *count += 1.0;
            }
            sums.into_iter().map(|(hits, count)| hits / count).collect()
        });
        Ok(per_member.collect())
    }
}
