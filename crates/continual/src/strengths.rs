//! The strengths that were chosen on validation images or published, by data set, scenario and
//! strategy.

use crate::Error;
use crate::Preset;
use cl_scenarios::{Protocol, Scenario};
use std::collections::BTreeMap;
use std::path::Path;

/// The file, as it was when this program was built.
const BUILT_IN: &str = include_str!("../data/strengths.toml");

/// For which runs a strength was chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// The data set.
    pub dataset: String,
    /// How contexts are made.
    pub protocol: Protocol,
    /// Whose conventions.
    pub preset: Preset,
    /// The scenario.
    pub scenario: Scenario,
}

impl Key {
    /// The file's section: `digits.split.paper.class`.
    #[must_use]
    pub fn section(&self) -> String {
        let Self { dataset, protocol, preset, scenario } = self;
        format!("{dataset}.{protocol}.{preset}.{scenario}")
    }
}

type Hypers = BTreeMap<String, f64>;
type Strategies = BTreeMap<String, Hypers>;
type Scenarios = BTreeMap<String, Strategies>;
type Presets = BTreeMap<String, Scenarios>;
type Protocols = BTreeMap<String, Presets>;

/// A file of strengths.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Strengths(BTreeMap<String, Protocols>);

impl Strengths {
    /// The strengths that come with this program.
    ///
    /// # Errors
    /// None, if the program was built from a tested state.
    pub fn built_in() -> Result<Self, Error> {
        Self::parse(BUILT_IN, "data/strengths.toml")
    }

    /// Reads TOML; `file` names it in messages.
    ///
    /// # Errors
    /// What is not a table of tables down to numbers.
    pub fn parse(text: &str, file: &str) -> Result<Self, Error> {
        toml::from_str(text).map(Self).map_err(|error| Error::Strengths {
            file: file.to_owned(),
            problem: error.message().replace('\n', " "),
        })
    }

    /// The strength of `strategy.hyper`, where one was chosen.
    #[must_use]
    pub fn get(&self, key: &Key, strategy: &str, hyper: &str) -> Option<f64> {
        let presets = self.0.get(&key.dataset)?.get(&key.protocol.to_string())?;
        let scenarios = presets.get(&key.preset.to_string())?;
        scenarios.get(&key.scenario.to_string())?.get(strategy)?.get(hyper).copied()
    }

    /// Every strength as (section, strategy, hyper-parameter, value).
    #[must_use]
    pub fn all(&self) -> Vec<(String, &str, &str, f64)> {
        let mut all = Vec::new();
        for (dataset, protocols) in &self.0 {
            for (protocol, presets) in protocols {
                for (preset, scenarios) in presets {
                    for (scenario, strategies) in scenarios {
                        let section = format!("{dataset}.{protocol}.{preset}.{scenario}");
                        for (strategy, hypers) in strategies {
                            all.extend(hypers.iter().map(|(hyper, &value)| {
                                (section.clone(), strategy.as_str(), hyper.as_str(), value)
                            }));
                        }
                    }
                }
            }
        }
        all
    }

    /// Whether [`write`](Self::write) would go well, said before hours of tuning: the file is written as it is, or made
    /// and taken away.
    ///
    /// # Errors
    /// As there.
    pub fn check_writable(path: &Path) -> Result<(), Error> {
        let is_new = !path.exists();
        Self::write(path, &[])?;
        let gone = if is_new { std::fs::remove_file(path) } else { Ok(()) };
        gone.map_err(|source| Error::Write { path: path.to_owned(), source })
    }

    /// Writes strengths into a file of them, (section, `strategy.hyper`, value) each; comments and
    /// all other lines stay as they are. At any moment the file is the earlier one or the whole new one.
    ///
    /// # Errors
    /// A file that is not one of strengths, or cannot be read or written.
    pub fn write(path: &Path, chosen: &[(String, String, f64)]) -> Result<(), Error> {
        let failed = |source| Error::Write { path: path.to_owned(), source };
        let mut text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed(error)),
        };
        Self::parse(&text, &path.display().to_string())?;
        for (section, name, value) in chosen {
            text = with_line(&text, section, name, *value);
        }
        Self::parse(&text, &path.display().to_string())?;
        cl_core::write_atomically(path, |file| file.write_all(text.as_bytes())).map_err(failed)
    }
}

