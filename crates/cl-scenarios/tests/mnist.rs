//! Real MNIST, where it is at hand.

use cl_scenarios::mnist;
use std::path::Path;

/// Facts that every description of MNIST repeats: sizes, the first labels, and the mean 0.1307 by
/// which training pixels are commonly normalised.
#[test]
fn real_mnist_has_the_known_sizes_labels_and_mean() {
    let Some(folder) = std::env::var_os("CONTINUAL_TEST_MNIST") else {
        eprintln!("skipped: real MNIST (set CONTINUAL_TEST_MNIST)");
        return;
    };
    let data = mnist(Some(Path::new(&folder))).unwrap();
    assert_eq!((data.width, data.height, data.classes, data.examples()), (28, 28, 10, 70_000));
    assert!(data.train.iter().copied().eq(0..60_000));
    assert!(data.test.iter().copied().eq(60_000..70_000));
    assert!(data.validation.is_empty());
    assert_eq!(data.labels[..5], [5, 0, 4, 1, 9]);
    assert_eq!(data.labels[60_000..60_005], [7, 2, 1, 0, 4]);
    let pixels = &data.images[..60_000 * 784];
    let sum: u64 = pixels.iter().map(|&pixel| u64::from(pixel)).sum();
    let mean = sum as f64 * f64::from(data.scale) / pixels.len() as f64;
    assert!((mean - 0.1307).abs() < 1e-4, "mean {mean}");
}

/// The files of MNIST and Fashion-MNIST have the same names and sizes.
#[test]
fn mnist_is_not_taken_for_fashion_mnist() {
    let Some(folder) = std::env::var_os("CONTINUAL_TEST_MNIST") else {
        eprintln!("skipped: real MNIST (set CONTINUAL_TEST_MNIST)");
        return;
    };
    let error = cl_scenarios::fashion_mnist(Some(Path::new(&folder))).unwrap_err().to_string();
    assert!(error.ends_with("the files are those of mnist, not of fashion-mnist"), "{error}");
}
