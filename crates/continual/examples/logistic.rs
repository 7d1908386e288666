//! Why plain gradient descent forgets, in the plane: logistic regression on two tasks.
//!
//! `cargo run --release --example logistic` prints what happens and draws it (target/logistic.svg, .png).
use continual::picture::{Plane, Planes, draw};
use continual::prelude::*;
use continual::random::{Address, Purpose};
use continual::scenarios::Parts;
use continual::{core, scenarios};
use std::path::Path;

/// Centres of the four clusters: classes 0 and 1 are the first task, 2 and 3 the second. In both the
/// even class is unit 0 of the model, the odd one unit 1. The line
/// from (0, 0.62) to (1, 0.45) solves both tasks.
const CENTRES: [(f64, f64); 4] = [(0.12, 0.40), (0.12, 0.80), (0.50, 0.50), (0.90, 0.50)];
const PER_CLUSTER: usize = 60;
const STEPS: u32 = 2000;

/// Four clusters in the unit square.
pub(crate) fn points() -> Result<Dataset, scenarios::Error> {
    let (mut bytes, mut labels, mut parts) = (Vec::new(), Vec::new(), Parts::default());
    let mut rng = Address::new(0, Purpose::named("points")).rng();
    for (class, (x, y)) in CENTRES.into_iter().enumerate() {
        for example in 0..2 * PER_CLUSTER {
            for centre in [x, y] {
                // A sum of four uniform numbers is near enough to a bell.
                let noise: u32 = (0..4).map(|_| rng.below(1000)).sum();
                let value = centre + 0.1 * (f64::from(noise) / 2000.0 - 1.0);
                bytes.push((255.0 * value.clamp(0.0, 1.0)).round() as u8);
            }
            let part = if example < PER_CLUSTER { &mut parts.train } else { &mut parts.test };
            part.push(labels.len() as u32);
            labels.push(class as u8);
        }
    }
    Dataset::new("points", (2, 1), 4, 1.0 / 255.0, bytes, labels, parts)
}

/// The two tasks one after the other, for plain gradient descent on a model without hidden units: softmax
/// over two linear units is logistic regression on their difference.
fn experiment(data: &Dataset) -> Experiment {
    Experiment::new(data.clone())
        .scenario(Scenario::Domain)
        .contexts(2)
        .hidden(&[])
        .optimizer(Sgd::new(2.0))
        .steps(STEPS)
}

/// Weights after each task.
#[derive(Default)]
struct Snapshots(Vec<Vec<f32>>);

impl core::Observer for Snapshots {
    fn between(&mut self, learner: &core::Learner<'_>) -> Result<(), core::Error> {
        if learner.progress().rows.len() > self.0.len() {
            self.0.push(learner.read("theta", 0)?);
        }
        Ok(())
    }
}

/// What a strategy made of the two tasks.
pub(crate) struct Story {
    /// Its name.
    pub(crate) name: String,
    /// Weights towards unit 1 (of x, of y, and the bias) after each task.
    pub(crate) weights: Vec<[f64; 3]>,
    /// Accuracy on both tasks after each task.
    pub(crate) accuracy: Vec<Vec<f64>>,
}

impl Story {
    /// p(unit 1) at a point after a task.
    fn probability(&self, task: usize, x: f64, y: f64) -> f64 {
        let [wx, wy, b] = self.weights[task];
        1.0 / (1.0 + (-(wx * x + wy * y + b)).exp())
    }
}

/// Trains plain gradient descent, EWC and replay on task 1, then on task 2.
pub(crate) fn stories(data: &Dataset) -> Result<Vec<Story>, Box<dyn std::error::Error>> {
    // The order of the classes depends on the seed; here it is to be that of the drawing.
    let experiment = experiment(data);
    let in_order = |seed: &u64| {
        experiment.stream(*seed).is_ok_and(|stream| stream.class_order() == [0, 1, 2, 3])
    };
    let experiment = experiment.clone().seeds((1..1000).find(in_order));
    let ewc = Ewc { lambda: 15.0, ..Ewc::default() };
    let replay = ExperienceReplay::per_class(10);
    let strategies: [&dyn Strategy; 3] = [&Naive, &ewc, &replay];
    let mut stories = Vec::new();
    for strategy in strategies {
        let mut learner = experiment.learner(strategy)?;
        let layer = &learner.model().layers[0];
        let (weight, bias) = (layer.weight.offset, layer.bias.offset);
        let mut seen = Snapshots::default();
        let outcomes = run(&mut learner, &mut seen)?;
        let towards = |theta: &Vec<f32>| {
            [weight, weight + 2, bias].map(|at| f64::from(theta[at + 1]) - f64::from(theta[at]))
        };
        stories.push(Story {
            name: strategy.name(),
            weights: seen.0.iter().map(towards).collect(),
            accuracy: outcomes[0].accuracy.rows().to_vec(),
        });
    }
    Ok(stories)
}

