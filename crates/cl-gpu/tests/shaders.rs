//! Every text that operations give, without an adapter.
#![allow(clippy::unwrap_used)]

use cl_tensor::ops;
use cl_tensor::wgsl::{Dispatch, Grouping, MOST_SHARED};
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

/// The dispatches of every case, by operation and case.
fn all() -> BTreeMap<(&'static str, String), Vec<Dispatch>> {
    let cases = ops::cases().into_iter();
    let cases = cases.flat_map(|(op, cases)| cases.into_iter().map(move |case| (op, case)));
    cases
        .map(|(op, case)| {
            let plan = case.plan().unwrap();
            ((op, case.name().to_owned()), plan.dispatches(SCRATCH, Grouping::Joined).unwrap().list)
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

/// The kernels of each operation's first case, without the functions that all have: a change shows in
/// review. `UPDATE_SNAPSHOTS=1 cargo test -p cl-gpu --test shaders` writes them anew.
#[test]
fn kernels_are_those_of_the_snapshots() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let mut first: BTreeMap<&str, String> = BTreeMap::new();
    for (op, cases) in ops::cases() {
        let Some(case) = cases.first() else { continue };
        let list = case.plan().unwrap().dispatches(SCRATCH, Grouping::Joined).unwrap().list;
        let text = list.iter().map(|it| format!("// {}\n{}\n", it.name, own(&it.text)));
        first.insert(op, text.collect());
    }
    for (op, text) in first {
        let path = folder.join(format!("{op}.snap"));
        if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let known = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(text, known, "{}", path.display());
    }
}

/// A text without the functions that all kernels have.
fn own(text: &str) -> String {
    let functions = include_str!("../../cl-tensor/src/wgsl/functions.wgsl");
    let tree = include_str!("../../cl-tensor/src/wgsl/group_tree.wgsl");
    assert!(text.contains(functions), "the functions of all kernels");
    text.replace(functions, "").replace(tree, "")
}
