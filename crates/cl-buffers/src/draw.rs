//! Replay batches drawn afresh.

use cl_random::Address;

/// Draws positions of `group` uniformly at random without replacement into the front of `batch`;
/// returns how many: `batch.len()`, or all of a smaller group.
///
/// Every set is equally likely; the order within the batch is not uniform. Floyd's algorithm
/// (Bentley & Floyd 1987, "A sample of brilliance"), which needs no memory beyond the batch.
pub fn draw_uniform(group: &[u32], address: Address, batch: &mut [u32]) -> usize {
    let count = batch.len().min(group.len());
    let mut rng = address.rng();
    // First indices into the group, then the positions found there.
    for filled in 0..count {
        let newest = (group.len() - count + filled) as u32;
        let index = rng.below(newest + 1);
        batch[filled] = if batch[..filled].contains(&index) { newest } else { index };
    }
    for index in &mut batch[..count] {
        *index = group[*index as usize];
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use cl_random::Purpose;

    #[test]
    fn a_batch_holds_distinct_positions_of_its_group() {
        let group = [3, 8, 1, 20, 11];
        for seed in 0..200 {
            let mut batch = [99; 4];
            assert_eq!(draw_uniform(&group, Address::new(seed, Purpose::REPLAY), &mut batch), 4);
            for (i, position) in batch.iter().enumerate() {
                assert!(group.contains(position) && !batch[..i].contains(position), "{batch:?}");
            }
        }
    }

    #[test]
    fn a_group_smaller_than_the_batch_is_taken_whole() {
        let mut batch = [99; 5];
        let count = draw_uniform(&[7, 9, 8], Address::new(1, Purpose::REPLAY), &mut batch);
        batch[..count].sort_unstable();
        assert_eq!((count, batch), (3, [7, 8, 9, 99, 99]));
        assert_eq!(draw_uniform(&[], Address::new(1, Purpose::REPLAY), &mut batch), 0);
    }
}
