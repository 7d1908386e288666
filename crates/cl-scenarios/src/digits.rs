//! The embedded data set.

use crate::{Dataset, Parts};
use flate2::read::GzDecoder;
use std::io::Read;

const EXAMPLES: usize = 1797;
const PIXELS: usize = 64;
const CLASSES: usize = 10;
static FILE: &[u8] = include_bytes!("../data/digits.gz");

/// The UCI optical digits as scikit-learn ships them: 1,797 images of 8x8 pixels, values 0 to 16
/// (Alpaydin & Kaynak 1998, CC BY 4.0; provenance in `data/README.md`).
///
/// Within a class, in file order, positions 4, 9, 14, ... are test; of what remains, again within the
/// class, positions 4, 9, 14, ... are validation; the rest is train: 1,157 / 285 / 355 images. The
/// lists of indices are in file order over all classes.
#[must_use]
pub fn digits() -> Dataset {
    let mut images = Vec::with_capacity(EXAMPLES * (PIXELS + 1));
    // The bytes are part of this library, so a failure here is ours and not the caller's.
    GzDecoder::new(FILE).read_to_end(&mut images).expect("the embedded digits decompress");
    let labels = images.split_off(EXAMPLES * PIXELS);
    let parts = every_fifth(&labels);
    Dataset::new("digits", (8, 8), CLASSES, 1.0 / 16.0, images, labels, parts)
        .expect("the embedded digits are a data set")
}

fn every_fifth(labels: &[u8]) -> Parts {
    let mut parts = Parts::default();
    let (mut seen, mut remaining) = ([0_usize; CLASSES], [0_usize; CLASSES]);
    for (index, &label) in (0_u32..).zip(labels) {
        let class = usize::from(label);
        let (position, rest) = (seen[class], remaining[class]);
        seen[class] += 1;
        if position % 5 == 4 {
            parts.test.push(index);
            continue;
        }
        remaining[class] += 1;
        if rest % 5 == 4 {
            parts.validation.push(index);
        } else {
            parts.train.push(index);
        }
    }
    parts
}
