//! What can go wrong.

use std::path::PathBuf;

/// Errors of loading data and of building streams.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name that stands for nothing.
    #[error("{kind} {name:?} is unknown: expected one of {}", known.join(", "))]
    UnknownName {
        /// What was to be named, such as `scenario`.
        kind: &'static str,
        /// What was given.
        name: String,
        /// What would have been understood.
        known: Vec<String>,
    },

    /// No folder holds the data set.
    #[error(
        "{dataset}: no files found; looked in {}. Put {} (each as it is or with .gz) into one of these \
         folders, or name their folder with --data or $CONTINUAL_DATA",
        paths(folders), crate::mnist::FILES.join(", ")
    )]
    DataNotFound {
        /// The data set's name.
        dataset: String,
        /// Every folder looked at, in order.
        folders: Vec<PathBuf>,
    },

    /// Some files of a data set are there, this one is not.
    #[error("{}: missing (looked for it as it is and with .gz), while other files of {dataset} lie beside it", path.display())]
    MissingFile {
        /// The data set's name.
        dataset: String,
        /// The missing file, without `.gz`.
        path: PathBuf,
    },

    /// A file holds another data set than the one asked for.
    #[error("{}: the files are those of {found}, not of {wanted}", folder.display())]
    OtherDataset {
        /// The folder of the files.
        folder: PathBuf,
        /// What they hold.
        found: String,
        /// What was asked for.
        wanted: String,
    },

    /// A file cannot be read or decompressed.
    #[error("{}: cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },

    /// A file ends too early.
    #[error("{}: truncated: {found} bytes, expected {expected}{}; fetch it again", path.display(), unpacked(*gz))]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes there, after decompression.
        found: u64,
        /// Bytes that its header calls for, the header included.
        expected: u64,
        /// Whether the file is compressed.
        gz: bool,
    },

    /// A file goes on after its last value.
    #[error("{}: oversized: expected {expected} bytes{} by its header, but more follow", path.display(), unpacked(*gz))]
    Oversized {
        /// The file.
        path: PathBuf,
        /// Bytes that its header calls for, the header included.
        expected: u64,
        /// Whether the file is compressed.
        gz: bool,
    },

    /// A file that is no IDX file of the expected kind.
    #[error("{}: not an IDX file of {what}: it begins with {found:#010x}, expected {expected:#010x}", path.display())]
    ForeignMagic {
        /// The file.
        path: PathBuf,
        /// `images` or `labels`.
        what: &'static str,
        /// Its first four bytes, big-endian.
        found: u32,
        /// What they should be.
        expected: u32,
    },

    /// Dimensions whose product no file can hold.
    #[error("{}: its dimensions {dimensions:?} overflow", path.display())]
    DimensionOverflow {
        /// The file.
        path: PathBuf,
        /// The dimensions in its header.
        dimensions: Vec<u32>,
    },

    /// Images of another size.
    #[error("{}: images of {height}x{width} pixels, expected 28x28", path.display())]
    ImageSize {
        /// The file.
        path: PathBuf,
        /// Rows in its header.
        height: u32,
        /// Columns in its header.
        width: u32,
    },

    /// A file without examples.
    #[error("{}: holds no {what}, expected at least one", path.display())]
    EmptyFile {
        /// The file.
        path: PathBuf,
        /// `images` or `labels`.
        what: &'static str,
    },

    /// A label in a file that names no class.
    #[error("{}: label {label} at position {position} is out of range, expected below {classes}", path.display())]
    LabelOutOfRange {
        /// The file.
        path: PathBuf,
        /// Which label, counted from 0.
        position: usize,
        /// Its value.
        label: u8,
        /// The number of classes.
        classes: usize,
    },

    /// Images and labels that do not belong together.
    #[error("{}: {images} images, but {} holds {labels} labels", images_path.display(), labels_path.display())]
    CountMismatch {
        /// The file of images.
        images_path: PathBuf,
        /// How many it holds.
        images: usize,
        /// The file of labels.
        labels_path: PathBuf,
        /// How many it holds.
        labels: usize,
    },

    /// A table that is no data set.
    #[error("data set {name}: {problem}")]
    InvalidDataset {
        /// The data set's name.
        name: String,
        /// What is wrong, and what was expected.
        problem: String,
    },

    /// A stream that cannot be cut from the data.
    #[error("{protocol} stream of {contexts} contexts over {dataset}: {problem}")]
    InvalidStream {
        /// `split`, `permuted` or `rotated`.
        protocol: String,
        /// How many contexts were asked for.
        contexts: usize,
        /// The data set's name.
        dataset: String,
        /// What is wrong, and what was expected.
        problem: String,
    },

    /// A fuzzy stream whose transitions would overlap.
    #[error(
        "fuzzy stream: fuzziness {fuzziness}, contexts of {per_context} steps: two transitions would \
         overlap, expected a fuzziness of at most {} steps",
        per_context / 2
    )]
    Fuzziness {
        /// Steps from the middle of a transition to either end.
        fuzziness: u32,
        /// Steps of a context.
        per_context: u32,
    },

    /// A context without examples.
    #[error(
        "{protocol} stream over {dataset}: context {} (classes {classes:?}) has no {part} examples",
        context + 1
    )]
    EmptyContext {
        /// `split`, `permuted` or `rotated`.
        protocol: String,
        /// The data set's name.
        dataset: String,
        /// The context, counted from 0.
        context: usize,
        /// The labels that belong to it.
        classes: Vec<u8>,
        /// `train` or `test`.
        part: &'static str,
    },

    /// Hyper-parameters cannot be chosen on a data set without validation images.
    #[error(
        "{dataset}: has no validation examples, so part `validation` is impossible; \
         use part `final` or split some off its training examples"
    )]
    NoValidation {
        /// The data set's name.
        dataset: String,
    },
}

fn paths(folders: &[PathBuf]) -> String {
    let names: Vec<String> = folders.iter().map(|f| f.display().to_string()).collect();
    names.join(", ")
}

fn unpacked(gz: bool) -> &'static str {
    if gz { " after decompression" } else { "" }
}
