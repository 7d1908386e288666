//! `cargo xtask speed`: training steps, products, passes and contexts timed, on request alternately with PyTorch.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::bench::Device;
use crate::workspace::{Workspace, cargo, passed_on};

const HELP: &str = "\
Builds the benchmarks in release mode and times training steps, matrix products, passes over memory, the Fisher
information of a context, and contexts of whole runs.

  cargo xtask speed                         every case on the CPU
  cargo xtask speed step --peers            steps, alternately with PyTorch, and the ratios
  cargo xtask speed contexts                only contexts: of the curated strategies, and late ones
  cargo xtask speed split-mnist --peers     the table of Split MNIST beside the published code's time; MNIST in a
                                            data folder, or in the folder that $CONTINUAL_DATA names
  cargo xtask speed --device gpu --peers    on the fastest GPU; PyTorch needs CUDA there

--peers installs PyTorch by pip into an environment of its own, in the target folder; --peer PYTHON takes one
that is there.

All options, from the program itself:
";

pub(crate) fn run(arguments: &[OsString]) -> Result<ExitCode> {
    if arguments.iter().any(|a| a == "--help" || a == "-h") {
        println!("{HELP}");
    }
    let workspace = Workspace::load()?;
    let mut arguments = arguments.to_vec();
    if let Some(at) = arguments.iter().position(|it| it == "--peers") {
        let python = environment(&workspace.target.join("peers"))?;
        arguments.splice(at..=at, [OsString::from("--peer"), python.into_os_string()]);
    }
    let build = ["build", "--release", "--package", "benches", "--bin", "speed"];
    let on_gpu = Device::of(&arguments) == Device::Gpu;
    let gpu: &[&str] = if on_gpu { &["--features", "gpu"] } else { &[] };
    let built = cargo().args(build).args(gpu).status().context("cannot start `cargo build`")?;
    if !built.success() {
        return Ok(passed_on(built));
    }
    let program =
        workspace.target.join("release/speed").with_extension(std::env::consts::EXE_EXTENSION);
    let ran = Command::new(&program).args(arguments).status();
    Ok(passed_on(ran.with_context(|| format!("cannot start {}", program.display()))?))
}

/// The Python of an environment with PyTorch in this folder, made at the first use.
fn environment(folder: &Path) -> Result<PathBuf> {
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let has = |python: &Path| {
        let import = Command::new(python).args(["-c", "import torch"]).output();
        import.is_ok_and(|output| output.status.success())
    };
    if has(&python) {
        return Ok(python);
    }
    eprintln!("installing PyTorch into {} (once; some GB)", folder.display());
    step(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    step(Command::new(&python).args(["-m", "pip", "install", "--quiet", "torch", "numpy"]))?;
    if !has(&python) {
        bail!("{}: PyTorch was installed and does not load", python.display());
    }
    Ok(python)
}

fn step(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("cannot start {program}"))?;
    if !status.success() {
        bail!("{program}: {status}");
    }
    Ok(())
}