fn plane(data: &Dataset, story: &Story, task: usize) -> Plane {
    const GRID: usize = 60;
    let middle = |cell: usize| (cell as f64 + 0.5) / GRID as f64;
    let row = |y: usize| {
        (0..GRID).map(|x| story.probability(task, middle(x), middle(y))).collect::<Vec<f64>>()
    };
    let seen =
        data.test.iter().filter(|&&at| usize::from(data.labels[at as usize]) < 2 * (task + 1));
    let point = |&at: &u32| {
        let (image, class) = (data.image(at), usize::from(data.labels[at as usize]));
        let place = |byte: u8| f64::from(byte) / 255.0;
        (place(image[0]), place(image[1]), class % 2, class / 2 == task)
    };
    let [first, second] = [0, 1].map(|j| 100.0 * story.accuracy[task][j]);
    let told =
        if task == 0 { format!("{first:.0} %") } else { format!("{first:.0} %, {second:.0} %") };
    Plane {
        title: format!("{}, after task {}: {told}", story.name, task + 1),
        field: (0..GRID).map(row).collect(),
        points: seen.map(point).collect(),
    }
}

/// Mean loss of one task in nats and the length of its gradient, at the weights after another.
fn slope(data: &Dataset, story: &Story, after: usize, task: usize) -> (f64, f64) {
    let is_own = |example: &&u32| usize::from(data.labels[**example as usize]) / 2 == task;
    let own: Vec<u32> = data.train.iter().filter(is_own).copied().collect();
    let (mut loss, mut gradient) = (0.0, [0.0; 3]);
    for &example in &own {
        let [x, y] = [0, 1].map(|pixel| f64::from(data.image(example)[pixel]) / 255.0);
        let target = f64::from(data.labels[example as usize] % 2);
        let p = story.probability(after, x, y);
        loss -= (target * p + (1.0 - target) * (1.0 - p)).ln() / own.len() as f64;
        for (sum, input) in gradient.iter_mut().zip([x, y, 1.0]) {
            *sum += (p - target) * input / own.len() as f64;
        }
    }
    (loss, gradient.iter().map(|g| g * g).sum::<f64>().sqrt())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = points()?;
    let stories = stories(&data)?;
    let told = |[x, y, b]: [f64; 3]| format!("({x:+6.2}, {y:+6.2}, {b:+6.2})");
    println!(
        "Logistic regression, two tasks one after the other, {STEPS} steps of gradient descent each.\n"
    );
    for story in &stories {
        println!("{}", story.name);
        for task in 0..2 {
            let [first, second] = [0, 1].map(|j| 100.0 * story.accuracy[task][j]);
            println!(
                "  after task {}: weights of x, y and bias {}, accuracy on task 1 {first:5.1} %, on task 2 \
                 {second:5.1} %",
                task + 1,
                told(story.weights[task])
            );
        }
    }
    let naive = &stories[0];
    let ((before, flat), (_, steep)) = (slope(&data, naive, 0, 0), slope(&data, naive, 0, 1));
    let (after, uphill) = slope(&data, naive, 1, 0);
    println!(
        "\nWhy plain gradient descent forgets: after task 1 the slope of its own loss is nearly gone \
         ({flat:.3}), that of\ntask 2's is {steep:.3}, and the step follows the sum of what is in the loss: \
         task 2 alone. On the way the loss\nof task 1 rises from {before:.3} to {after:.3} nats, and the \
         slope that would lead back ({uphill:.3}) is in nobody's gradient.\n"
    );
    println!(
        "EWC lets a weight move less the more the answers of task 1 depend on it (its Fisher information): \
         the\nboundary turns by the weights that task 1 hardly needed. Replay keeps some points of task 1 in \
         the loss, so\ntheir slope is felt at every step.\n"
    );
    let rows = stories.iter().map(|story| vec![plane(&data, story, 0), plane(&data, story, 1)]);
    let title = "filled: the present task; rings: an earlier one".to_owned();
    for path in draw(&Planes { title, rows: rows.collect() }, Path::new("target/logistic"))? {
        println!("{}", path.display());
    }
    Ok(())
}
