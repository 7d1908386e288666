//! `cargo xtask speed`: training steps and matrix products on one device, alternately with PyTorch where
//! its Python is named, so that what disturbs the machine disturbs both. Figures are medians of rounds.
#![forbid(unsafe_code)]

use anyhow::{Context, Result, bail};
use benches::{Mlp784, Peer, Product, median, repetitions};
use cl_tensor::{Cpu, Device};
use clap::Parser;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Time training steps and matrix products, beside PyTorch
#[derive(Parser)]
#[command(name = "cargo xtask speed")]
struct Options {
    /// Only cases whose name contains this
    filter: Option<String>,
    /// cpu, gpu (the fastest) or gpu:NAME
    #[arg(long, default_value = "cpu")]
    device: String,
    /// A Python with PyTorch, for the ratios
    #[arg(long, value_name = "PYTHON")]
    peer: Option<PathBuf>,
    /// Rounds of about a fifth of a second, of each case and side
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

/// What is timed on both sides.
enum Work {
    /// A step of so many networks.
    Step(usize),
    /// A product `[batch, m, k, n]`.
    Product([usize; 4]),
}

struct Case {
    name: String,
    work: Work,
    threads: usize,
}

impl Case {
    fn asked(&self) -> Value {
        match self.work {
            Work::Step(members) => {
                json!({ "case": "step", "members": members, "threads": self.threads })
            }
            Work::Product(shape) => {
                json!({ "case": "product", "shape": shape, "threads": self.threads })
            }
        }
    }

    /// Multiply-accumulates of one repetition.
    fn macs(&self) -> f64 {
        match self.work {
            // Forward, gradients of weights, and gradients of all layers' inputs but the first's.
            Work::Step(members) => {
                let layers = [(784, 400), (400, 400), (400, 10)];
                let all: usize = layers.iter().map(|(i, o)| i * o).sum();
                128.0 * (3 * all - 784 * 400) as f64 * members as f64
            }
            Work::Product(shape) => shape.iter().map(|&extent| extent as f64).product(),
        }
    }
}

fn cases(gpu: bool) -> Vec<Case> {
    let step = |members, threads| {
        let on = if gpu { String::new() } else { format!(", {threads} threads") };
        Case { name: format!("step, {members} members{on}"), work: Work::Step(members), threads }
    };
    let product = |shape: [usize; 4], threads| {
        let [b, m, k, n] = shape;
        let batch = if b > 1 { format!("{b} x ") } else { String::new() };
        let on = if gpu { String::new() } else { format!(", {threads} threads") };
        let name = format!("product {batch}{m}x{k}x{n}{on}");
        Case { name, work: Work::Product(shape), threads }
    };
    if gpu {
        let steps = [1, 8, 32, 128].map(|members| step(members, 1));
        let shapes = [
            [1, 128, 784, 400],
            [1, 128, 400, 400],
            [1, 784, 128, 400],
            [64, 128, 784, 400],
            [64, 128, 400, 400],
            [1, 4096, 4096, 4096],
        ];
        return steps.into_iter().chain(shapes.map(|shape| product(shape, 1))).collect();
    }
    let steps = [(1, 1), (1, 2), (2, 2), (8, 2)].map(|(members, threads)| step(members, threads));
    let shapes =
        [[1, 128, 784, 400], [1, 128, 400, 400], [1, 784, 128, 400], [1, 1024, 1024, 1024]];
    let products = [1, 2].into_iter().flat_map(|t| shapes.map(|shape| product(shape, t)));
    steps.into_iter().chain(products).collect()
}

fn open(name: &str) -> Result<Option<Box<dyn Device>>> {
    match name.split_once(':').unwrap_or((name, "")) {
        ("cpu", "") => Ok(None),
        ("gpu", name) => gpu(name).map(Some),
        _ => bail!("--device {name}: expected cpu, gpu or gpu:NAME"),
    }
}

#[cfg(feature = "gpu")]
fn gpu(name: &str) -> Result<Box<dyn Device>> {
    Ok(Box::new(cl_gpu::Gpu::open(name)?))
}

#[cfg(not(feature = "gpu"))]
fn gpu(_: &str) -> Result<Box<dyn Device>> {
    bail!("this program was built without GPUs; build it with `--features gpu`")
}

/// Median seconds of one repetition, ours and the peer's, and the median of their ratios.
fn time(
    device: &dyn Device,
    case: &Case,
    peer: Option<&mut Peer>,
    rounds: u32,
) -> Result<(f64, Option<(f64, f64)>)> {
    let mut run: Box<dyn FnMut(u32) -> Result<(), cl_tensor::Error>> = match case.work {
        Work::Step(members) => {
            let mut mlp = Mlp784::new(device, members).map_err(|e| anyhow::anyhow!("{e}"))?;
            Box::new(move |times| mlp.step(times))
        }
        Work::Product(shape) => {
            let mut product = Product::new(device, shape).map_err(|e| anyhow::anyhow!("{e}"))?;
            Box::new(move |times| product.run(times))
        }
    };
    let times = repetitions(&mut run)?;
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let asked = case.asked();
    let mut peer = peer;
    for _ in 0..rounds {
        let start = Instant::now();
        run(times)?;
        let seconds = start.elapsed().as_secs_f64() / f64::from(times);
        ours.push(seconds);
        let Some(peer) = peer.as_deref_mut() else { continue };
        if let Some(other) = peer.time(&asked)? {
            theirs.push(other);
            ratios.push(seconds / other);
        }
    }
    let compared = (!ratios.is_empty()).then(|| (median(theirs), median(ratios)));
    Ok((median(ours), compared))
}

fn main() -> Result<()> {
    let options = Options::parse();
    let gpu = open(&options.device)?;
    let wanted = |case: &Case| {
        options.filter.as_ref().is_none_or(|filter| case.name.contains(filter.as_str()))
    };
    let cases: Vec<Case> = cases(gpu.is_some()).into_iter().filter(wanted).collect();
    if cases.is_empty() {
        bail!("no case contains `{}`", options.filter.unwrap_or_default());
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/torch_peer.py");
    let there = if gpu.is_some() { "cuda" } else { "cpu" };
    let mut peer = match &options.peer {
        None => None,
        Some(python) => match Peer::start(python, &script, there) {
            Ok(peer) => Some(peer),
            Err(error) if gpu.is_some() => {
                eprintln!("without a peer: {error}");
                None
            }
            Err(error) => return Err(error).context(python.display().to_string()),
        },
    };
    let device = gpu.as_ref().map_or_else(|| "cpu".to_owned(), |gpu| gpu.describe());
    println!("MLP 784-400-400-10, batch 128, Adam, rows gathered from bytes; products in f32");
    println!("device: {device}; medians of {} rounds", options.rounds);
    println!("{:<38}{:>12}{:>12}{:>10}{:>10}", "case", "ms", "GFLOP/s", "PyTorch", "ratio");
    for case in &cases {
        let cpu = Cpu { threads: case.threads };
        let device: &dyn Device = gpu.as_deref().unwrap_or(&cpu);
        let (seconds, compared) =
            time(device, case, peer.as_mut(), options.rounds).with_context(|| case.name.clone())?;
        let rate = 2e-9 * case.macs() / seconds;
        let (theirs, ratio) = compared.map_or_else(
            || ("-".to_owned(), "-".to_owned()),
            |(theirs, ratio)| (format!("{:.3}", 1e3 * theirs), format!("{ratio:.2}")),
        );
        println!("{:<38}{:>12.3}{:>12.1}{theirs:>10}{ratio:>10}", case.name, 1e3 * seconds, rate);
    }
    Ok(())
}
