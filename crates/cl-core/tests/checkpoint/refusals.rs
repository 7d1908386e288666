//! Checkpoints that are whole and still not those of this run, and files that cannot be written.

use crate::{saved, small};
use cl_core::{Checkpoint, CheckpointError, Error};
use serde_json::json;
use std::fs;
use std::path::Path;

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(
    path: &Path,
    result: Result<T, CheckpointError>,
    expected: &str,
) {
    let text = Error::from(result.unwrap_err()).to_string();
    assert_eq!(text, format!("checkpoint {}: {expected}", path.display()));
}

#[test]
fn another_experiment_is_refused_with_the_first_field_that_differs() {
    let (_folder, path) = saved();
    let checkpoint = Checkpoint::load(&path).unwrap();
    let mut run = checkpoint.identity().clone();
    checkpoint.check_identity(&run).unwrap();
    run["strategy"] = json!("si");
    let strategy = r#"field strategy is "ewc", this run is "si""#;
    assert_refused(&path, checkpoint.check_identity(&run), strategy);
    run["settings"]["batch"] = json!(64);
    let batch = "field settings.batch is 32, this run is 64";
    assert_refused(&path, checkpoint.check_identity(&run), batch);
}

#[test]
fn missing_and_unknown_tensors_are_named() {
    let (_folder, path) = saved();
    let checkpoint = Checkpoint::load(&path).unwrap();
    let slots = |slots: &[&str]| checkpoint.check_slots(2, slots.iter().copied());
    let missing = "tensor ewc/fisher[0] is missing";
    assert_refused(&path, slots(&["theta", "replay/index", "ewc/fisher"]), missing);
    assert_refused(&path, slots(&["replay/index"]), "tensor theta[0] is unknown to this run");
    let members = "it holds 2 members, this run has 3";
    assert_refused(&path, checkpoint.check_slots(3, ["theta"]), members);
    assert_refused(&path, checkpoint.f32("theta", 2, &[2, 3]), "tensor theta[2] is missing");
    assert_refused(&path, checkpoint.host::<()>(2), members);
}

#[test]
fn a_slot_that_only_one_member_has_is_missing_in_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let mut checkpoint = small();
    checkpoint.insert("adam/m", 0, &[1], vec![0.5_f32]).unwrap();
    checkpoint.save(&path).unwrap();
    let checkpoint = Checkpoint::load(&path).unwrap();
    let slots = ["theta", "replay/index", "adam/m"];
    assert_refused(&path, checkpoint.check_slots(2, slots), "tensor adam/m[1] is missing");
}

#[test]
fn a_wrong_shape_or_kind_is_named_with_both() {
    let (_folder, path) = saved();
    let checkpoint = Checkpoint::load(&path).unwrap();
    let shape = "tensor theta[1] has shape [2, 3], expected [3, 2]";
    assert_refused(&path, checkpoint.f32("theta", 1, &[3, 2]), shape);
    let kind = "tensor replay/index[0] holds u32 values, expected f32";
    assert_refused(&path, checkpoint.f32("replay/index", 0, &[2]), kind);
    let kind = "tensor theta[0] holds f32 values, expected u32";
    assert_refused(&path, checkpoint.u32("theta", 0, &[2, 3]), kind);
}

#[test]
fn a_position_or_host_of_another_form_is_named() {
    let (_folder, path) = saved();
    let checkpoint = Checkpoint::load(&path).unwrap();
    let position = "position: invalid type: map, expected u32";
    assert_refused(&path, checkpoint.position::<u32>(), position);
    let host = "hosts[1]: invalid type: map, expected a string";
    assert_refused(&path, checkpoint.host::<String>(1), host);
}

#[test]
fn what_does_not_fit_is_not_taken_in() {
    let mut checkpoint = small();
    let mut refusal = |slot, member, shape: &[usize], values: &[f32]| {
        checkpoint.insert(slot, member, shape, values.to_vec()).unwrap_err().to_string()
    };
    let twice = "checkpoint: tensor theta[0] was inserted before";
    assert_eq!(refusal("theta", 0, &[1], &[0.0]), twice);
    let member = "checkpoint: tensor new[2]: expected a member below 2";
    assert_eq!(refusal("new", 2, &[1], &[0.0]), member);
    let count = "checkpoint: tensor new[0]: shape [2, 2] does not hold 3 values";
    assert_eq!(refusal("new", 0, &[2, 2], &[0.0; 3]), count);
    assert!(refusal("new", 0, &[usize::MAX, 2], &[0.0]).ends_with("does not hold 1 values"));
}

#[test]
fn a_path_that_cannot_be_written_is_named() {
    let (folder, path) = saved();
    let below_file = path.join("state");
    let missing = folder.path().join("missing").join("state");
    for path in [&missing, &below_file, folder.path()] {
        let text = small().save(path).unwrap_err().to_string();
        let start = format!("checkpoint {}: not saved: ", path.display());
        assert!(text.starts_with(&start), "{text}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
#[cfg(unix)]
fn a_read_only_folder_is_named_and_its_checkpoint_stays() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, path) = saved();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    // The superuser may write nevertheless: then there is no refusal to look at.
    if let Err(error) = small().save(&path) {
        assert!(error.to_string().contains("not saved"), "{error}");
    }
    Checkpoint::load(&path).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
}
