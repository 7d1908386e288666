//! A network's parameters in a file, so that another run can start with them.

use crate::checkpoint::{MARK, kind_of, little_endian, words, write_atomically};
use crate::error::Error;
use crate::learner::Learner;
use crate::record::THETA;
use cl_nn::ParamValues;
use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorInfo};
use sha2::{Digest, Sha256};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The parameters of a network as a file holds them.
///
/// A safetensors file with a tensor of type F32 for each parameter, under its name (`w1`, `b1`, ..) and
/// in its shape, weights `[in, out]`. Metadata is not read: files of other programs will do.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// Where they were read.
    pub path: PathBuf,
    /// SHA-256 of the file, 64 hexadecimal digits.
    pub sha256: String,
    /// The parameters, in the order of their names.
    pub values: Vec<ParamValues>,
}

impl Weights {
    /// Reads a file. Whether the parameters fit a network shows where one starts with them
    /// ([`Pretrained`](cl_nn::Pretrained)).
    ///
    /// # Errors
    /// [`Error::Weights`]: no file, none of safetensors, a checkpoint, a tensor of another type than F32.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let refused = |problem: String| Error::Weights { path: path.to_owned(), problem };
        // Asked before opening: a pipe would wait for its writer.
        let about = fs::metadata(path).map_err(|error| refused(unread(&error)))?;
        if !about.is_file() {
            return Err(refused("no file, expected one of safetensors".to_owned()));
        }
        let bytes = fs::read(path).map_err(|error| refused(unread(&error)))?;
        let values = decode(&bytes).map_err(refused)?;
        Ok(Self { path: path.to_owned(), sha256: hex(&Sha256::digest(&bytes)), values })
    }

    /// Writes parameters into a file: at any moment it is the earlier file or the whole new one. Equal
    /// parameters give equal bytes.
    ///
    /// # Errors
    /// What the disk refuses; a shape that does not hold as many values as there are.
    pub fn save(values: &[ParamValues], path: &Path) -> io::Result<()> {
        let mut start = 0;
        let info = |value: &ParamValues| {
            let data_offsets = (start, start + 4 * value.floats.len());
            start = data_offsets.1;
            let shape = value.shape.clone();
            (value.name.clone(), TensorInfo { dtype: Dtype::F32, shape, data_offsets })
        };
        let tensors = values.iter().map(info).collect();
        let metadata = Metadata::new(None, tensors).map_err(io::Error::other)?;
        let mut header = serde_json::to_vec(&metadata)?;
        // The format asks for tensors at a multiple of 8 bytes.
        header.resize(header.len().next_multiple_of(8), b' ');
        write_atomically(path, |file| {
            file.write_all(&(header.len() as u64).to_le_bytes())?;
            file.write_all(&header)?;
            let bits = |value: &ParamValues| value.floats.iter().map(|x| x.to_bits()).collect();
            values.iter().try_for_each(|value| {
                let bits: Vec<u32> = bits(value);
                file.write_all(&little_endian(&bits))
            })
        })
    }
}

