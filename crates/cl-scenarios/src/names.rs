//! Names of the variants of a small enum.

use crate::Error;
use std::fmt::Display;

/// The one of `all` that displays as `name`.
pub(crate) fn find<T: Copy + Display>(
    kind: &'static str,
    name: &str,
    all: &[T],
) -> Result<T, Error> {
    all.iter().copied().find(|item| item.to_string() == name).ok_or_else(|| Error::UnknownName {
        kind,
        name: name.to_owned(),
        known: all.iter().map(T::to_string).collect(),
    })
}
