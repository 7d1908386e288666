//! The example in the plane shows what it says.
#![cfg(feature = "pictures")]
#![allow(clippy::unwrap_used, dead_code)]

#[path = "../examples/logistic.rs"]
mod logistic;

#[test]
fn plain_gradient_descent_forgets_the_first_task_and_ewc_and_replay_do_not() {
    let stories = logistic::stories(&logistic::points().unwrap()).unwrap();
    let [naive, ewc, replay] = &stories[..] else { panic!("three stories") };
    for story in &stories {
        assert!(story.accuracy[0][0] > 0.99, "{} learns the first task", story.name);
        assert!(story.accuracy[1][1] > 0.9, "{} learns the second task", story.name);
    }
    assert!(naive.accuracy[1][0] < 0.6, "{:?}", naive.accuracy);
    assert!(ewc.accuracy[1][0] > 0.9 && replay.accuracy[1][0] > 0.9);
}

/// The weights that were read are the model's: they classify as it was measured.
#[test]
fn the_weights_give_the_accuracies() {
    let data = logistic::points().unwrap();
    for story in logistic::stories(&data).unwrap() {
        for task in 0..2 {
            for (j, accuracy) in story.accuracy[task].iter().enumerate() {
                let own = |at: &&u32| usize::from(data.labels[**at as usize]) / 2 == j;
                let rows: Vec<u32> = data.test.iter().filter(own).copied().collect();
                let is_right = |at: &&u32| {
                    let [x, y] = [0, 1].map(|i| f64::from(data.image(**at)[i]) / 255.0);
                    let [wx, wy, b] = story.weights[task];
                    (wx * x + wy * y + b > 0.0) == (data.labels[**at as usize] % 2 == 1)
                };
                let right = rows.iter().filter(is_right).count();
                assert!((right as f64 / rows.len() as f64 - accuracy).abs() < 0.01);
            }
        }
    }
}