/// SHA-256 of names, shapes and bits.
pub(crate) fn digest(values: &[ParamValues]) -> String {
    let mut hash = Sha256::new();
    for ParamValues { name, shape, floats } in values {
        hash.update(format!("{name} {shape:?}\n"));
        floats.iter().for_each(|value| hash.update(value.to_le_bytes()));
    }
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unread(error: &io::Error) -> String {
    format!("weights cannot be read: {error}")
}

fn decode(bytes: &[u8]) -> Result<Vec<ParamValues>, String> {
    let expected = "expected safetensors with a network's weights";
    let file = SafeTensors::deserialize(bytes).map_err(|error| match kind_of(bytes) {
        // The header is whole, what follows is not.
        _ if bytes.get(8) == Some(&b'{') => format!("damaged or cut off: {error}; {expected}"),
        kind => format!("{kind}, {expected}"),
    })?;
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
    if metadata.metadata().as_ref().is_some_and(|entries| entries.contains_key(MARK)) {
        return Err(format!("a checkpoint of a run, {expected}"));
    }
    let mut tensors = file.tensors();
    tensors.sort_by(|(one, _), (other, _)| one.cmp(other));
    let value = |(name, tensor): (String, safetensors::tensor::TensorView<'_>)| match tensor.dtype()
    {
        Dtype::F32 => Ok(ParamValues {
            shape: tensor.shape().to_vec(),
            floats: words(tensor.data()).map(f32::from_bits).collect(),
            name,
        }),
        other => Err(format!("tensor `{name}` is of type {other}, expected F32")),
    };
    tensors.into_iter().map(value).collect()
}

impl Learner<'_> {
    /// A member's network as it is: its parameters by name, without those of gates and weight views.
    ///
    /// # Errors
    /// What the device refuses.
    pub fn network_values(&self, member: usize) -> Result<Vec<ParamValues>, Error> {
        let theta = self.session.read(THETA, member)?;
        let params = self.model.network.params();
        let ranges = self.model.layout.ranges().iter();
        let own = ranges.filter(|range| params.iter().any(|spec| spec.name == range.name));
        let value = |range: &cl_nn::ParamRange| ParamValues {
            name: range.name.clone(),
            shape: range.shape.clone(),
            floats: theta[range.floats()].to_vec(),
        };
        Ok(own.map(value).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Vec<ParamValues> {
        let of = |name: &str, shape: &[usize], floats: &[f32]| ParamValues {
            name: name.to_owned(),
            shape: shape.to_vec(),
            floats: floats.to_vec(),
        };
        vec![of("b1", &[2], &[0.1, -0.0]), of("w1", &[1, 2], &[f32::MIN_POSITIVE, 3e38])]
    }

    #[test]
    fn a_file_is_safetensors_to_the_byte_and_comes_back_with_its_bits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        Weights::save(&values(), &path).unwrap();
        let header = r#"{"b1":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"w1":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]}}"#;
        let length = header.len().next_multiple_of(8);
        let mut expected = (length as u64).to_le_bytes().to_vec();
        expected.extend(format!("{header:length$}").bytes());
        for float in [0.1_f32, -0.0, f32::MIN_POSITIVE, 3e38] {
            expected.extend(float.to_le_bytes());
        }
        assert_eq!(fs::read(&path).unwrap(), expected);
        let read = Weights::load(&path).unwrap();
        assert_eq!((read.values, read.sha256.len()), (values(), 64));
        assert_eq!(read.path, path);
    }

    #[test]
    fn what_is_no_file_of_weights_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        let message = |path: &Path| Weights::load(path).unwrap_err().to_string();
        let of = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            let message = message(&path);
            let prefix = format!("{}: ", path.display());
            message.strip_prefix(&prefix).unwrap_or_else(|| panic!("{message}")).to_owned()
        };
        let with = |header: &str, data: usize| {
            let length = header.len().next_multiple_of(8);
            let text = format!("{header:length$}");
            [&(length as u64).to_le_bytes()[..], text.as_bytes(), &vec![0; data]].concat()
        };
        assert_eq!(of(b"hello"), "text, expected safetensors with a network's weights");
        let half = r#"{"w1":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}"#;
        assert_eq!(of(&with(half, 4)), "tensor `w1` is of type F16, expected F32");
        assert!(of(&with(half, 3)).starts_with("damaged or cut off: "));
        let checkpoint = r#"{"__metadata__":{"continual checkpoint":"{}"}}"#;
        let expected = "a checkpoint of a run, expected safetensors with a network's weights";
        assert_eq!(of(&with(checkpoint, 0)), expected);
        assert!(message(folder.path()).ends_with("no file, expected one of safetensors"));
        let missing = message(&folder.path().join("missing"));
        assert!(missing.contains("missing: weights cannot be read: "), "{missing}");
    }
}
