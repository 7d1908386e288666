//! Values of the file, with the lines on which they stand.

use super::schema::{self, Table};
use crate::nearest::unknown;
use crate::{Error, choose};
use std::fmt::Display;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The file's text, for messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'t> {
    pub name: &'t str,
    pub text: &'t str,
}

impl<'t> Source<'t> {
    /// The file and the line, counted from 1.
    pub(crate) fn place(&self, span: &Range<usize>) -> String {
        let before = self.text.as_bytes().get(..span.start).unwrap_or_default();
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        format!("{}:{line}", self.name)
    }

    pub(crate) fn parse(&self) -> Result<DeTable<'t>, Error> {
        let refused = |error: toml::de::Error| {
            let place = match error.span() {
                Some(span) => self.place(&span),
                None => self.name.to_owned(),
            };
            let message = error.message().replace('\n', " ");
            Error::Impossible(format!("not TOML: {message}")).at(place)
        };
        Ok(DeTable::parse(self.text).map_err(refused)?.into_inner())
    }

    /// The values of a table, in the order of the file.
    pub(crate) fn entries(&self, path: &str, table: &'t DeTable<'t>) -> Vec<Entry<'t>> {
        let dot = if path.is_empty() { "" } else { "." };
        let mut entries: Vec<Entry<'t>> = table
            .iter()
            .map(|(key, value)| Entry {
                source: *self,
                path: format!("{path}{dot}{}", key.get_ref()),
                key: key.get_ref(),
                at: key.span(),
                value,
            })
            .collect();
        entries.sort_by_key(|entry| entry.at.start);
        entries
    }
}

/// A table of the schema, every key of it known.
#[derive(Debug)]
pub(crate) struct Section<'t> {
    pub source: Source<'t>,
    pub entries: Vec<Entry<'t>>,
}

impl<'t> Section<'t> {
    /// Refuses keys that the table does not have.
    pub(crate) fn new(
        source: Source<'t>,
        about: &'static Table,
        table: &'t DeTable<'t>,
    ) -> Result<Self, Error> {
        let entries = source.entries(about.name, table);
        let mut known: Vec<&str> = about.keys.iter().map(|key| key.name).collect();
        if about.name.is_empty() {
            known.extend(schema::TABLES.iter().map(|table| table.name).filter(|n| !n.is_empty()));
        }
        for entry in &entries {
            if known.contains(&entry.key) {
                continue;
            }
            return Err(entry.refused(match schema::home(entry.key) {
                Some(home) => {
                    let home = match home.name {
                        "" => "before the first table".to_owned(),
                        name => format!("in [{name}]"),
                    };
                    Error::Impossible(format!(
                        "{} `{}` is unknown: it stands {home}",
                        about.kind, entry.key
                    ))
                }
                None => unknown(about.kind, entry.key, &known),
            }));
        }
        Ok(Self { source, entries })
    }

    /// The value of a key, if the file has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry<'t>> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Entry<'t> {
    pub source: Source<'t>,
    /// From the top: `training.steps`.
    pub path: String,
    pub key: &'t str,
    /// The key's place, or in a list the value's.
    pub at: Range<usize>,
    pub value: &'t Spanned<DeValue<'t>>,
}

impl<'t> Entry<'t> {
    /// The file and the line.
    pub(crate) fn place(&self) -> String {
        self.source.place(&self.at)
    }

    /// The error with file and line.
    pub(crate) fn refused(&self, error: Error) -> Error {
        error.at(self.place())
    }

    /// The error for a value that is not what was expected.
    pub(crate) fn wrong(&self, expected: impl Into<String>) -> Error {
        let written = self.source.text.get(self.value.span()).unwrap_or_default();
        let mut value: String = written.split_whitespace().collect::<Vec<_>>().join(" ");
        if value.chars().count() > LONGEST {
            value = value.chars().take(LONGEST).collect::<String>() + " ..";
        }
        let mut expected = expected.into();
        if self.value.get_ref().is_array() && !expected.contains("list") {
            expected += "; only hyper-parameters of strategies are swept";
        }
        self.refused(Error::Value { what: self.path.clone(), value, expected })
    }

    /// A text; `expected` says what it should have been.
    pub(crate) fn text(&self, expected: &str) -> Result<&'t str, Error> {
        self.value.get_ref().as_str().ok_or_else(|| self.wrong(expected))
    }

    /// The one of `all` that displays as the text.
    pub(crate) fn choice<T: Copy + Display>(
        &self,
        kind: &'static str,
        all: &[T],
    ) -> Result<T, Error> {
        let known = all.iter().map(|item| format!("\"{item}\"")).collect::<Vec<_>>().join(", ");
        let name = self.text(&format!("one of {known}"))?;
        choose(kind, name, all).map_err(|error| self.refused(error))
    }

    /// A number, whole or not.
    pub(crate) fn number(&self) -> Option<f64> {
        match self.value.get_ref() {
            DeValue::Integer(_) => self.whole().map(|whole| whole as f64),
            DeValue::Float(float) => float.as_str().parse().ok(),
            _ => None,
        }
    }

    /// A whole number.
    pub(crate) fn whole(&self) -> Option<i128> {
        let integer = self.value.get_ref().as_integer()?;
        i128::from_str_radix(integer.as_str(), integer.radix()).ok()
    }

    /// A whole number in a range.
    pub(crate) fn within<T>(&self, least: T, most: T) -> Result<T, Error>
    where
        T: Copy + Display + Into<i128> + TryFrom<i128>,
    {
        let whole = self.whole().filter(|whole| (least.into()..=most.into()).contains(whole));
        whole
            .and_then(|whole| T::try_from(whole).ok())
            .ok_or_else(|| self.wrong(format!("a whole number from {least} to {most}")))
    }

    /// As [`Entry::within`] for sizes.
    pub(crate) fn size(&self, least: usize, most: usize) -> Result<usize, Error> {
        Ok(self.within(least as u64, most as u64)? as usize)
    }

    pub(crate) fn flag(&self) -> Result<bool, Error> {
        self.value.get_ref().as_bool().ok_or_else(|| self.wrong("true or false"))
    }

    /// A table of its own.
    pub(crate) fn table(&self) -> Option<&'t DeTable<'t>> {
        self.value.get_ref().as_table()
    }

    /// The items of a list.
    pub(crate) fn items(&self) -> Option<Vec<Entry<'t>>> {
        let items = self.value.get_ref().as_array()?.iter();
        let entry = |value: &'t Spanned<DeValue<'t>>| Entry {
            source: self.source,
            path: self.path.clone(),
            key: self.key,
            at: value.span(),
            value,
        };
        Some(items.map(entry).collect())
    }

    /// The items of a list, or the value alone.
    pub(crate) fn one_or_more(&self) -> Vec<Entry<'t>> {
        self.items().unwrap_or_else(|| vec![self.clone()])
    }
}

/// More of a value is not repeated in a message.
const LONGEST: usize = 60;
