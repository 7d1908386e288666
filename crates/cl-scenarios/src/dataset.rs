//! A table of labelled byte images.

use crate::Error;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::sync::Arc;

/// A data set: the examples of all its parts in one byte table.
///
/// Made by [`Dataset::new`], which checks what is promised here; not changed afterwards. The tables
/// are behind [`Arc`], so a clone is cheap.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Dataset {
    /// The name that results carry.
    pub name: String,
    /// Pixels in a row of an image.
    pub width: usize,
    /// Rows of an image.
    pub height: usize,
    /// Number of classes, 1 to 255.
    pub classes: usize,
    /// Pixels, `[examples, height * width]`, row-major.
    pub images: Arc<[u8]>,
    /// Labels, `[examples]`, each below `classes`.
    pub labels: Arc<[u8]>,
    /// What a network sees is `byte * scale`: 1/16 for digits, 1/255 for MNIST.
    pub scale: f32,
    /// Indices of the training examples, ascending. The three parts are disjoint.
    pub train: Arc<[u32]>,
    /// Indices of the examples for choosing hyper-parameters, ascending; may be empty.
    pub validation: Arc<[u32]>,
    /// Indices of the test examples, ascending.
    pub test: Arc<[u32]>,
    /// SHA-256 of the images followed by the labels, as 64 hexadecimal digits.
    pub checksum: String,
}

/// Which examples of a data set are for what; indices in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// For training.
    pub train: Vec<u32>,
    /// For choosing hyper-parameters; may be empty.
    pub validation: Vec<u32>,
    /// For the accuracy that is reported.
    pub test: Vec<u32>,
}

impl Dataset {
    /// A data set from `images` `[labels.len(), height * width]`, where `size` is (width, height).
    ///
    /// # Errors
    /// [`Error::InvalidDataset`] if the tables do not fit together, a label is not below `classes`,
    /// `classes` is not 1 to 255, `scale` is not a positive number, or `parts` name an example twice
    /// or one that is not there.
    pub fn new(
        name: impl Into<String>,
        size: (usize, usize),
        classes: usize,
        scale: f32,
        images: impl Into<Arc<[u8]>>,
        labels: impl Into<Arc<[u8]>>,
        parts: Parts,
    ) -> Result<Self, Error> {
        let (name, images, labels) = (name.into(), images.into(), labels.into());
        let (width, height) = size;
        if let Err(problem) = check(size, classes, scale, &images, &labels)
            .and_then(|()| check_parts(&parts, labels.len()))
        {
            return Err(Error::InvalidDataset { name, problem });
        }
        let checksum = checksum(&images, &labels);
        let [train, validation, test] = [parts.train, parts.validation, parts.test].map(ascending);
        Ok(Self {
            name,
            width,
            height,
            classes,
            images,
            labels,
            scale,
            train,
            validation,
            test,
            checksum,
        })
    }

    /// Pixels of an image: `width * height`.
    #[must_use]
    pub fn features(&self) -> usize {
        self.width * self.height
    }

    /// Number of examples in all parts, and those in none.
    #[must_use]
    pub fn examples(&self) -> usize {
        self.labels.len()
    }

    /// The pixels of one example, `[features]`.
    ///
    /// # Panics
    /// If `example` is not below [`Dataset::examples`].
    #[must_use]
    pub fn image(&self, example: u32) -> &[u8] {
        let start = example as usize * self.features();
        &self.images[start..start + self.features()]
    }
}

fn check(
    (width, height): (usize, usize),
    classes: usize,
    scale: f32,
    images: &[u8],
    labels: &[u8],
) -> Result<(), String> {
    if !(1..=255).contains(&classes) {
        return Err(format!("{classes} classes, expected 1 to 255"));
    }
    if !(scale.is_finite() && scale > 0.0) {
        return Err(format!("scale {scale}, expected a positive number"));
    }
    let features = width.checked_mul(height).filter(|&f| f > 0);
    let Some(expected) = features.and_then(|f| f.checked_mul(labels.len())) else {
        return Err(format!("images of {height}x{width} pixels, expected at least 1x1"));
    };
    if images.len() != expected || u32::try_from(labels.len()).is_err() {
        return Err(format!(
            "{} bytes of images for {} labels, expected {expected} at {height}x{width} pixels",
            images.len(),
            labels.len()
        ));
    }
    match labels.iter().position(|&label| usize::from(label) >= classes) {
        Some(at) => Err(format!("label {} at {at}, expected below {classes}", labels[at])),
        None => Ok(()),
    }
}

fn check_parts(parts: &Parts, examples: usize) -> Result<(), String> {
    let mut used = vec![false; examples];
    for &index in parts.train.iter().chain(&parts.validation).chain(&parts.test) {
        match used.get_mut(index as usize) {
            None => return Err(format!("a part names example {index} of {examples}")),
            Some(true) => return Err(format!("the parts name example {index} more than once")),
            Some(free) => *free = true,
        }
    }
    Ok(())
}

fn ascending(mut indices: Vec<u32>) -> Arc<[u32]> {
    indices.sort_unstable();
    indices.into()
}

fn checksum(images: &[u8], labels: &[u8]) -> String {
    let digest = Sha256::new().chain_update(images).chain_update(labels).finalize();
    digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiny(labels: &[u8], parts: Parts) -> Result<Dataset, Error> {
        Dataset::new("tiny", (2, 1), 3, 0.5, vec![7; labels.len() * 2], labels, parts)
    }

    fn parts(train: &[u32], validation: &[u32], test: &[u32]) -> Parts {
        Parts { train: train.into(), validation: validation.into(), test: test.into() }
    }

    /// `printf 'abc' | sha256sum`: images "ab", label "c" would need 100 classes.
    #[test]
    fn the_checksum_is_sha256_of_images_then_labels() {
        assert_eq!(
            checksum(b"ab", b"c"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn a_good_table_is_accepted_and_its_parts_sorted() {
        let data = tiny(&[0, 1, 2, 2], parts(&[3, 0], &[], &[2, 1])).unwrap();
        assert_eq!((data.examples(), data.features(), data.image(3)), (4, 2, &[7, 7][..]));
        assert_eq!((&*data.train, &*data.test), (&[0, 3][..], &[1, 2][..]));
    }

    #[test]
    fn bad_tables_are_refused_with_the_reason() {
        let message = |result: Result<Dataset, Error>| result.unwrap_err().to_string();
        let none = Parts::default;
        let cases = [
            (message(tiny(&[0, 3], none())), "label 3 at 1, expected below 3"),
            (message(tiny(&[0, 1], parts(&[0], &[], &[0]))), "example 0 more than once"),
            (message(tiny(&[0, 1], parts(&[2], &[], &[0]))), "example 2 of 2"),
            (
                message(Dataset::new("x", (2, 1), 256, 1.0, [0; 2], [0; 1], none())),
                "256 classes, expected 1 to 255",
            ),
            (
                message(Dataset::new("x", (2, 1), 2, 1.0, [0; 3], [0; 1], none())),
                "3 bytes of images for 1 labels, expected 2",
            ),
            (message(Dataset::new("x", (2, 0), 2, 1.0, [0; 0], [0; 1], none())), "0x2 pixels"),
            (message(Dataset::new("x", (2, 1), 2, 0.0, [0; 2], [0; 1], none())), "scale 0"),
            (message(Dataset::new("x", (2, 1), 2, f32::NAN, [0; 2], [0; 1], none())), "scale NaN"),
        ];
        for (message, expected) in cases {
            assert!(message.contains(expected), "{message:?} should say {expected:?}");
        }
    }
}
