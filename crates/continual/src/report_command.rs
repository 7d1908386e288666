//! `continual report`, and the report that every command with results leaves beside them.

use crate::cli::{ReportFormat, ReportOptions};
use crate::{machine, print};
use anyhow::{Context, Result};
use continual::core::write_atomically;
use continual::report::{Origin, Report};
use continual::{Asked, Error, Named};
use std::path::{Path, PathBuf};

pub(crate) fn run(options: &ReportOptions) -> Result<()> {
    let report = Report::read(&options.folder)?;
    let text = match options.format {
        ReportFormat::Html => match &options.out {
            None => return print::text(&told(&report.write()?)),
            Some(_) => report.html(),
        },
        ReportFormat::Md => report.markdown(),
        ReportFormat::Csv => report.csv(),
        ReportFormat::Json => report.json()?,
    };
    let Some(path) = &options.out else { return print::text(&text) };
    write_atomically(path, |file| file.write_all(text.as_bytes())).map_err(|error| {
        Error::Impossible(format!("--out {}: cannot be written: {error}", path.display()))
    })?;
    print::text(&told(path))
}

/// Where the report is, in one line.
pub(crate) fn told(path: &Path) -> String {
    format!("The report: {}\n", path.display())
}

/// How results in a folder come about.
pub(crate) fn origin(asked: &Asked, folder: &Path) -> Origin {
    let remarks = match asked.is_quick() {
        true => vec!["A quick look: these figures are not comparable with any others.".to_owned()],
        false => Vec::new(),
    };
    Origin {
        command: with_folder(asked.command(), folder),
        file: asked.file(),
        machine: machine::name(),
        remarks,
    }
}

/// The command, with the folder that results go to.
pub(crate) fn with_folder(command: String, folder: &Path) -> String {
    let folder = folder.display().to_string();
    let is_plain = |it: char| it.is_alphanumeric() || "-_./".contains(it);
    match folder.chars().all(is_plain) {
        true => format!("{command} --out {folder}"),
        false => format!("{command} --out '{}'", folder.replace('\'', "'\\''")),
    }
}

/// Ends work whose results have their name with their report: whoever kills this finds the folder unfinished.
pub(crate) fn close(named: Named, folder: &Path, origin: &Origin) -> Result<PathBuf> {
    let written = write(folder, origin);
    named.clear()?;
    written
}

/// Writes the report of finished results. They are there, whatever becomes of it.
pub(crate) fn write(folder: &Path, origin: &Origin) -> Result<PathBuf> {
    let written = origin.write(folder).and_then(|()| Report::read(folder)?.write());
    written.with_context(|| {
        format!("the results are in {}, their report is not written", folder.display())
    })
}
