//! What one case has to show.

use super::{Case, Fill, MakeSession};
use crate::cpu::CpuSession;
use crate::error::Error;
use crate::graph::Graph;
use crate::plan::Plan;
use crate::reference::{ReferenceSession, Values};
use crate::session::{Feeds, Host, Outputs, Resident, Session};
use crate::types::{DType, Type};
use crate::var::Var;
use cl_random::{Address, Purpose, Rng};
use std::collections::BTreeMap;

/// Step of the central differences, in f64.
const STEP: f64 = 1e-6;
/// Largest difference between CPU and reference derivatives, relative to the largest element.
const DERIVATIVE_TOLERANCE: f64 = 1e-4;
const MEMBERS: u64 = 3;

pub(super) fn run(op: &str, case: &Case) -> Result<(), String> {
    let graph = Graph::new();
    let weights = record(&graph, case)?;
    let purpose = Purpose::named(&format!("{op}/{}", case.name));
    let fed: Vec<Vec<Fed>> =
        (0..MEMBERS).map(|member| feeds(case, weights.as_ref(), purpose, member)).collect();
    let exact = reference(&graph, &fed[0])?;
    let single = cpu(&graph, &fed[..1], 1)?;
    check_values(case, &graph, &exact, ("cpu", &single[0]))?;
    if case.differentiable {
        check_derivatives(&graph, &fed[0], &exact, purpose)?;
    }
    check_lanes(&graph, &fed, single)
}

/// The same on another device: values, and members against singles.
pub(super) fn run_on(op: &str, case: &Case, make: &MakeSession<'_>) -> Result<(), String> {
    let graph = Graph::new();
    let weights = record(&graph, case)?;
    let purpose = Purpose::named(&format!("{op}/{}", case.name));
    let fed: Vec<Vec<Fed>> =
        (0..MEMBERS).map(|member| feeds(case, weights.as_ref(), purpose, member)).collect();
    let exact = reference(&graph, &fed[0])?;
    let on = |fed: &[Vec<Fed>]| {
        let seeds: Vec<u64> = (0..fed.len() as u64).collect();
        let session = make(&seeds).map_err(|error| format!("session: {error}"))?;
        step(&graph, fed, session).map_err(|error| format!("device: {error}"))
    };
    let singles: Vec<Bits> = fed
        .iter()
        .map(|one| Ok(on(std::slice::from_ref(one))?.remove(0)))
        .collect::<Result<_, String>>()?;
    check_values(case, &graph, &exact, ("device", &singles[0]))?;
    match on(&fed)? == singles {
        true => Ok(()),
        false => Err("three members differ from three single runs".to_owned()),
    }
}

