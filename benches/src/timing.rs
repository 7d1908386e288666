//! Times in rounds.

use std::time::Instant;

/// Seconds that a measurement of one round aims at.
const ROUND: f64 = 0.2;

/// The median; the upper one of an even number. NaN of none.
#[must_use]
pub fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

/// How many repetitions take about a fifth of a second, found by running ever more of them.
///
/// # Errors
/// What `run` returns.
pub fn repetitions<E>(mut run: impl FnMut(u32) -> Result<(), E>) -> Result<u32, E> {
    let mut times = 1;
    loop {
        let start = Instant::now();
        run(times)?;
        let seconds = start.elapsed().as_secs_f64();
        if seconds >= ROUND / 4.0 || times >= 1 << 20 {
            let each = seconds / f64::from(times);
            return Ok((ROUND / each).clamp(1.0, f64::from(1 << 20)) as u32);
        }
        times *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_of_the_sorted_times() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0]), 4.0);
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn slow_things_run_once_a_round_and_fast_ones_often() {
        let wait = |milliseconds| {
            move |times: u32| -> Result<(), ()> {
                std::thread::sleep(std::time::Duration::from_millis(milliseconds) * times);
                Ok(())
            }
        };
        assert_eq!(repetitions(wait(300)), Ok(1));
        assert!(repetitions(wait(1)).is_ok_and(|times| times > 20));
    }
}
