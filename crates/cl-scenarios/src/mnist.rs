//! MNIST and Fashion-MNIST from IDX files.

use crate::{Dataset, DatasetName, Error, Parts, data_folders, idx};
use std::path::{Path, PathBuf};

/// The files of a data set, each of which may carry `.gz`.
pub(crate) const FILES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

const CLASSES: usize = 10;

/// Checksums of the published files, by which one data set is told from the other: their files have
/// the same names and sizes, and a table under the wrong name would go unnoticed.
const PUBLISHED: [(DatasetName, &str); 2] = [
    (DatasetName::Mnist, "c2069063c1105f2bf96266aef1ff68c6e13bdda7a54e37bf19c16f1db24efc83"),
    (DatasetName::FashionMnist, "2cbc59191665e1ba3f2494648f17edac5974f748ab89fb2ae05597d658161f54"),
];

/// MNIST (LeCun, Cortes & Burges 1998): 60,000 training and 10,000 test images of 28x28 pixels, no
/// validation images; pixels are byte / 255, not normalised.
///
/// Its files are looked for in [`data_folders`]; the first folder that holds any of them is taken.
///
/// # Errors
/// [`Error::DataNotFound`], [`Error::MissingFile`], [`Error::OtherDataset`], and those of damaged or
/// foreign files, each naming the file and what was expected.
pub fn mnist(folder: Option<&Path>) -> Result<Dataset, Error> {
    find(DatasetName::Mnist, folder)
}

/// Fashion-MNIST (Xiao, Rasul & Vollgraf 2017): as [`mnist`], with images of clothes.
///
/// # Errors
/// As [`mnist`].
pub fn fashion_mnist(folder: Option<&Path>) -> Result<Dataset, Error> {
    find(DatasetName::FashionMnist, folder)
}

fn find(name: DatasetName, explicit: Option<&Path>) -> Result<Dataset, Error> {
    let folders = data_folders(name, explicit);
    match folders.iter().find(|folder| FILES.iter().any(|file| locate(folder, file).is_some())) {
        Some(folder) => load(name, folder),
        None => Err(Error::DataNotFound { dataset: name.to_string(), folders }),
    }
}

fn load(name: DatasetName, folder: &Path) -> Result<Dataset, Error> {
    let present = |file: &str| {
        locate(folder, file).ok_or_else(|| Error::MissingFile {
            dataset: name.to_string(),
            path: folder.join(file),
        })
    };
    let [train_images, train_labels, test_images, test_labels] = FILES.map(present);
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    let train = append(&train_images?, &train_labels?, &mut images, &mut labels)?;
    let test = append(&test_images?, &test_labels?, &mut images, &mut labels)?;
    let parts = Parts {
        train: (0..train).collect(),
        validation: Vec::new(),
        test: (train..train + test).collect(),
    };
    let data =
        Dataset::new(name.to_string(), (28, 28), CLASSES, 1.0 / 255.0, images, labels, parts)?;
    match PUBLISHED.iter().find(|(_, checksum)| *checksum == data.checksum) {
        Some((found, _)) if *found != name => Err(Error::OtherDataset {
            folder: folder.to_owned(),
            found: found.to_string(),
            wanted: name.to_string(),
        }),
        _ => Ok(data),
    }
}

/// Appends one pair of files and returns how many examples it holds.
fn append(
    images_path: &Path,
    labels_path: &Path,
    images: &mut Vec<u8>,
    labels: &mut Vec<u8>,
) -> Result<u32, Error> {
    // Labels first: they are small, so most mistakes show before the images are unpacked.
    let label_count = idx::append_labels(labels_path, CLASSES, labels)?;
    let image_count = idx::append_images(images_path, images)?;
    if image_count != label_count {
        return Err(Error::CountMismatch {
            images_path: images_path.to_owned(),
            images: image_count,
            labels_path: labels_path.to_owned(),
            labels: label_count,
        });
    }
    // The count was a u32 in the header.
    Ok(image_count as u32)
}

/// The file as it is or with `.gz`, in this order.
fn locate(folder: &Path, file: &str) -> Option<PathBuf> {
    [folder.join(file), folder.join(format!("{file}.gz"))].into_iter().find(|path| path.exists())
}
