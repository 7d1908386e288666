//! Saves that do not come to an end.

use crate::{saved, small};
use cl_core::Checkpoint;
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

#[test]
fn what_an_interrupted_save_left_is_removed_and_the_earlier_checkpoint_is_read() {
    let (folder, path) = saved();
    let bytes = fs::read(&path).unwrap();
    let leftover = folder.path().join("state.safetensors.4242-0.partial");
    fs::write(&leftover, &bytes[..bytes.len() / 2]).unwrap();

    let earlier = Checkpoint::load(&path).unwrap();
    assert_eq!(earlier.f32("theta", 0, &[2, 3]).unwrap()[5], 5.0);
    assert!(Checkpoint::load(&leftover).is_err());

    small().save(&path).unwrap();
    assert!(!leftover.exists());
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

/// The folder of the saving process.
const FOLDER: &str = "CHECKPOINT_KILL_FOLDER";

/// A checkpoint whose every value is its number: a mixture of two is seen.
fn numbered(number: u32) -> Checkpoint {
    let mut checkpoint = Checkpoint::new(json!({}), json!(number), vec![json!(null)]);
    checkpoint.insert("theta", 0, &[1 << 19], vec![number; 1 << 19]).unwrap();
    checkpoint
}

/// Runs in the process that is killed; without a folder there is nothing to do.
#[test]
fn saving_until_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let path = Path::new(&folder).join("state");
    // Ends by itself if the other process is gone.
    for number in 1..100_000 {
        numbered(number).save(&path).unwrap();
    }
}

fn files(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[test]
fn a_process_killed_at_any_moment_leaves_a_whole_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let mut interrupted = 0;
    for kill in 0..20 {
        let _ = fs::remove_file(&path);
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::saving_until_killed"])
            .env(FOLDER, folder.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        while !path.exists() {
            assert!(child.try_wait().unwrap().is_none(), "the other process ended by itself");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(1_700 * kill));
        child.kill().unwrap();
        child.wait().unwrap();
        interrupted += usize::from(files(folder.path()) > 1);

        let checkpoint = Checkpoint::load(&path).unwrap();
        let number: u32 = checkpoint.position().unwrap();
        let theta = checkpoint.u32("theta", 0, &[1 << 19]).unwrap();
        assert!(theta.iter().all(|&value| value == number));
    }
    // Most of the time a save is under way, so some of twenty kills meet one.
    assert!(interrupted > 0);
    numbered(0).save(&path).unwrap();
    assert_eq!(files(folder.path()), 1);
}

/// A file system without room, where the system has a device that plays one: nothing of the write
/// may be lost silently.
#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error() {
    use std::io::Write;
    let mut full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (folder, path) = saved();
    let bytes = fs::read(&path).unwrap();
    let error = cl_core::write_atomically(&path, |_| full.write_all(&bytes)).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    assert_eq!(fs::read(&path).unwrap(), bytes);
    assert_eq!(files(folder.path()), 1);
}