/// Records the formula, its loss Σ weights · value, the loss's gradients, their size Σ gradient² and
/// the gradients of that. Returns the type of the weights.
pub(super) fn record(graph: &Graph, case: &Case) -> Result<Option<Type>, String> {
    let build = case.build.as_ref().ok_or("the case has no formula")?;
    let source = |(i, (ty, _)): (usize, &(Type, Fill))| match ty.dtype {
        DType::F32 => graph.input(&name(i), &ty.shape),
        DType::U32 => graph.input_u32(&name(i), &ty.shape),
        DType::U8 => graph.resident(&name(i), &ty.shape, DType::U8),
    };
    let inputs: Vec<Var<'_>> = case.inputs.iter().enumerate().map(source).collect();
    let value = build(graph, &inputs);
    if let Some(error) = &graph.recording.borrow().error {
        return Err(error.to_string());
    }
    graph.output("value", value);
    if !case.differentiable {
        return Ok(None);
    }
    let floats: Vec<(usize, Var<'_>)> =
        inputs.into_iter().enumerate().filter(|(_, x)| x.ty().dtype == DType::F32).collect();
    let wrt: Vec<Var<'_>> = floats.iter().map(|&(_, x)| x).collect();
    let weights = graph.input("weights", &value.shape());
    let loss = (value * weights).sum();
    let gradients = graph.grads(loss, &wrt);
    let size = gradients
        .iter()
        .map(|gradient| gradient.square().sum())
        .reduce(|sum, size| sum + size)
        .ok_or("no float input to differentiate by: expected `without_derivative`")?;
    let curvatures = graph.grads(size, &wrt);
    graph.output("loss", loss);
    graph.output("size", size);
    for (&(i, _), (gradient, curvature)) in floats.iter().zip(gradients.iter().zip(curvatures)) {
        graph.output(&format!("loss by {}", name(i)), *gradient);
        graph.output(&format!("size by {}", name(i)), curvature);
    }
    match &graph.recording.borrow().error {
        Some(error) => Err(format!("while recording the derivative: {error}")),
        None => Ok(Some(weights.ty())),
    }
}

fn name(i: usize) -> String {
    format!("input {i}")
}

/// One input of one member.
#[derive(Clone)]
struct Fed {
    name: String,
    dtype: DType,
    values: Values,
}

impl Fed {
    fn bits(&self) -> Vec<u32> {
        match self.dtype {
            DType::F32 => self.values.data.iter().map(|&x| (x as f32).to_bits()).collect(),
            _ => self.values.data.iter().map(|&x| x as u32).collect(),
        }
    }
}

/// The inputs of a member: a function of operation, case, member and position.
fn feeds(case: &Case, weights: Option<&Type>, purpose: Purpose, member: u64) -> Vec<Fed> {
    let uniform = Fill::Uniform(-1.0, 1.0);
    let weights = weights.map(|ty| ("weights".to_owned(), ty, &uniform));
    let inputs = case.inputs.iter().enumerate().map(|(i, (ty, fill))| (name(i), ty, fill));
    inputs
        .chain(weights)
        .enumerate()
        .map(|(i, (name, ty, fill))| {
            // Resident data is the same for all members.
            let seed = if ty.dtype == DType::U8 { 0 } else { member };
            let mut rng = Address::new(seed, purpose).ordinal(i as u32).rng();
            let data = match fill {
                Fill::Uniform(low, high) => {
                    let draw = |_| f64::from((low + (high - low) * fraction(&mut rng)) as f32);
                    (0..ty.len()).map(draw).collect()
                }
                Fill::Below(bound) => (0..ty.len()).map(|_| f64::from(rng.below(*bound))).collect(),
                Fill::Values(values) if ty.dtype == DType::F32 => {
                    values.iter().map(|&x| f64::from(x as f32)).collect()
                }
                Fill::Values(values) => values.clone(),
            };
            Fed { name, dtype: ty.dtype, values: Values::new(&ty.shape, data) }
        })
        .collect()
}

fn fraction(rng: &mut Rng) -> f64 {
    f64::from(rng.below(1 << 24)) / f64::from(1 << 24)
}

type Exact = BTreeMap<String, Values>;

fn reference(graph: &Graph, fed: &[Fed]) -> Result<Exact, String> {
    let mut session = ReferenceSession::new(0);
    let (residents, inputs): (Vec<&Fed>, Vec<&Fed>) =
        fed.iter().partition(|fed| fed.dtype == DType::U8);
    for fed in residents {
        session.set_resident(&fed.name, fed.values.clone());
    }
    let inputs: Vec<(&str, Values)> =
        inputs.iter().map(|fed| (fed.name.as_str(), fed.values.clone())).collect();
    session.run(graph, &inputs).map_err(|error| format!("reference: {error}"))
}

/// Outputs of one member, as bits.
type Bits = BTreeMap<String, Vec<u32>>;

/// Feeds one member and keeps what comes out.
struct Probe<'a> {
    fed: &'a [Fed],
    outputs: Vec<String>,
    seen: Bits,
}

impl Host for Probe<'_> {
    fn feed(&mut self, _: u32, feeds: &mut Feeds<'_>) -> Result<(), Error> {
        for fed in self.fed {
            match fed.dtype {
                DType::F32 => feeds.f32(&fed.name, bytemuck::cast_slice(&fed.bits()))?,
                DType::U32 => feeds.u32(&fed.name, &fed.bits())?,
                DType::U8 => {}
            }
        }
        Ok(())
    }

    fn collect(&mut self, _: u32, outputs: &Outputs<'_>) -> Result<(), Error> {
        for name in &self.outputs {
            self.seen.insert(name.clone(), outputs.u32(name)?.to_vec());
        }
        Ok(())
    }
}

/// Runs one step on the CPU for each member.
fn cpu(graph: &Graph, fed: &[Vec<Fed>], threads: usize) -> Result<Vec<Bits>, String> {
    let seeds: Vec<u64> = (0..fed.len() as u64).collect();
    CpuSession::new(&seeds, threads)
        .and_then(|session| step(graph, fed, Box::new(session)))
        .map_err(|error| format!("cpu: {error}"))
}

/// Runs one step for each member.
fn step(
    graph: &Graph,
    fed: &[Vec<Fed>],
    mut session: Box<dyn Session>,
) -> Result<Vec<Bits>, Error> {
    let plan = session.load(Plan::compile(graph)?)?;
    for resident in fed[0].iter().filter(|fed| fed.dtype == DType::U8) {
        let bytes = resident.values.data.iter().map(|&byte| byte as u8).collect();
        session.set_resident(&resident.name, Resident::Bytes(bytes))?;
    }
    let outputs: Vec<String> =
        graph.recording.borrow().outputs.iter().map(|(name, _)| name.clone()).collect();
    let mut probes: Vec<Probe<'_>> =
        fed.iter().map(|fed| Probe { fed, outputs: outputs.clone(), seen: Bits::new() }).collect();
    let mut hosts: Vec<&mut dyn Host> = probes.iter_mut().map(|p| p as &mut dyn Host).collect();
    session.run(plan, 0..1, &mut hosts)?;
    Ok(probes.into_iter().map(|probe| probe.seen).collect())
}

