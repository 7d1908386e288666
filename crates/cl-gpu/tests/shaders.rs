//! Every text that operations give, without an adapter.
#![allow(clippy::unwrap_used)]

use cl_tensor::ops;
use cl_tensor::wgsl::{Dispatch, Grouping, MOST_SHARED};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use wgpu::naga::front::wgsl::parse_str;
use wgpu::naga::valid::{Capabilities, ValidationFlags, Validator};

/// Temporaries of inner lanes: few, so that some run behind each other.
const SCRATCH: usize = 4096;

fn validate(text: &str) -> Result<(), String> {
    validate_with(Capabilities::empty(), text)
}

fn validate_with(capabilities: Capabilities, text: &str) -> Result<(), String> {
    let module = parse_str(text).map_err(|error| error.emit_to_string(text))?;
    let mut validator = Validator::new(ValidationFlags::all(), capabilities);
    validator.validate(&module).map_err(|error| error.emit_to_string(text))?;
    Ok(())
}

/// The dispatches of every case, by operation and case, one by one and joined.
fn all() -> BTreeMap<(&'static str, String), Vec<Dispatch>> {
    let cases = ops::cases().into_iter();
    let cases = cases.flat_map(|(op, cases)| cases.into_iter().map(move |case| (op, case)));
    cases
        .map(|(op, case)| {
            let plan = case.plan().unwrap();
            let list = |grouping| plan.dispatches(SCRATCH, grouping).unwrap().list;
            let both = [Grouping::Single, Grouping::Joined].into_iter().flat_map(list);
            ((op, case.name().to_owned()), both.collect())
        })
        .collect()
}

#[test]
fn every_kernel_is_valid_and_fits_any_adapter() {
    for ((op, case), dispatches) in all() {
        for Dispatch { name, text, shared, groups, .. } in dispatches {
            let at = format!("{op}, case `{case}`, kernel `{name}`");
            assert!(shared <= MOST_SHARED, "{at}: {shared} bytes of workgroup memory");
            assert!(groups.into_iter().all(|n| (1..65_536).contains(&n)), "{at}: {groups:?}");
            validate(&text).unwrap_or_else(|error| panic!("{at}: {error}\n{text}"));
        }
    }
}

#[test]
fn reductions_with_subgroup_operations_are_valid_where_a_device_has_them() {
    let texts = all().into_values().flatten().filter_map(|it| it.text_with_subgroups());
    let texts: BTreeSet<String> = texts.collect();
    assert!(!texts.is_empty());
    for text in texts {
        assert!(validate(&text).is_err_and(|error| error.contains("SUBGROUP")), "{text}");
        validate_with(Capabilities::SUBGROUP, &text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    }
}

#[test]
fn what_is_no_wgsl_is_found() {
    assert!(validate("fn main() { let x: u32 = 1.5; }").is_err());
    assert!(validate("fn main() -> u32 { }").is_err());
}

/// The kernels of each operation's first case, and those of the largest tiles of a product, without the functions
/// that all have: a change shows in review. `UPDATE_SNAPSHOTS=1 cargo test -p cl-gpu --test shaders` writes them
/// anew.
#[test]
fn kernels_are_those_of_the_snapshots() {
    let mut snapshots: BTreeMap<String, String> = BTreeMap::new();
    for (op, cases) in ops::cases() {
        for (number, case) in cases.iter().enumerate() {
            let name = match case.name() {
                _ if number == 0 => op.to_owned(),
                "the largest tiles, whole" => format!("{op}-largest"),
                _ => continue,
            };
            let list = case.plan().unwrap().dispatches(SCRATCH, Grouping::Joined).unwrap().list;
            let text = list.iter().map(|it| format!("// {}\n{}\n", it.name, own(&it.text)));
            snapshots.insert(name, text.collect());
        }
    }
    for (name, text) in snapshots {
        compare(&name, &text);
    }
}

/// Of every other kernel, one by one and joined, with and without subgroups, the SHA-256: none changes unseen.
#[test]
fn every_expansion_is_the_one_that_is_known() {
    let mut lines = String::new();
    for ((op, case), dispatches) in all() {
        let mut digest = Sha256::new();
        for it in &dispatches {
            digest.update(&it.text);
            digest.update(it.text_with_subgroups().unwrap_or_default());
        }
        let hex: String = digest.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        lines += &format!("{hex} {:2} {op}: {case}\n", dispatches.len());
    }
    compare("expansions", &lines);
}

/// With what is kept under this name.
fn compare(name: &str, text: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let path = folder.join(format!("{name}.snap"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::create_dir_all(&folder).unwrap();
        fs::write(&path, text).unwrap();
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, known, "{}", path.display());
}

/// A text without the functions that all kernels have.
fn own(text: &str) -> String {
    let functions = include_str!("../../cl-tensor/src/wgsl/functions.wgsl");
    let tree = include_str!("../../cl-tensor/src/wgsl/group_tree.wgsl");
    assert!(text.contains(functions), "the functions of all kernels");
    text.replace(functions, "").replace(tree, "")
}
