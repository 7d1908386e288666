//! Every policy: budgets hold, class histograms are what the policy says, and a buffer that was saved goes
//! on bit for bit, whatever is offered in what pieces.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use cl_buffers::{
    Admit, Buffer, ClassBalanced, ContextBalanced, Evict, Greedy, Group, Groups, Herding, Policy,
    Quota, Reservoir, Ring, Row, RowSize, When,
};
use cl_random::{Address, Purpose};
use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;

const CONTEXTS: u32 = 4;
const CLASSES: u32 = 8;

/// Rows of a context: two classes of its own, the second less often; offered in this order.
fn context(context: u32, count: u32) -> Vec<Row> {
    (0..count)
        .map(|i| Row {
            example: 1000 * context + i,
            label: 2 * context + u32::from(i % 3 == 2),
            context,
        })
        .collect()
}

fn histogram(rows: &[Row]) -> BTreeMap<u32, usize> {
    let mut counts = BTreeMap::new();
    rows.iter().for_each(|row| *counts.entry(row.label).or_default() += 1);
    counts
}

/// Four contexts in pieces of so many rows; after every piece budget, groups and what was written are
/// checked, and after piece `cut` the buffer goes on from its serialised form.
fn lead<P>(
    policy: P,
    (capacity, size, seed): (u64, u64, u64),
    counts: &[u32],
    (piece, cut): (usize, usize),
) -> Vec<Vec<Row>>
where
    P: Policy + Clone + PartialEq + std::fmt::Debug + Serialize + DeserializeOwned,
{
    let mut buffer = Buffer::new(capacity * size, RowSize::from_bytes(size), policy).unwrap();
    let address = Address::new(seed, Purpose::STORE);
    let (mut after, mut groups, mut pieces) = (Vec::new(), Groups::new(Group::ClassOfContext), 0);
    for (number, &count) in counts.iter().enumerate() {
        let rows = context(number as u32, count);
        let piece = match buffer.policy().when() {
            When::Online => piece,
            When::EndOfContext => rows.len().max(1),
        };
        for offered in rows.chunks(piece) {
            let before = buffer.rows().to_vec();
            buffer.offer(offered, address).unwrap();
            assert!(
                buffer.bytes() <= buffer.peak_bytes() && buffer.peak_bytes() <= buffer.budget()
            );
            // What was written is all that changed.
            let mut expected = before;
            if buffer.len() < expected.len() {
                expected.clear();
            }
            for (position, row) in buffer.written() {
                expected.truncate(buffer.len());
                match expected.get_mut(*position as usize) {
                    Some(place) => *place = *row,
                    None => expected.push(*row),
                }
                groups.set(*position, row);
            }
            assert_eq!(expected, buffer.rows());
            pieces += 1;
            if pieces == cut {
                let text = serde_json::to_string(&buffer).unwrap();
                let again: Buffer<P> = serde_json::from_str(&text).unwrap();
                assert_eq!(again, buffer);
                buffer = again;
            }
        }
        after.push(buffer.rows().to_vec());
    }
    after
}

/// The same with and without a cut.
fn resumes<P>(policy: P, size: (u64, u64, u64), counts: &[u32], at: (usize, usize)) -> Vec<Vec<Row>>
where
    P: Policy + Clone + PartialEq + std::fmt::Debug + Serialize + DeserializeOwned,
{
    let whole = lead(policy.clone(), size, counts, (at.0, 0));
    assert_eq!(lead(policy, size, counts, at), whole);
    whole
}

