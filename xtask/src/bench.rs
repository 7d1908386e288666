//! `cargo xtask bench` and `cargo xtask resume`: the `continual` binary in release mode, with every
//! argument passed on.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::workspace::{Workspace, cargo, passed_on, unknown};

const BENCH: &str = "\
Builds the `continual` binary in release mode and runs `continual bench` with the options given.

  cargo xtask bench                                  digits, three scenarios, 5 seeds
  cargo xtask bench --quick                          a look: 100 steps per context, 2 seeds
  cargo xtask bench --scenario class --strategy none,er,joint
  cargo xtask bench --dataset mnist --data DIR --preset vdv
  cargo xtask bench --dry-run                        what would run, and what it would cost

All options, from the program itself:
";

const RESUME: &str = "\
Builds the `continual` binary in release mode and runs `continual resume` with the options given.

  cargo xtask resume target/bench                    go on with an interrupted `cargo xtask bench`

All options, from the program itself:
";

const REPRO: &str = "\
Builds the `continual` binary in release mode and runs `continual repro` on a table of docs/repro.

  cargo xtask repro split-mnist --data DIR           all rows, 2 seeds
  cargo xtask repro split-mnist --seeds 20           the published number of seeds
  cargo xtask repro split-mnist --only none,ewc --budget-minutes 10

All options, from the program itself:
";

pub(crate) fn bench(arguments: &[OsString]) -> Result<ExitCode> {
    run("bench", BENCH, arguments)
}

pub(crate) fn resume(arguments: &[OsString]) -> Result<ExitCode> {
    run("resume", RESUME, arguments)
}

/// A table by its name in docs/repro, or by the path of its file.
pub(crate) fn repro(arguments: &[OsString]) -> Result<ExitCode> {
    let mut arguments = arguments.to_vec();
    if let Some(first) = arguments.first_mut()
        && !first.to_string_lossy().contains(['.', '/', '\\'])
        && !first.to_string_lossy().starts_with('-')
    {
        let name = first.to_string_lossy().into_owned();
        let folder = Workspace::load()?.root.join("docs/repro");
        let path = folder.join(format!("{name}.toml"));
        if !path.exists() {
            let tables = std::fs::read_dir(&folder)?.flatten().map(|entry| entry.path());
            let tables = tables.filter(|path| path.extension().is_some_and(|it| it == "toml"));
            let stems =
                tables.filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()));
            let names: Vec<String> = stems.collect();
            bail!("{}", unknown("table", &name, names.iter().map(String::as_str)));
        }
        *first = path.into_os_string();
    }
    run("repro", REPRO, &arguments)
}

fn run(verb: &str, help: &str, arguments: &[OsString]) -> Result<ExitCode> {
    if arguments.iter().any(|a| a == "--help" || a == "-h") {
        println!("{help}");
    }
    let build = ["build", "--release", "--package", "continual", "--bin", "continual"];
    let gpu: &[&str] = if wants_gpu(arguments) { &["--features", "gpu"] } else { &[] };
    let built = cargo().args(build).args(gpu).status().context("cannot start `cargo build`")?;
    if !built.success() {
        return Ok(passed_on(built));
    }
    let name = format!("continual{}", std::env::consts::EXE_SUFFIX);
    let program = Workspace::load()?.target.join("release").join(name);
    // Short where that is possible: the program tells by this name how to go on.
    let here = std::env::current_dir().unwrap_or_default();
    let program = program.strip_prefix(here).unwrap_or(&program);
    become_or_start(Command::new(program).arg(verb).args(arguments))
        .with_context(|| format!("cannot start {}", program.display()))
}

/// Whether a device other than the CPU is asked for: only then is wgpu built.
fn wants_gpu(arguments: &[OsString]) -> bool {
    let texts = arguments.iter().map(|it| it.to_string_lossy());
    let values = texts.clone().skip(1).zip(texts.clone());
    let apart = values.filter(|(_, option)| option == "--device").map(|(value, _)| value);
    let joined = texts.filter_map(|it| Some(it.strip_prefix("--device=")?.to_owned().into()));
    apart.chain(joined).any(|value: std::borrow::Cow<'_, str>| value != "cpu")
}

/// In place of this process: Ctrl-C and signals reach the program alone, and nobody prompts before it
/// has saved.
#[cfg(unix)]
fn become_or_start(program: &mut Command) -> std::io::Result<ExitCode> {
    Err(std::os::unix::process::CommandExt::exec(program))
}

#[cfg(not(unix))]
fn become_or_start(program: &mut Command) -> std::io::Result<ExitCode> {
    program.status().map(passed_on)
}
