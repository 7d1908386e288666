//! What a checkpoint holds.

use super::error::CheckpointError;
use super::identity::{Difference, difference};
use super::values::Values;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The state of a population: what it is, where it stands, its slots and its hosts.
///
/// A value of host state or position is JSON: NaN and infinities have no place there (they would be
/// saved as `null`), every other number comes back with its bits.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    pub(super) identity: Value,
    pub(super) position: Value,
    pub(super) hosts: Vec<Value>,
    pub(super) tensors: BTreeMap<Key, Tensor>,
    pub(super) written_by: String,
    /// Where it was read, for messages.
    pub(super) path: PathBuf,
}

#[derive(Clone, Debug)]
pub(super) struct Tensor {
    pub shape: Vec<usize>,
    pub values: Values,
}

/// Slot and member of a tensor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub slot: String,
    pub member: usize,
}

impl Key {
    pub(super) fn new(slot: &str, member: usize) -> Self {
        Self { slot: slot.to_owned(), member }
    }

    /// The reverse of `Display`.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (slot, member) = name.strip_suffix(']')?.rsplit_once('[')?;
        let key = Self::new(slot, member.parse().ok()?);
        (key.to_string() == name).then_some(key)
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}[{}]", self.slot, self.member)
    }
}

impl Checkpoint {
    /// A checkpoint without tensors.
    ///
    /// * `identity`: everything that decides the numbers of the experiment; by it a checkpoint of
    ///   another experiment is refused. An object, so that the refusal can name the field.
    /// * `position`: where the run stands (stage, phase, step).
    /// * `hosts`: what each member keeps beside its slots; their number is that of the members.
    #[must_use]
    pub fn new(identity: Value, position: Value, hosts: Vec<Value>) -> Self {
        Self {
            identity,
            position,
            hosts,
            tensors: BTreeMap::new(),
            written_by: concat!("cl-core ", env!("CARGO_PKG_VERSION")).to_owned(),
            path: PathBuf::from("(not saved)"),
        }
    }

    /// Adds the slot of a member. Nothing is copied.
    ///
    /// # Errors
    /// A member without a host, a shape that does not hold so many values, a slot inserted before.
    pub fn insert(
        &mut self,
        slot: &str,
        member: usize,
        shape: &[usize],
        values: impl Into<Values>,
    ) -> Result<(), CheckpointError> {
        let (key, values) = (Key::new(slot, member), values.into());
        let tensor = key.to_string();
        if member >= self.members() {
            return Err(CheckpointError::NoSuchMember { tensor, members: self.members() });
        }
        let count = shape.iter().try_fold(1_usize, |count, &n| count.checked_mul(n));
        if count != Some(values.len()) {
            let (shape, values) = (shape.to_vec(), values.len());
            return Err(CheckpointError::Count { tensor, shape, values });
        }
        if self.tensors.contains_key(&key) {
            return Err(CheckpointError::Twice { tensor });
        }
        self.tensors.insert(key, Tensor { shape: shape.to_vec(), values });
        Ok(())
    }

    /// What the experiment is.
    #[must_use]
    pub fn identity(&self) -> &Value {
        &self.identity
    }

    /// The crate that wrote it and its version.
    #[must_use]
    pub fn written_by(&self) -> &str {
        &self.written_by
    }

    /// Number of members.
    #[must_use]
    pub fn members(&self) -> usize {
        self.hosts.len()
    }

    /// Where the run stands.
    ///
    /// # Errors
    /// A position that is not a `T`.
    pub fn position<T: DeserializeOwned>(&self) -> Result<T, CheckpointError> {
        self.field(&self.position, || "position".to_owned())
    }

    /// What a member keeps beside its slots.
    ///
    /// # Errors
    /// A member that there is not, a state that is not a `T`.
    pub fn host<T: DeserializeOwned>(&self, member: usize) -> Result<T, CheckpointError> {
        let Some(state) = self.hosts.get(member) else {
            return Err(self.other_members(member + 1));
        };
        self.field(state, || format!("hosts[{member}]"))
    }

