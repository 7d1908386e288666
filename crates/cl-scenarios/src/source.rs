//! Data sets by name, and where their files are looked for.

use crate::{Dataset, Error, digits, fashion_mnist, mnist, names};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The environment variable that names a folder of data sets.
const VARIABLE: &str = "CONTINUAL_DATA";
/// Where Debian's package `dataset-fashion-mnist` puts the folder `fashion-mnist`.
const DEBIAN: &str = "/usr/share/datasets";

/// A data set that this crate can load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DatasetName {
    /// [`digits`]: embedded.
    Digits,
    /// [`mnist`]: from files.
    Mnist,
    /// [`fashion_mnist`]: from files.
    FashionMnist,
}

impl DatasetName {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Digits, Self::Mnist, Self::FashionMnist];

    /// Loads the data set; `folder` says where its files are and means nothing for the embedded one.
    ///
    /// # Errors
    /// As [`mnist`]; none for the embedded one.
    pub fn load(self, folder: Option<&Path>) -> Result<Dataset, Error> {
        match self {
            Self::Digits => Ok(digits()),
            Self::Mnist => mnist(folder),
            Self::FashionMnist => fashion_mnist(folder),
        }
    }
}

impl fmt::Display for DatasetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Digits => "digits",
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion-mnist",
        })
    }
}

impl FromStr for DatasetName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        names::find("data set", name, &Self::ALL)
    }
}

/// The folders in which the files of `name` are looked for, in order.
///
/// An `explicit` folder is the only one: data from elsewhere would not be what was asked for. Else
/// `$CONTINUAL_DATA`, `continual` in the user's cache folder and, for Fashion-MNIST, where Debian's
/// `dataset-fashion-mnist` puts it. Of each, first the subfolder with the data set's name (a folder
/// may hold several data sets), then the folder itself. Empty for the embedded data set.
#[must_use]
pub fn data_folders(name: DatasetName, explicit: Option<&Path>) -> Vec<PathBuf> {
    let variable = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = directories::BaseDirs::new().map(|base| base.cache_dir().join("continual"));
    folders(name, explicit, variable, cache)
}

fn folders(
    name: DatasetName,
    explicit: Option<&Path>,
    variable: Option<PathBuf>,
    cache: Option<PathBuf>,
) -> Vec<PathBuf> {
    let debian = (name == DatasetName::FashionMnist).then(|| PathBuf::from(DEBIAN));
    let roots: Vec<PathBuf> = match (name, explicit) {
        (DatasetName::Digits, _) => Vec::new(),
        (_, Some(folder)) => vec![folder.to_owned()],
        (_, None) => [variable, cache, debian].into_iter().flatten().collect(),
    };
    roots.into_iter().flat_map(|root| [root.join(name.to_string()), root]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_come_in_the_documented_order() {
        let all = |name, explicit: Option<&str>| -> Vec<String> {
            folders(name, explicit.map(Path::new), Some("/v".into()), Some("/c".into()))
                .iter()
                .map(|folder| folder.display().to_string())
                .collect()
        };
        assert_eq!(
            all(DatasetName::FashionMnist, None),
            [
                "/v/fashion-mnist",
                "/v",
                "/c/fashion-mnist",
                "/c",
                "/usr/share/datasets/fashion-mnist",
                "/usr/share/datasets"
            ]
        );
        assert_eq!(all(DatasetName::Mnist, None), ["/v/mnist", "/v", "/c/mnist", "/c"]);
        assert_eq!(all(DatasetName::Mnist, Some("/d")), ["/d/mnist", "/d"]);
        assert!(all(DatasetName::Digits, Some("/d")).is_empty());
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for name in DatasetName::ALL {
            assert_eq!(name.to_string().parse::<DatasetName>().unwrap(), name);
        }
        let message = "minst".parse::<DatasetName>().unwrap_err().to_string();
        assert_eq!(
            message,
            "data set \"minst\" is unknown: expected one of digits, mnist, fashion-mnist"
        );
    }
}
