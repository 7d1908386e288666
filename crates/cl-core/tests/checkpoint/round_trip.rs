//! What is saved comes back bit for bit.

use crate::{saved, small};
use cl_core::{Checkpoint, Values};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Shapes of up to three axes; an axis may be 0.
fn tensor() -> impl Strategy<Value = (Vec<usize>, Vec<u32>)> {
    vec(0_usize..4, 0..3).prop_flat_map(|shape| {
        let count = shape.iter().product::<usize>();
        (Just(shape), vec(bits(), count))
    })
}

/// Any bits, and often those of a signalling NaN, an infinity, a negative zero, a subnormal.
fn bits() -> impl Strategy<Value = u32> {
    let special =
        proptest::sample::select(vec![0x7f80_0001, 0xffc1_2345, 0xff80_0000, 0x8000_0000, 1]);
    prop_oneof![any::<u32>(), special]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn every_name_shape_and_bit_comes_back(
        numbers in btree_map(".{0,12}", tensor(), 0..4),
        indices in btree_map("[a-z]{1,3}/[0-9\\[\\]]{0,3}", tensor(), 0..4),
        lambda in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL,
        seed in any::<u64>(),
        word in ".{0,20}",
    ) {
        let hosts: Vec<Value> = (0..12).map(|member| json!([member, word])).collect();
        let mut checkpoint = Checkpoint::new(json!({&word: seed}), json!(lambda), hosts);
        for (slot, (shape, bits)) in &numbers {
            let values: Vec<f32> = bits.iter().map(|&bits| f32::from_bits(bits)).collect();
            checkpoint.insert(slot, 11, shape, values).unwrap();
        }
        for (slot, (shape, bits)) in &indices {
            checkpoint.insert(slot, 3, shape, bits.clone()).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        checkpoint.save(&path).unwrap();

        let back = Checkpoint::load(&path).unwrap();
        for (slot, (shape, bits)) in &numbers {
            let values = back.f32(slot, 11, shape).unwrap();
            prop_assert!(values.iter().map(|value| value.to_bits()).eq(bits.iter().copied()));
        }
        for (slot, (shape, bits)) in &indices {
            prop_assert_eq!(back.u32(slot, 3, shape).unwrap(), bits);
        }
        prop_assert_eq!(back.identity(), &json!({&word: seed}));
        prop_assert_eq!(back.position::<f64>().unwrap().to_bits(), lambda.to_bits());
        prop_assert_eq!(back.host::<(usize, String)>(5).unwrap(), (5, word));
        prop_assert_eq!(back.members(), 12);
    }
}

#[test]
fn equal_states_give_equal_bytes() {
    let (_folder, path) = saved();
    let first = std::fs::read(&path).unwrap();
    Checkpoint::load(&path).unwrap().save(&path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), first);
}

/// The published layout: a length, a JSON header at that length, then the values in little-endian;
/// here taken apart by hand.
#[test]
fn the_file_is_safetensors_with_the_hash_of_all_before_at_its_end() {
    use sha2::{Digest, Sha256};
    let (_folder, path) = saved();
    let bytes = std::fs::read(&path).unwrap();
    let end = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..end]).unwrap();
    let about = header["__metadata__"]["continual checkpoint"].as_str().unwrap();
    let about: Value = serde_json::from_str(about).unwrap();
    assert_eq!(about["format_version"], json!(1));
    assert_eq!(about["hosts"], json!([{"rows": [3, 1, 4]}, {"rows": []}]));

    let theta = &header["theta[1]"];
    assert_eq!((&theta["dtype"], &theta["shape"]), (&json!("F32"), &json!([2, 3])));
    let start = end + theta["data_offsets"][0].as_u64().unwrap() as usize;
    assert_eq!(bytes[start..start + 4], (-0.3_f32).to_le_bytes());
    assert_eq!(header["replay/index[0]"]["dtype"], json!("U32"));

    let (before, hash) = bytes.split_at(bytes.len() - 32);
    assert_eq!(header["sha256"]["data_offsets"][1], json!(bytes.len() - end));
    assert_eq!(Sha256::digest(before)[..], *hash);
}

#[test]
fn a_checkpoint_says_what_it_holds() {
    let (_folder, path) = saved();
    let back = Checkpoint::load(&path).unwrap();
    assert_eq!(back.written_by(), format!("cl-core {}", env!("CARGO_PKG_VERSION")));
    assert_eq!(back.identity(), small().identity());
    assert!(matches!(back.values("theta", 0, &[2, 3]).unwrap(), Values::F32(v) if v[5] == 5.0));
    assert!(matches!(back.values("replay/index", 0, &[2]).unwrap(), Values::U32(v) if v[0] == 7));
    back.check_slots(2, ["theta", "replay/index"]).unwrap();
}