    fn field<T: DeserializeOwned>(
        &self,
        value: &Value,
        field: impl FnOnce() -> String,
    ) -> Result<T, CheckpointError> {
        // Not from_value: it would want the value for itself.
        T::deserialize(value).map_err(|source| CheckpointError::Field {
            path: self.path.clone(),
            field: field(),
            source,
        })
    }

    /// Refuses the checkpoint of another experiment.
    ///
    /// # Errors
    /// The first field in which the saved identity differs from that of the run.
    pub fn check_identity(&self, run: &Value) -> Result<(), CheckpointError> {
        let Some(Difference { field, saved, run }) = difference(&self.identity, run) else {
            return Ok(());
        };
        Err(CheckpointError::Identity { path: self.path.clone(), field, saved, run })
    }

    /// Refuses a checkpoint that does not hold exactly these slots for each of so many members.
    ///
    /// # Errors
    /// Another number of members, the first tensor that is missing or unknown.
    pub fn check_slots<'a>(
        &self,
        members: usize,
        slots: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), CheckpointError> {
        if self.members() != members {
            return Err(self.other_members(members));
        }
        let expected: BTreeSet<Key> = slots
            .into_iter()
            .flat_map(|slot| (0..members).map(move |member| Key::new(slot, member)))
            .collect();
        if let Some(key) = expected.iter().find(|key| !self.tensors.contains_key(key)) {
            return Err(self.missing(key));
        }
        match self.tensors.keys().find(|key| !expected.contains(key)) {
            None => Ok(()),
            Some(key) => {
                Err(CheckpointError::Unknown { path: self.path.clone(), tensor: key.to_string() })
            }
        }
    }

    /// A member's slot of numbers.
    ///
    /// # Errors
    /// No such tensor, another shape, indices.
    pub fn f32(
        &self,
        slot: &str,
        member: usize,
        shape: &[usize],
    ) -> Result<&[f32], CheckpointError> {
        match self.values(slot, member, shape)? {
            Values::F32(values) => Ok(values),
            other => Err(self.other_kind(slot, member, other, "f32")),
        }
    }

    /// A member's slot of indices.
    ///
    /// # Errors
    /// No such tensor, another shape, numbers.
    pub fn u32(
        &self,
        slot: &str,
        member: usize,
        shape: &[usize],
    ) -> Result<&[u32], CheckpointError> {
        match self.values(slot, member, shape)? {
            Values::U32(values) => Ok(values),
            other => Err(self.other_kind(slot, member, other, "u32")),
        }
    }

    /// A member's slot, numbers or indices.
    ///
    /// # Errors
    /// No such tensor, another shape.
    pub fn values(
        &self,
        slot: &str,
        member: usize,
        shape: &[usize],
    ) -> Result<&Values, CheckpointError> {
        let key = Key::new(slot, member);
        let Some(tensor) = self.tensors.get(&key) else { return Err(self.missing(&key)) };
        if tensor.shape == shape {
            return Ok(&tensor.values);
        }
        Err(CheckpointError::Shape {
            path: self.path.clone(),
            tensor: key.to_string(),
            saved: tensor.shape.clone(),
            expected: shape.to_vec(),
        })
    }

    fn missing(&self, key: &Key) -> CheckpointError {
        CheckpointError::Missing { path: self.path.clone(), tensor: key.to_string() }
    }

    fn other_members(&self, run: usize) -> CheckpointError {
        CheckpointError::Members { path: self.path.clone(), saved: self.members(), run }
    }

    fn other_kind(
        &self,
        slot: &str,
        member: usize,
        values: &Values,
        expected: &'static str,
    ) -> CheckpointError {
        let (path, tensor) = (self.path.clone(), Key::new(slot, member).to_string());
        CheckpointError::Kind { path, tensor, saved: values.kind(), expected }
    }
}
