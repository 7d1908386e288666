//! `cargo xtask speed`: training steps and matrix products on one device, alternately with PyTorch where
//! its Python is named, so that what disturbs the machine disturbs both. Figures are medians of rounds.
#![forbid(unsafe_code)]

use anyhow::{Context, Result, bail};
use benches::{
    Fisher, Kernel, Mlp784, Pass, Peer, Product, contexts, median, repetitions, split_mnist,
};
use cl_regularize::Ewc;
use cl_tensor::{Cpu, Device};
use clap::Parser;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Time training steps, matrix products and passes, beside PyTorch
#[derive(Parser)]
#[command(name = "cargo xtask speed")]
struct Options {
    /// Only cases whose name contains this; `split-mnist` for the table of that data set
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
    /// One pass over memory.
    Pass(Kernel),
    /// The Fisher information of a context.
    Fisher,
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
            Work::Pass(kernel) => {
                let (name, shape) = match kernel {
                    Kernel::Relu(n) => ("relu", vec![n]),
                    Kernel::Tanh(n) => ("tanh", vec![n]),
                    Kernel::Softmax(rows, columns) => ("softmax", vec![rows, columns]),
                    Kernel::Adam => ("adam", vec![kernel.elements()]),
                };
                json!({ "case": name, "shape": shape, "threads": self.threads })
            }
            Work::Fisher => json!({ "case": "none", "threads": self.threads }),
        }
    }

    /// Floating-point operations of one repetition; elements of a pass; `None` where nobody counts.
    fn size(&self) -> Option<f64> {
        Some(match self.work {
            // Forward, gradients of weights, and gradients of all layers' inputs but the first's.
            Work::Step(members) => {
                let layers = [(784, 400), (400, 400), (400, 10)];
                let all: usize = layers.iter().map(|(i, o)| i * o).sum();
                256.0 * (3 * all - 784 * 400) as f64 * members as f64
            }
            Work::Product(shape) => {
                2.0 * shape.iter().map(|&extent| extent as f64).product::<f64>()
            }
            Work::Pass(kernel) => kernel.elements() as f64,
            Work::Fisher => return None,
        })
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
    let passes = [
        ("relu of 65536", Kernel::Relu(65_536)),
        ("tanh of 65536", Kernel::Tanh(65_536)),
        ("softmax of 128x10", Kernel::Softmax(128, 10)),
        ("softmax of 2048x512", Kernel::Softmax(2048, 512)),
        ("Adam over 478,410 parameters", Kernel::Adam),
    ];
    let passes = passes.map(|(name, kernel)| Case {
        name: format!("{name}, 1 thread"),
        work: Work::Pass(kernel),
        threads: 1,
    });
    let name = "Fisher of 12,032 examples, 1 thread".to_owned();
    let fisher = Case { name, work: Work::Fisher, threads: 1 };
    steps.into_iter().chain(products).chain(passes).chain([fisher]).collect()
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
    let ewc = Ewc::default();
    let mut run: Box<dyn FnMut(u32) -> Result<()>> = match case.work {
        Work::Step(members) => {
            let mut mlp = Mlp784::new(device, members).map_err(|e| anyhow::anyhow!("{e}"))?;
            Box::new(move |times| Ok(mlp.step(times)?))
        }
        Work::Product(shape) => {
            let mut product = Product::new(device, shape).map_err(|e| anyhow::anyhow!("{e}"))?;
            Box::new(move |times| Ok(product.run(times)?))
        }
        Work::Pass(kernel) => {
            let mut pass = Pass::new(device, kernel).map_err(|e| anyhow::anyhow!("{e}"))?;
            Box::new(move |times| Ok(pass.run(times)?))
        }
        Work::Fisher => {
            let mut fisher = Fisher::new(&ewc).map_err(|e| anyhow::anyhow!("{e}"))?;
            Box::new(move |times| {
                (0..times).try_for_each(|_| fisher.boundary().map_err(|e| anyhow::anyhow!("{e}")))
            })
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
    let whole =
        |part: &str| options.filter.as_ref().is_none_or(|filter| part.contains(filter.as_str()));
    let runs = gpu.is_none() && whole("contexts");
    // Asked for by its whole name: it takes minutes, and images that are not embedded.
    let table = gpu.is_none() && options.filter.as_deref() == Some("split-mnist");
    if cases.is_empty() && !runs && !table {
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
    if table {
        return split_mnist::print(peer.as_mut());
    }
    let device = gpu.as_ref().map_or_else(|| "cpu".to_owned(), |gpu| gpu.describe());
    println!("MLP 784-400-400-10, batch 128, Adam, rows gathered from bytes; products in f32");
    println!("G/s: 10^9 floating-point operations; elements of passes");
    println!("device: {device}; medians of {} rounds", options.rounds);
    println!("{:<38}{:>12}{:>12}{:>10}{:>10}", "case", "ms", "G/s", "PyTorch", "ratio");
    for case in &cases {
        let cpu = Cpu { threads: case.threads };
        let device: &dyn Device = gpu.as_deref().unwrap_or(&cpu);
        let (seconds, compared) =
            time(device, case, peer.as_mut(), options.rounds).with_context(|| case.name.clone())?;
        let rate = case
            .size()
            .map_or_else(|| "-".to_owned(), |size| format!("{:.1}", 1e-9 * size / seconds));
        let (theirs, ratio) = compared.map_or_else(
            || ("-".to_owned(), "-".to_owned()),
            |(theirs, ratio)| (format!("{:.3}", 1e3 * theirs), format!("{ratio:.2}")),
        );
        println!("{:<38}{:>12.3}{rate:>12}{theirs:>10}{ratio:>10}", case.name, 1e3 * seconds);
    }
    if runs {
        print_contexts()?;
    }
    Ok(())
}

/// What contexts of whole runs take.
fn print_contexts() -> Result<()> {
    println!("\ndigits, MLP 64-128-128-10, batch 32, Adam, 1 thread; one run of each");
    println!("{:<38}{:>12}{:>22}", "context 2 of 2,000 steps", "ms", "/ context 1");
    for timed in contexts::curated()? {
        println!("{:<38}{:>12.1}{:>22.3}", timed.strategy, 1e3 * timed.seconds, timed.ratio);
    }
    println!("{:<38}{:>12}{:>22}", "a step in context 2", "us", "context 20 / 2");
    for timed in contexts::late()? {
        println!("{:<38}{:>12.1}{:>22.3}", timed.strategy, 1e6 * timed.seconds, timed.ratio);
    }
    Ok(())
}
