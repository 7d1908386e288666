//! IDX files: good ones are read, bad ones refused with the file and the reason.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use cl_scenarios::{Dataset, Error, mnist};
use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use std::fs;
use std::io::Write;
use std::path::Path;
use tempfile::TempDir;

const TRAIN_IMAGES: &str = "train-images-idx3-ubyte";
const TRAIN_LABELS: &str = "train-labels-idx1-ubyte";

fn header(magic: u32, dimensions: &[u32]) -> Vec<u8> {
    std::iter::once(&magic).chain(dimensions).flat_map(|word| word.to_be_bytes()).collect()
}

/// `count` images; every pixel of image i is i.
fn images(count: u32) -> Vec<u8> {
    let mut file = header(0x803, &[count, 28, 28]);
    (0..count).for_each(|i| file.extend([i as u8; 784]));
    file
}

fn labels(labels: &[u8]) -> Vec<u8> {
    let mut file = header(0x801, &[labels.len() as u32]);
    file.extend(labels);
    file
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A folder with three training and two test examples.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, TRAIN_IMAGES, &images(3));
    write(&folder, TRAIN_LABELS, &labels(&[5, 0, 9]));
    write(&folder, "t10k-images-idx3-ubyte", &images(2));
    write(&folder, "t10k-labels-idx1-ubyte", &labels(&[1, 2]));
    folder
}

fn write(folder: &TempDir, file: &str, bytes: &[u8]) {
    fs::write(folder.path().join(file), bytes).unwrap();
}

fn load(folder: &TempDir) -> Result<Dataset, Error> {
    mnist(Some(folder.path()))
}

/// The message after replacing `file` by `bytes`; it must name the file.
fn refusal(file: &str, bytes: &[u8]) -> String {
    let folder = folder();
    write(&folder, file, bytes);
    let message = load(&folder).unwrap_err().to_string();
    assert!(message.contains(file), "{message:?} should name {file}");
    assert!(!message.contains('\n'), "{message:?} should be one line");
    message
}

#[test]
fn plain_and_compressed_files_give_the_same_data() {
    let plain = load(&folder()).unwrap();
    assert_eq!(plain.labels[..], [5, 0, 9, 1, 2]);
    assert_eq!((&plain.train[..], &plain.test[..]), (&[0, 1, 2][..], &[3, 4][..]));
    assert_eq!(plain.image(2), [2; 784]);
    assert_eq!(plain.image(4), [1; 784]);

    let folder = folder();
    // Named .gz, as published; and compressed without saying so.
    fs::remove_file(folder.path().join(TRAIN_IMAGES)).unwrap();
    write(&folder, &format!("{TRAIN_IMAGES}.gz"), &gz(&images(3)));
    write(&folder, TRAIN_LABELS, &gz(&labels(&[5, 0, 9])));
    assert_eq!(load(&folder).unwrap(), plain);
}

#[test]
fn the_subfolder_with_the_name_of_the_data_set_comes_first() {
    let outer = folder();
    let inner = outer.path().join("mnist");
    fs::create_dir(&inner).unwrap();
    for (file, bytes) in [
        (TRAIN_IMAGES, images(1)),
        (TRAIN_LABELS, labels(&[7])),
        ("t10k-images-idx3-ubyte", images(1)),
        ("t10k-labels-idx1-ubyte", labels(&[8])),
    ] {
        fs::write(inner.join(file), bytes).unwrap();
    }
    assert_eq!(load(&outer).unwrap().labels[..], [7, 8]);
}

