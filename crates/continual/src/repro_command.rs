//! `continual repro`.

use crate::cli::ReproOptions;
use crate::progress::Bar;
use crate::{interrupt, machine, print, report_command};
use anyhow::{Context, Result};
use continual::core::write_atomically;
use continual::make_folder;
use continual::report::Origin;
use continual::repro::{PublishedTable, Reproduction, Wanted, page};
use continual::{
    Asked, Bench, CellCost, CheckpointEvery, Earlier, Error, Strengths, Unfinished, Work,
};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Runs what is missing, cell by cell, and writes the page after each.
pub(crate) fn run(options: &ReproOptions) -> Result<()> {
    let table = PublishedTable::read(&options.table)?;
    let usual = Path::new("target/repro").join(&table.name);
    let folder = options.out.clone().unwrap_or(usual);
    let wanted = Wanted {
        seeds: options.seeds,
        only: options.only.clone(),
        data: options.data.clone(),
        threads: options.threads,
        device: options.device.clone(),
    };
    let reproduction = Reproduction::new(table, wanted, &folder)?;
    let path = options.page.clone();
    let path = path.unwrap_or_else(|| folder.join(format!("{}.md", reproduction.table.name)));
    make_folder(&folder)?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        make_folder(folder)?;
    }
    let mut open = Vec::new();
    for target in reproduction.targets.iter().filter(|target| target.is_wanted) {
        open.extend(reproduction.missing(target)?);
    }
    let every = options.checkpoint_every.unwrap_or_default();
    let end = options.budget_minutes.map(|minutes| Instant::now() + minutes_of(minutes));
    let stop = interrupt::install()?;
    if let Some(end) = end {
        stop_at(end, &stop);
    }
    let mut bar = Bar::new(&open.iter().map(|(.., cost)| *cost).collect::<Vec<CellCost>>());
    let count = open.len();
    for (done, (asked, folder, _)) in open.into_iter().enumerate() {
        let told = || format!("{done} of {count} cells are done; the same command goes on");
        let out_of_time = || end.is_some_and(|end| Instant::now() >= end);
        if out_of_time() {
            break;
        }
        let trained = train(&asked, &folder, every, &stop, &mut bar);
        write(&reproduction, &path)?;
        match trained {
            Err(error) if is_interruption(&error) && out_of_time() => break,
            trained => trained.with_context(told)?,
        }
    }
    drop(bar);
    write(&reproduction, &path)?;
    let left = reproduction
        .targets
        .iter()
        .filter(|target| target.is_wanted)
        .map(|target| Ok(usize::from(reproduction.missing(target)?.is_some())))
        .sum::<Result<usize>>()?;
    let mut text = page(&reproduction, &machine::name())?;
    if left > 0 {
        text += &format!("\nThe time is up: {left} cells are left, the same command goes on.\n");
    }
    text += &format!("\nThe page: {}\n", path.display());
    if reproduction.has_results() {
        let report = report_command::write(&folder, &origin(options, &folder))?;
        text += &report_command::told(&report);
    }
    print::text(&text)
}

/// How the results of all cells come about.
fn origin(options: &ReproOptions, folder: &Path) -> Origin {
    let mut command =
        format!("continual repro {} --seeds {}", options.table.display(), options.seeds);
    if !options.only.is_empty() {
        command += &format!(" --only {}", options.only.join(","));
    }
    let command = report_command::with_folder(command, folder);
    Origin { command, file: None, machine: machine::name(), remarks: Vec::new() }
}

fn minutes_of(minutes: f64) -> Duration {
    Duration::try_from_secs_f64(60.0 * minutes).unwrap_or(Duration::MAX / 4)
}

fn is_interruption(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Error>().is_some_and(Error::is_interruption)
}

fn write(reproduction: &Reproduction, path: &Path) -> Result<()> {
    let text = page(reproduction, &machine::name())?;
    if let Some(folder) = path.parent().filter(|folder| *folder != Path::new("")) {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("{}: the folder cannot be made", folder.display()))?;
    }
    write_atomically(path, |file| std::io::Write::write_all(file, text.as_bytes()))
        .with_context(|| format!("{}: cannot be written", path.display()))
}

/// Trains one cell, from where an earlier process left it if that was the same.
fn train(
    asked: &Asked,
    folder: &Path,
    every: CheckpointEvery,
    stop: &Arc<AtomicBool>,
    bar: &mut Bar,
) -> Result<()> {
    let bench = asked.bench(&Strengths::built_in()?)?;
    let costs = bench.costs()?;
    let mut work = begin(asked, &bench, folder, every)?.stopping(Arc::clone(stop));
    match bench.run(&costs, bar, &mut work) {
        Ok(finished) => {
            work.finish(&finished.diverged)?;
            finished.failure().map_or(Ok(()), |error| Err(error.into()))
        }
        Err(error) => {
            work.leave(&error);
            Err(error.into())
        }
    }
}

/// Unfinished work of other settings is of no use for this table.
fn begin(asked: &Asked, bench: &Bench, folder: &Path, every: CheckpointEvery) -> Result<Work> {
    if let Ok(unfinished) = Unfinished::open(folder)
        && let Ok(work) = unfinished.work(bench, every)
    {
        return Ok(work);
    }
    Ok(Work::begin(folder, asked, bench, every, Earlier::Discard)?)
}

/// Asks to stop when the time is up, as a person would.
fn stop_at(end: Instant, stop: &Arc<AtomicBool>) {
    let stop = Arc::clone(stop);
    std::thread::spawn(move || {
        std::thread::sleep(end.saturating_duration_since(Instant::now()));
        stop.store(true, Ordering::Relaxed);
    });
}
