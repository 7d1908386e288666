//! IDX files, plain or compressed (<http://yann.lecun.com/exdb/mnist>, "the IDX file format").
//!
//! A file is a big-endian magic number (0, 0, type 8 = unsigned byte, number of dimensions), one
//! big-endian u32 per dimension, and the values. What the header claims is never believed: memory
//! grows with the bytes that are really there, and decompression stops one byte after the claim.

use crate::Error;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Appends the images of the file to `pixels` and returns how many they are.
pub(crate) fn append_images(path: &Path, pixels: &mut Vec<u8>) -> Result<usize, Error> {
    append(path, "images", 0x0000_0803, pixels, |dimensions| match *dimensions {
        [_, 28, 28] => Ok(()),
        [_, height, width] => Err(Error::ImageSize { path: path.to_owned(), height, width }),
        _ => unreachable!("an IDX header of images has three dimensions by its magic number"),
    })
}

/// Appends the labels of the file, each below `classes`, to `labels` and returns how many they are.
pub(crate) fn append_labels(
    path: &Path,
    classes: usize,
    labels: &mut Vec<u8>,
) -> Result<usize, Error> {
    let start = labels.len();
    let count = append(path, "labels", 0x0000_0801, labels, |_| Ok(()))?;
    match labels[start..].iter().position(|&label| usize::from(label) >= classes) {
        None => Ok(count),
        Some(position) => Err(Error::LabelOutOfRange {
            path: path.to_owned(),
            position,
            label: labels[start + position],
            classes,
        }),
    }
}

/// Appends the file's values to `values` and returns its first dimension.
fn append(
    path: &Path,
    what: &'static str,
    magic: u32,
    values: &mut Vec<u8>,
    check: impl FnOnce(&[u32]) -> Result<(), Error>,
) -> Result<usize, Error> {
    let path_buf = || path.to_owned();
    let (mut reader, gz) = open(path).map_err(|source| Error::Read { path: path_buf(), source })?;

    // The magic number comes first: of a foreign file the length says nothing.
    let start = read_up_to(&mut reader, path, 4)?;
    let found = start.len() as u64;
    let &[a, b, c, d] = start.as_slice() else {
        return Err(Error::Truncated { path: path_buf(), found, expected: 4, gz });
    };
    let found = u32::from_be_bytes([a, b, c, d]);
    if found != magic {
        return Err(Error::ForeignMagic { path: path_buf(), what, found, expected: magic });
    }

    let dimension_bytes = u64::from(magic & 0xff) * 4;
    let header = 4 + dimension_bytes;
    let start = read_up_to(&mut reader, path, dimension_bytes)?;
    if (start.len() as u64) < dimension_bytes {
        let found = 4 + start.len() as u64;
        return Err(Error::Truncated { path: path_buf(), found, expected: header, gz });
    }
    let dimensions: Vec<u32> =
        start.chunks_exact(4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]])).collect();
    let size = dimensions
        .iter()
        .try_fold(1_u64, |size, &n| size.checked_mul(n.into()))
        .filter(|size| size.checked_add(header + 1).is_some() && usize::try_from(*size).is_ok());
    let Some(size) = size else {
        return Err(Error::DimensionOverflow { path: path_buf(), dimensions });
    };
    check(&dimensions)?;
    if size == 0 {
        return Err(Error::EmptyFile { path: path_buf(), what });
    }

    let before = values.len();
    let outcome = reader.take(size + 1).read_to_end(values);
    let (read, expected) = ((values.len() - before) as u64, header + size);
    match outcome {
        Err(source) if !(source.kind() == ErrorKind::UnexpectedEof && read < size) => {
            Err(Error::Read { path: path_buf(), source })
        }
        _ if read < size => {
            Err(Error::Truncated { path: path_buf(), found: header + read, expected, gz })
        }
        _ if read > size => Err(Error::Oversized { path: path_buf(), expected, gz }),
        // At most `size`, of which that many bytes were just read, so it fits.
        _ => Ok(dimensions[0] as usize),
    }
}

/// The file's content, decompressed if it begins as gzip does: names do not count.
fn open(path: &Path) -> io::Result<(Box<dyn Read>, bool)> {
    let mut file = BufReader::with_capacity(1 << 16, File::open(path)?);
    let gz = file.fill_buf()?.starts_with(&GZIP);
    Ok(if gz { (Box::new(MultiGzDecoder::new(file)), gz) } else { (Box::new(file), gz) })
}

/// The next `count` bytes, or fewer where the file ends.
fn read_up_to(reader: &mut dyn Read, path: &Path, count: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    match reader.take(count).read_to_end(&mut bytes) {
        Err(source) if source.kind() != ErrorKind::UnexpectedEof => {
            Err(Error::Read { path: path.to_owned(), source })
        }
        _ => Ok(bytes),
    }
}