#[test]
fn damaged_image_files_are_refused_with_what_was_expected() {
    let good = images(3);
    let with = |at: usize, bytes: &[u8]| {
        let mut file = good.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    };
    let longer = [&good[..], &[0]].concat();
    let header_only = header(0x803, &[u32::MAX, 28, 28]);
    let cases = [
        (vec![], "truncated: 0 bytes, expected 4"),
        (good[..3].to_vec(), "truncated: 3 bytes, expected 4"),
        (good[..15].to_vec(), "truncated: 15 bytes, expected 16"),
        (good[..2367].to_vec(), "truncated: 2367 bytes, expected 2368; fetch it again"),
        (longer.clone(), "oversized: expected 2368 bytes by its header, but more follow"),
        (gz(&longer), "oversized: expected 2368 bytes after decompression by its header"),
        (gz(&good[..2000]), "truncated: 2000 bytes, expected 2368 after decompression"),
        (b"\x89PNG\r\n".to_vec(), "begins with 0x89504e47, expected 0x00000803"),
        (labels(&[1]), "not an IDX file of images: it begins with 0x00000801"),
        (with(8, &27_u32.to_be_bytes()), "images of 27x28 pixels, expected 28x28"),
        // 2^32 - 1 images: 3.4 TB that must not be allocated.
        (header_only.clone(), "truncated: 16 bytes, expected 3367254359296"),
        (gz(&header_only), "truncated: 16 bytes, expected 3367254359296 after decompression"),
        (header(0x803, &[u32::MAX; 3]), "overflow"),
        (header(0x803, &[0, 28, 28]), "holds no images"),
        (images(2), "2 images, but"),
        (gz(&good)[..40].to_vec(), "truncated: "),
        ([&gz(&good)[..], b"garbage"].concat(), "cannot be read"),
    ];
    for (bytes, expected) in cases {
        let message = refusal(TRAIN_IMAGES, &bytes);
        assert!(message.contains(expected), "{message:?} should say {expected:?}");
    }
}

#[test]
fn damaged_label_files_are_refused_with_what_was_expected() {
    let cases = [
        (labels(&[5, 10, 9]), "label 10 at position 1 is out of range, expected below 10"),
        (labels(&[]), "holds no labels"),
        (labels(&[1, 2]), "3 images, but"),
        (images(1), "not an IDX file of labels"),
    ];
    for (bytes, expected) in cases {
        let message = refusal(TRAIN_LABELS, &bytes);
        assert!(message.contains(expected), "{message:?} should say {expected:?}");
    }
}

#[test]
fn a_compressed_file_whose_end_was_cut_off_is_refused() {
    let whole = gz(&images(3));
    // All pixels arrive, but half of the checksum behind them is missing.
    let message = refusal(TRAIN_IMAGES, &whole[..whole.len() - 6]);
    assert!(message.contains("cannot be read"), "{message:?}");
}

#[test]
fn a_missing_file_is_named() {
    let folder = folder();
    fs::remove_file(folder.path().join(TRAIN_LABELS)).unwrap();
    let message = load(&folder).unwrap_err().to_string();
    let path = folder.path().join(TRAIN_LABELS);
    assert!(message.starts_with(&format!("{}: missing", path.display())), "{message:?}");
}

#[test]
fn a_folder_in_place_of_a_file_is_an_error() {
    let folder = folder();
    fs::remove_file(folder.path().join(TRAIN_LABELS)).unwrap();
    fs::create_dir(folder.path().join(TRAIN_LABELS)).unwrap();
    let message = load(&folder).unwrap_err().to_string();
    assert!(message.contains("cannot be read"), "{message:?}");
}

#[test]
fn data_that_is_nowhere_is_an_error_with_every_folder_and_what_to_put_there() {
    let message = mnist(Some(Path::new("no/such/folder"))).unwrap_err().to_string();
    for part in ["no/such/folder/mnist, no/such/folder.", TRAIN_IMAGES, "--data", "$CONTINUAL_DATA"]
    {
        assert!(message.contains(part), "{message:?} should say {part:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// A header or body with changed bytes loads as some data set or is an error; nothing panics, and
    /// what loads keeps the promises of a data set.
    #[test]
    fn mutated_and_cut_files_never_panic(
        which in 0_usize..4,
        compressed in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 0..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let folder = folder();
        let file = [TRAIN_IMAGES, TRAIN_LABELS, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"][which];
        let mut bytes = fs::read(folder.path().join(file)).unwrap();
        if compressed {
            bytes = gz(&bytes);
        }
        for (at, value, in_header) in changes {
            let range = if in_header { bytes.len().min(16) } else { bytes.len() };
            bytes[at.index(range)] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        write(&folder, file, &bytes);
        match load(&folder) {
            Ok(data) => {
                prop_assert_eq!(data.images.len(), data.examples() * 784);
                prop_assert!(data.labels.iter().all(|&label| label < 10));
            }
            Err(error) => prop_assert!(error.to_string().contains("idx"), "{}", error),
        }
    }
}
