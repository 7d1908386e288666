//! `cargo xtask bench` and `cargo xtask resume`: the `continual` binary in release mode, with every
//! argument passed on.

use std::ffi::OsString;
use std::path::Path;
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
    run("bench", BENCH, arguments, Device::of(arguments) == Device::Gpu)
}

pub(crate) fn resume(arguments: &[OsString]) -> Result<ExitCode> {
    let gpu = match Device::of(arguments) {
        Device::Unsaid => arguments.iter().any(|it| began_on_gpu(Path::new(it))),
        said => said == Device::Gpu,
    };
    run("resume", RESUME, arguments, gpu)
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
    run("repro", REPRO, &arguments, Device::of(&arguments) == Device::Gpu)
}

/// `gpu`: with wgpu, which nobody builds for the CPU.
fn run(verb: &str, help: &str, arguments: &[OsString], gpu: bool) -> Result<ExitCode> {
    if arguments.iter().any(|a| a == "--help" || a == "-h") {
        println!("{help}");
    }
    let build = ["build", "--release", "--package", "continual", "--bin", "continual"];
    let gpu: &[&str] = if gpu { &["--features", "gpu"] } else { &[] };
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

/// What `--device` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Device {
    Unsaid,
    Cpu,
    /// Anything else, `auto` too.
    Gpu,
}

impl Device {
    pub(crate) fn of(arguments: &[OsString]) -> Self {
        let texts = arguments.iter().map(|it| it.to_string_lossy());
        let values = texts.clone().skip(1).zip(texts.clone());
        let apart = values.filter(|(_, option)| option == "--device").map(|(value, _)| value);
        let joined = texts.filter_map(|it| Some(it.strip_prefix("--device=")?.to_owned().into()));
        let is_cpu = |value: std::borrow::Cow<'_, str>| value == "cpu";
        match apart.chain(joined).next().map(is_cpu) {
            None => Self::Unsaid,
            Some(true) => Self::Cpu,
            Some(false) => Self::Gpu,
        }
    }
}

/// Whether the unfinished work of a folder was begun on a GPU.
fn began_on_gpu(folder: &Path) -> bool {
    let read = || {
        let text = std::fs::read(folder.join("unfinished.json")).ok()?;
        let journal: serde_json::Value = serde_json::from_slice(&text).ok()?;
        Some(journal.get("device")?.as_str()? != "cpu")
    };
    read().unwrap_or(false)
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn of(text: &str) -> Device {
        let arguments: Vec<OsString> = text.split_whitespace().map(Into::into).collect();
        Device::of(&arguments)
    }

    #[test]
    fn any_device_but_the_cpu_is_built_with_wgpu() {
        assert_eq!(of("--quick --seeds 5"), Device::Unsaid);
        assert_eq!(of("--device cpu --quick"), Device::Cpu);
        assert_eq!(of("--device=cpu"), Device::Cpu);
        for text in ["--quick --device gpu", "--device=gpu:Lava --quick", "--device auto"] {
            assert_eq!(of(text), Device::Gpu, "{text}");
        }
    }

    #[test]
    fn work_that_was_begun_on_a_gpu_goes_on_with_wgpu() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!began_on_gpu(folder.path()));
        for (journal, gpu) in [
            ("{\"device\": \"cpu\"}", false),
            ("{\"device\": \"llvmpipe, Vulkan, Mesa\"}", true),
            ("{\"device\": null}", false),
            ("{}", false),
            ("no JSON", false),
        ] {
            std::fs::write(folder.path().join("unfinished.json"), journal).unwrap();
            assert_eq!(began_on_gpu(folder.path()), gpu, "{journal}");
        }
    }
}