/// The text with `name = value` in a section, in place of the line that was there.
fn with_line(text: &str, section: &str, name: &str, value: f64) -> String {
    let header = format!("[{section}]");
    let line = format!("{name} = {value:e}");
    let mut lines: Vec<&str> = text.lines().collect();
    let Some(start) = lines.iter().position(|line| line.trim() == header) else {
        let gap = if text.is_empty() { "" } else { "\n" };
        return format!("{}{gap}{header}\n{line}\n", ended(text));
    };
    let body = start + 1;
    let length = lines[body..].iter().take_while(|line| !line.starts_with('[')).count();
    let end = body + length;
    let sets = |line: &&str| line.split_once('=').is_some_and(|(key, _)| key.trim() == name);
    match lines[body..end].iter().position(sets) {
        Some(at) => lines[body + at] = &line,
        None => {
            let filled = lines[body..end]
                .iter()
                .rposition(|line| !line.trim().is_empty() && !line.starts_with('#'));
            lines.insert(filled.map_or(body, |at| body + at + 1), &line);
        }
    }
    lines.join("\n") + "\n"
}

/// The text with a line break at its end.
fn ended(text: &str) -> String {
    let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("{text}{gap}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choose;
    use crate::registry::{Numbers, find};
    use cl_scenarios::DatasetName;

    #[test]
    fn every_name_in_the_file_is_known() {
        for (section, strategy, hyper, value) in Strengths::built_in().unwrap().all() {
            let parts: Vec<&str> = section.split('.').collect();
            choose("data set", parts[0], &DatasetName::ALL).unwrap();
            choose("protocol", parts[1], &Protocol::ALL).unwrap();
            choose("preset", parts[2], &Preset::ALL).unwrap();
            choose("scenario", parts[3], &Scenario::ALL).unwrap();
            let about = find(strategy).unwrap().hyper(hyper).unwrap();
            assert!((value as f32).is_finite() && value >= 0.0, "{strategy}.{hyper}");
            assert!(about.numbers == Numbers::Real || value.fract() == 0.0, "{strategy}.{hyper}");
        }
    }

    #[test]
    fn a_strength_is_replaced_in_its_section_only_and_comments_stay() {
        let text = "# how\n[digits.split.paper.task]\newc.lambda = 1e1\n\n\
                    [digits.split.paper.class]\n# why\newc.lambda = 1e2\nsi.c = 5\n";
        let after = with_line(text, "digits.split.paper.class", "ewc.lambda", 1000.0);
        assert_eq!(after, text.replace("ewc.lambda = 1e2", "ewc.lambda = 1e3"));
        let added = with_line(text, "digits.split.paper.task", "si.c", 0.01);
        assert_eq!(added, text.replace("1e1\n", "1e1\nsi.c = 1e-2\n"));
        let new = with_line(text, "mnist.split.vdv.task", "si.c", 10.0);
        assert_eq!(new, format!("{text}\n[mnist.split.vdv.task]\nsi.c = 1e1\n"));
        for text in [after, added, new] {
            Strengths::parse(&text, "test").unwrap();
        }
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_no_other_file_is_touched() {
        let folder = tempfile::tempdir().unwrap();
        let [path, other] = ["mine.toml", "mine.toml.partial"].map(|name| folder.path().join(name));
        std::fs::write(&other, "another's").unwrap();
        let section = "digits.split.paper.class".to_owned();
        for value in [5.0, 7.0] {
            Strengths::write(&path, &[(section.clone(), "si.c".to_owned(), value)]).unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "[digits.split.paper.class]\nsi.c = 7e0\n");
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "another's");
        // Nothing is changed by asking, and nothing left.
        Strengths::check_writable(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        Strengths::check_writable(&folder.path().join("new.toml")).unwrap();
        assert!(Strengths::check_writable(&folder.path().join("none/new.toml")).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_file_that_holds_no_strengths_is_refused_in_one_line() {
        let error = Strengths::parse("digits = 3\n", "mine.toml").unwrap_err().to_string();
        assert!(error.starts_with("mine.toml: ") && !error.contains('\n'), "{error}");
    }
}
