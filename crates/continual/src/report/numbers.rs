//! Numbers as people read them.

use cl_metrics::Summary;

/// A fraction in percent.
pub(super) fn percent(fraction: f64) -> String {
    minus(format!("{:.2}", 100.0 * fraction))
}

/// A difference of fractions in points of percent, with its sign.
pub(super) fn points(difference: f64) -> String {
    minus(format!("{:+.2}", 100.0 * difference))
}

/// A hyphen is shorter than a minus sign.
fn minus(text: String) -> String {
    text.replace('-', "\u{2212}")
}

/// Half the width of the 95 % interval.
pub(super) fn half(summary: &Summary) -> Option<f64> {
    summary.ci95.map(|(low, high)| (high - low) / 2.0)
}

/// Mean ± half the interval, in percent.
pub(super) fn interval(summary: &Summary) -> String {
    match half(summary) {
        Some(half) => format!("{} ± {}", percent(summary.mean), percent(half)),
        None => percent(summary.mean),
    }
}

/// A p-value.
pub(super) fn p(value: f64) -> String {
    if value < 0.001 { "< 0.001".to_owned() } else { format!("{value:.3}") }
}

/// A count with three digits and a decimal prefix, as tables have it: `5.20 k`.
#[must_use]
pub fn short(count: f64) -> String {
    let mut prefixes = ["", " k", " M", " G", " T", " P", " E"].into_iter();
    let (mut value, mut prefix) = (count, prefixes.next().unwrap_or(""));
    // 999.5 would be printed as 1000.
    while value >= 999.5 {
        let Some(next) = prefixes.next() else { break };
        (value, prefix) = (value / 1000.0, next);
    }
    let decimals = match value {
        _ if prefix.is_empty() => 0,
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}{prefix}")
}

/// Seconds: two digits behind the point as long as they say something.
pub(super) fn seconds(value: f64) -> String {
    match value {
        it if it < 9.995 => format!("{it:.2}"),
        it if it < 99.95 => format!("{it:.1}"),
        it => format!("{it:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_have_signs() {
        assert_eq!(points(-0.0123), "\u{2212}1.23");
        assert_eq!(points(0.0123), "+1.23");
        assert_eq!(
            [short(0.0), short(999.0), short(5200.0), short(999_600.0)],
            ["0", "999", "5.20 k", "1.00 M"]
        );
        assert_eq!([p(0.0004), p(0.0625)], ["< 0.001", "0.062"]);
        assert_eq!([seconds(0.126), seconds(12.34), seconds(1234.5)], ["0.13", "12.3", "1234"]);
    }
}