/// After each context, the examples of every class, the oldest first, of a memory in which the largest class
/// (of equal ones the one that came first) gives up its oldest row for every row that comes when it is full;
/// with [`Admit::BelowShare`] rows of classes that have room / classes already are turned away. Whichever row
/// goes, as many of each class stay.
fn greedy(counts: &[u32], room: usize, admit: Admit) -> Vec<Vec<(u32, Vec<u32>)>> {
    let mut classes: Vec<(u32, Vec<u32>)> = Vec::new();
    let mut after = Vec::new();
    for (number, &count) in counts.iter().enumerate() {
        for Row { example, label, .. } in context(number as u32, count) {
            if classes.iter().all(|(known, _)| *known != label) {
                classes.push((label, Vec::new()));
            }
            let of = |(known, rows): &(u32, Vec<u32>)| (*known == label).then_some(rows.len());
            let own = classes.iter().find_map(of).unwrap();
            if admit == Admit::BelowShare && own >= room / classes.len() {
                continue;
            }
            if classes.iter().map(|(_, rows)| rows.len()).sum::<usize>() == room {
                let largest = classes.iter().map(|(_, rows)| rows.len()).max().unwrap();
                classes.iter_mut().find(|(_, rows)| rows.len() == largest).unwrap().1.remove(0);
            }
            classes.iter_mut().find(|(known, _)| *known == label).unwrap().1.push(example);
        }
        after.push(classes.clone());
    }
    after
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn every_policy_keeps_its_budget_its_histogram_and_its_course(
        seed: u64,
        capacity in u64::from(CLASSES)..70,
        size in 1_u64..900,
        counts in prop::collection::vec(3_u32..90, CONTEXTS as usize),
        piece in 1_usize..40,
        cut in 1_usize..12,
    ) {
        let (size, at) = ((capacity, size, seed), (piece, cut));
        let room = capacity as usize;
        let of_class = |label: u32| {
            histogram(&context(label / 2, counts[label as usize / 2]))[&label]
        };

        let reservoir = resumes(Reservoir::new(), size, &counts, at);
        let offered: u32 = counts.iter().sum();
        prop_assert_eq!(reservoir[3].len(), room.min(offered as usize));

        // A class that is rarer than its quota keeps all it has.
        for kept in [
            resumes(Ring::new(Group::ClassOfContext, CLASSES), size, &counts, at),
            resumes(ClassBalanced::new(CLASSES), size, &counts, at),
            resumes(Herding::new(Quota::Fixed { classes: CLASSES }), size, &counts, at),
        ] {
            for (label, count) in histogram(&kept[3]) {
                prop_assert_eq!(count, of_class(label).min(room / CLASSES as usize));
            }
            prop_assert_eq!(histogram(&kept[3]).len(), CLASSES as usize);
        }
        let shared = resumes(Herding::new(Quota::Shared), size, &counts, at);
        for (number, kept) in shared.iter().enumerate() {
            let quota = room / (2 * (number + 1));
            for (label, count) in histogram(kept) {
                prop_assert!(count <= quota && count >= of_class(label).min(room / 8));
            }
        }
        for kept in [
            resumes(Ring::new(Group::Context, CONTEXTS), size, &counts, at),
            resumes(ContextBalanced::new(CONTEXTS), size, &counts, at),
        ] {
            for number in 0..CONTEXTS {
                let own = kept[3].iter().filter(|row| row.context == number).count();
                let quota = room / CONTEXTS as usize;
                prop_assert_eq!(own, quota.min(counts[number as usize] as usize));
            }
        }
        for (admit, evict) in [
            (Admit::BelowShare, Evict::Random),
            (Admit::BelowShare, Evict::Oldest),
            (Admit::All, Evict::Random),
            (Admit::All, Evict::Oldest),
        ] {
            let kept = resumes(Greedy::new(Group::Class, admit, evict), size, &counts, at);
            let slow = greedy(&counts, room, admit);
            for (kept, slow) in kept.iter().zip(&slow) {
                let of: BTreeMap<u32, usize> =
                    slow.iter().map(|(label, rows)| (*label, rows.len())).filter(|it| it.1 > 0).collect();
                prop_assert_eq!(histogram(kept), of, "{:?}, {:?}", admit, evict);
                if evict == Evict::Oldest {
                    let mut found: Vec<u32> = kept.iter().map(|row| row.example).collect();
                    let mut oldest_gone: Vec<u32> =
                        slow.iter().flat_map(|(_, rows)| rows.iter().copied()).collect();
                    found.sort_unstable();
                    oldest_gone.sort_unstable();
                    prop_assert_eq!(found, oldest_gone);
                }
            }
        }
    }
}

#[test]
fn a_budget_below_one_row_of_each_group_names_both_numbers() {
    let size = RowSize::from_bytes(100);
    let told = |error: cl_buffers::Error| error.to_string();
    let errors = [
        told(Buffer::new(799, size, Ring::new(Group::Class, 8)).unwrap_err()),
        told(Buffer::new(799, size, ContextBalanced::new(8)).unwrap_err()),
        told(Buffer::new(799, size, Herding::new(Quota::Fixed { classes: 8 })).unwrap_err()),
    ];
    for (error, policy) in errors.iter().zip(["ring", "context-balanced", "herding"]) {
        assert_eq!(
            *error,
            format!(
                "{policy} buffer: a budget of 799 bytes has room for 7 rows, expected at least one of \
                 100 bytes for each of 8 groups: 800 bytes"
            )
        );
    }
}

/// A class that never arrives leaves its part free; nothing is lost.
#[test]
fn a_class_that_never_arrives_costs_the_others_nothing() {
    let size = RowSize::from_bytes(1);
    let mut buffer = Buffer::new(40, size, ClassBalanced::new(CLASSES)).unwrap();
    for number in [0, 1, 3] {
        buffer.offer(&context(number, 60), Address::new(1, Purpose::STORE)).unwrap();
    }
    let counts = histogram(buffer.rows());
    assert_eq!(counts.values().copied().collect::<Vec<_>>(), [5; 6]);
}
