//! The embedded digits against scikit-learn's `load_digits`.

use cl_scenarios::digits;

fn counts(labels: impl Iterator<Item = u8>) -> [usize; 10] {
    let mut counts = [0; 10];
    labels.for_each(|label| counts[usize::from(label)] += 1);
    counts
}

#[test]
fn the_digits_are_those_of_scikit_learn() {
    let data = digits();
    assert_eq!((data.examples(), data.width, data.height, data.classes), (1797, 8, 8, 10));
    // numpy.bincount(load_digits().target)
    let expected = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180];
    assert_eq!(counts(data.labels.iter().copied()), expected);
    // load_digits().data.sum(), scikit-learn 1.9.1; the same sum by Python over digits.csv.gz.
    assert_eq!(data.images.iter().map(|&pixel| u64::from(pixel)).sum::<u64>(), 561_718);
    assert_eq!(data.images.iter().max(), Some(&16));
    assert_eq!(data.scale * 16.0, 1.0);
    assert_eq!(data.checksum, "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826");
}

/// First and last line of digits.csv.gz.
#[test]
fn the_first_and_the_last_image_are_those_of_the_source() {
    let data = digits();
    #[rustfmt::skip]
    let first = [
        0, 0,  5, 13,  9,  1,  0, 0,
        0, 0, 13, 15, 10, 15,  5, 0,
        0, 3, 15,  2,  0, 11,  8, 0,
        0, 4, 12,  0,  0,  8,  8, 0,
        0, 5,  8,  0,  0,  9,  8, 0,
        0, 4, 11,  0,  1, 12,  7, 0,
        0, 2, 14,  5, 10, 12,  0, 0,
        0, 0,  6, 13, 10,  0,  0, 0,
    ];
    #[rustfmt::skip]
    let last = [
        0, 0, 10, 14,  8,  1,  0, 0,
        0, 2, 16, 14,  6,  1,  0, 0,
        0, 0, 15, 15,  8, 15,  0, 0,
        0, 0,  5, 16, 16, 10,  0, 0,
        0, 0, 12, 15, 15, 12,  0, 0,
        0, 4, 16,  6,  4, 16,  6, 0,
        0, 8, 16, 10,  8, 16,  8, 0,
        0, 1,  8, 12, 14, 12,  1, 0,
    ];
    assert_eq!((data.image(0), data.labels[0]), (&first[..], 0));
    assert_eq!((data.image(1796), data.labels[1796]), (&last[..], 8));
}

/// Counts, index sums and first indices by a Python loop over the labels of digits.csv.gz.
#[test]
fn every_fifth_of_a_class_is_test_and_every_fifth_of_the_rest_validation() {
    let data = digits();
    let per_class = |part: &[u32]| counts(part.iter().map(|&i| data.labels[i as usize]));
    assert_eq!(per_class(&data.train), [115, 117, 114, 118, 116, 117, 116, 116, 112, 116]);
    assert_eq!(per_class(&data.validation), [28, 29, 28, 29, 29, 29, 29, 28, 28, 28]);
    assert_eq!(per_class(&data.test), [35, 36, 35, 36, 36, 36, 36, 35, 34, 36]);
    let sum = |part: &[u32]| part.iter().sum::<u32>();
    assert_eq!(
        [sum(&data.train), sum(&data.validation), sum(&data.test)],
        [1_032_149, 259_471, 322_086]
    );
    assert_eq!(data.test[..8], [33, 36, 37, 40, 44, 47, 51, 58]);
    assert_eq!(data.validation[..8], [35, 39, 48, 52, 53, 54, 56, 60]);
}