fn check_values(
    case: &Case,
    graph: &Graph,
    exact: &Exact,
    (device, got): (&str, &Bits),
) -> Result<(), String> {
    if let Some(expected) = &case.expected {
        close("reference, by hand", &exact["value"].data, expected, case.tolerance.max(1e-6))?;
    }
    let outputs: Vec<(String, DType)> = {
        let recording = graph.recording.borrow();
        let dtype = |id: crate::graph::NodeId| recording.nodes[id.index()].ty.dtype;
        recording.outputs.iter().map(|(name, id)| (name.clone(), dtype(*id))).collect()
    };
    for (name, dtype) in outputs {
        let number = |&bits: &u32| match dtype {
            DType::F32 => f64::from(f32::from_bits(bits)),
            _ => f64::from(bits),
        };
        let numbers: Vec<f64> = got[&name].iter().map(number).collect();
        let tolerance =
            if name == "value" { case.tolerance } else { DERIVATIVE_TOLERANCE.max(case.tolerance) };
        // The loss is a sum of terms of both signs: only its gradients have a scale of their own.
        if name != "loss" {
            close(&format!("{device}, {name}"), &numbers, &exact[&name].data, tolerance)?;
        }
    }
    Ok(())
}

/// Whether each number is within `tolerance` of the expected one, relative to the largest of these.
fn close(what: &str, got: &[f64], expected: &[f64], tolerance: f64) -> Result<(), String> {
    if got.len() != expected.len() {
        return Err(format!("{what}: {} elements, expected {}", got.len(), expected.len()));
    }
    let finite = expected.iter().filter(|x| x.is_finite());
    let largest = finite.fold(0.0_f64, |max, x| max.max(x.abs()));
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        let equal = got == expected || (got.is_nan() && expected.is_nan());
        let near = (got - expected).abs() <= tolerance * largest;
        if !equal && !near {
            return Err(format!(
                "{what}: element {i} is {got}, expected {expected} (tolerance {tolerance} of {largest})"
            ));
        }
    }
    Ok(())
}

/// The slope along a random direction against a central difference, for the loss and for the size of
/// its gradient, by each float input.
fn check_derivatives(
    graph: &Graph,
    fed: &[Fed],
    exact: &Exact,
    purpose: Purpose,
) -> Result<(), String> {
    let weights = fed.iter().find(|fed| fed.name == "weights").ok_or("the weights are not fed")?;
    let terms = exact["value"].data.iter().zip(&weights.values.data);
    // What the difference of two losses loses to rounding is relative to their terms.
    let magnitude: f64 = terms.map(|(y, w)| (y * w).abs()).sum();
    let noise = [("loss", magnitude), ("size", exact["size"].data[0])];
    for (i, input) in fed.iter().enumerate() {
        if input.dtype != DType::F32 || input.name == "weights" {
            continue;
        }
        let mut rng = Address::new(0, purpose).step(1).ordinal(i as u32).rng();
        let x = &input.values.data;
        let direction: Vec<f64> = x.iter().map(|_| 2.0 * fraction(&mut rng) - 1.0).collect();
        let moved = |sign: f64| -> (Vec<f64>, Result<Exact, String>) {
            let data: Vec<f64> =
                x.iter().zip(&direction).map(|(x, d)| x + sign * STEP * d).collect();
            let mut fed = fed.to_vec();
            fed[i].values.data.clone_from(&data);
            (data, reference(graph, &fed))
        };
        let ((ahead, up), (behind, down)) = (moved(1.0), moved(-1.0));
        let (up, down) = (up?, down?);
        for (what, magnitude) in noise {
            let gradient = &exact[&format!("{what} by {}", input.name)].data;
            // The step that was taken, after rounding: large inputs take another than was asked.
            let steps = ahead.iter().zip(&behind).map(|(a, b)| a - b);
            let parts: Vec<f64> = gradient.iter().zip(steps).map(|(g, step)| g * step).collect();
            let recorded: f64 = parts.iter().sum();
            let scale: f64 = parts.iter().map(|part| part.abs()).sum();
            let difference = up[what].data[0] - down[what].data[0];
            let agree = (recorded - difference).abs() <= 1e-6 * scale + 1e-14 * magnitude;
            if !agree {
                return Err(format!(
                    "{what} by {}: the recorded slope is {}, finite differences give {}",
                    input.name,
                    recorded / (2.0 * STEP),
                    difference / (2.0 * STEP)
                ));
            }
        }
    }
    Ok(())
}

/// A population gives what its members give alone, on any number of threads.
fn check_lanes(graph: &Graph, fed: &[Vec<Fed>], first: Vec<Bits>) -> Result<(), String> {
    let mut singles = first;
    for member in &fed[1..] {
        singles.extend(cpu(graph, std::slice::from_ref(member), 1)?);
    }
    same("one member on two threads", &cpu(graph, &fed[..1], 2)?, &singles[..1])?;
    same("three members on one thread", &cpu(graph, fed, 1)?, &singles)?;
    same("three members on two threads", &cpu(graph, fed, 2)?, &singles)
}

fn same(what: &str, got: &[Bits], singles: &[Bits]) -> Result<(), String> {
    for (member, (got, single)) in got.iter().zip(singles).enumerate() {
        for (name, bits) in got {
            if bits != &single[name] {
                return Err(format!("{what}: {name} of member {member} differs from a single run"));
            }
        }
    }
    Ok(())
}
