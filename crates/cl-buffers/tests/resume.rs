//! What was saved and loaded goes on as what was not.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use cl_buffers::{Buffer, ClassBalanced, Reservoir, Row, RowSize, Sweep};
use cl_random::{Address, Purpose};

fn stream(context: u32) -> Vec<Row> {
    (0..50)
        .map(|i| Row { example: 50 * context + i, label: 2 * context + i % 2, context })
        .collect()
}

fn through_json<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

#[test]
fn a_reservoir_resumes_in_the_middle_of_a_context() {
    let store = Address::new(9, Purpose::STORE);
    let mut whole = Buffer::new(120, RowSize::from_bytes(10), Reservoir::new()).unwrap();
    whole.offer(&stream(0)[..33], store).unwrap();
    let mut resumed = through_json(&whole);
    for rows in [&stream(0)[33..], &stream(1)] {
        whole.offer(rows, store).unwrap();
        resumed.offer(rows, store).unwrap();
    }
    assert_eq!(resumed, whole);
    assert_eq!(whole.policy().seen(), 100);
    assert!(whole.rows().iter().any(|row| row.context == 1));
}

#[test]
fn a_class_balanced_buffer_resumes_between_contexts() {
    let store = Address::new(9, Purpose::STORE);
    let mut whole = Buffer::new(120, RowSize::from_bytes(10), ClassBalanced::new(4)).unwrap();
    whole.offer(&stream(0), store).unwrap();
    let mut resumed = through_json(&whole);
    whole.offer(&stream(1), store).unwrap();
    resumed.offer(&stream(1), store).unwrap();
    assert_eq!(resumed, whole);
    assert_eq!(whole.len(), 12);
}

#[test]
fn a_sweep_resumes_in_the_middle_of_a_pass() {
    let replay = Address::new(9, Purpose::REPLAY).context(2);
    let group: Vec<u32> = (0..17).collect();
    for steps in 0..9 {
        let (mut whole, mut batch) = (Sweep::new(), [0; 5]);
        for _ in 0..steps {
            whole.fill(&group, replay, &mut batch);
        }
        let mut resumed = through_json(&whole);
        assert_eq!(resumed, whole);
        for _ in 0..8 {
            let mut resumed_batch = [0; 5];
            whole.fill(&group, replay, &mut batch);
            resumed.fill(&group, replay, &mut resumed_batch);
            assert_eq!(resumed_batch, batch);
        }
    }
}

#[test]
fn the_same_seed_keeps_the_same_and_another_seed_others() {
    let kept = |seed| {
        let mut buffer = Buffer::new(12, RowSize::from_bytes(1), Reservoir::new()).unwrap();
        buffer.offer(&stream(0), Address::new(seed, Purpose::STORE)).unwrap();
        buffer.rows().to_vec()
    };
    assert_eq!(kept(1), kept(1));
    assert_ne!(kept(1), kept(2));
}

#[test]
fn a_damaged_buffer_is_refused() {
    let mut buffer = Buffer::new(30, RowSize::from_bytes(10), ClassBalanced::new(2)).unwrap();
    buffer.offer(&stream(0), Address::new(1, Purpose::STORE)).unwrap();
    let text = serde_json::to_string(&buffer).unwrap();
    for (sound, damaged, reason) in [
        (r#""budget":30"#, r#""budget":10"#, "do not fit a capacity of 1"),
        (r#""budget":30"#, r#""budget":3"#, "too small for one row of 10 bytes"),
        (r#""row_size":10"#, r#""row_size":0"#, "a row takes 0 bytes"),
        (r#""peak":2"#, r#""peak":1"#, "2 saved rows and a peak of 1"),
        (r#""classes":2"#, r#""classes":9"#, "at least one for each of 9 classes"),
    ] {
        assert!(text.contains(sound), "{text}");
        let error = serde_json::from_str::<Buffer<ClassBalanced>>(&text.replace(sound, damaged))
            .unwrap_err()
            .to_string();
        assert!(error.contains(reason), "{error}");
    }
}

/// Numbers that no sweep writes lead to a new pass, not to a panic.
#[test]
fn a_damaged_sweep_begins_a_pass() {
    let replay = Address::new(9, Purpose::REPLAY);
    let (mut sweep, mut batch) = (Sweep::new(), [0; 3]);
    sweep.fill(&[1, 2, 3, 4, 5], replay, &mut batch);
    let text = serde_json::to_string(&sweep).unwrap().replace(r#""visited":3"#, r#""visited":77"#);
    let damaged: Sweep = serde_json::from_str(&text).unwrap();
    let mut pass = [0; 5];
    assert_eq!(damaged.clone().fill(&[1, 2, 3, 4, 5], replay, &mut pass), 5);
    pass.sort_unstable();
    assert_eq!(pass, [1, 2, 3, 4, 5]);
    assert_eq!(damaged.clone().fill_within_pass(&[1, 2, 3, 4, 5], replay, &mut batch), 3);
}
