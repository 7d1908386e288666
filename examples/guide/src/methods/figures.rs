//! Figures that are expected: the table of the README and the published tables of docs/repro.

use continual::repro::PublishedTable;
use std::error::Error;
use std::path::Path;

/// Rows of tables, as cells without their marks.
pub(super) struct Figures {
    digits: Vec<Vec<String>>,
    repro: Vec<Vec<String>>,
    /// Names of the published rows and the strategies that they are.
    names: Vec<(String, String)>,
}

impl Figures {
    /// Reads both tables; `root` is the repository.
    ///
    /// # Errors
    /// A file that is not there or cannot be understood.
    pub(super) fn read(root: &Path) -> Result<Self, Box<dyn Error>> {
        let text = |file: &str| {
            let path = root.join(file);
            std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
        };
        let table = PublishedTable::read(&root.join("docs/repro/split-mnist.toml"))?;
        let names = table.row.iter().map(|it| (it.name.clone(), it.strategy_name().to_owned()));
        Ok(Self {
            digits: rows(&text("README.md")?, 4),
            repro: rows(&text("docs/repro/split-mnist.md")?, 9),
            names: names.collect(),
        })
    }

    /// Task, domain and class of the table of digits.
    pub(super) fn digits(&self, strategy: &str) -> Option<[&str; 3]> {
        let row = self.digits.iter().find(|row| row[0] == strategy)?;
        Some([&row[1], &row[2], &row[3]])
    }

    /// Scenario, published, ours, seeds of ours and verdict on split MNIST.
    pub(super) fn published(&self, strategy: &str) -> Vec<[&str; 5]> {
        let names = self.names.iter().filter(|(_, own)| own == strategy);
        let rows = names.flat_map(|(name, _)| self.repro.iter().filter(move |row| row[0] == *name));
        rows.map(|row| [&*row[1], &row[2], &row[3], &row[4], &row[7]]).collect()
    }
}

/// The rows of so many cells; a name's mark of a baseline is dropped.
fn rows(text: &str, cells: usize) -> Vec<Vec<String>> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix('|'));
    let rows = lines.map(|line| {
        line.split('|').map(|cell| cell.replace("\\*", "").trim().to_owned()).collect()
    });
    rows.filter(|row: &Vec<String>| row.len() == cells).collect()
}
