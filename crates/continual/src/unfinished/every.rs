//! `--checkpoint-every`.

use cl_core::Every;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How often a benchmark saves the population under way: `30s`, `200steps`, or `never` but when it is
/// asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CheckpointEvery(Every);

impl CheckpointEvery {
    /// For the core.
    #[must_use]
    pub fn get(self) -> Every {
        self.0
    }
}

/// 30 seconds.
impl Default for CheckpointEvery {
    fn default() -> Self {
        Self(Every::Time(Duration::from_secs(30)))
    }
}

impl FromStr for CheckpointEvery {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "never" {
            return Ok(Self(Every::Never));
        }
        let unit = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (count, unit) = text.split_at(unit);
        let count: Option<u32> = count.parse().ok().filter(|&count| count > 0);
        match (count, unit) {
            (Some(seconds), "s") => Ok(Self(Every::Time(Duration::from_secs(seconds.into())))),
            (Some(steps), "steps" | "step") => Ok(Self(Every::Steps(steps))),
            _ => Err(format!(
                "`{text}`: expected seconds such as 30s, steps such as 200steps, or never"
            )),
        }
    }
}

impl TryFrom<String> for CheckpointEvery {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<CheckpointEvery> for String {
    fn from(every: CheckpointEvery) -> Self {
        every.to_string()
    }
}

impl fmt::Display for CheckpointEvery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Every::Time(time) => write!(f, "{}s", time.as_secs()),
            Every::Steps(steps) => write!(f, "{steps}steps"),
            Every::Never => f.write_str("never"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_read_as_it_is_written() {
        for text in ["30s", "1s", "200steps", "1steps", "never"] {
            let every: CheckpointEvery = text.parse().unwrap();
            assert_eq!(every.to_string(), text);
        }
        assert_eq!("1step".parse(), Ok(CheckpointEvery(Every::Steps(1))));
        assert_eq!("30s".parse(), Ok(CheckpointEvery::default()));
        for text in ["", "s", "30", "0s", "0steps", "-1s", "1.5s", "4294967296s", "Never", "30 s"] {
            let refused = text.parse::<CheckpointEvery>().unwrap_err();
            assert!(refused.contains("such as 30s"), "{refused}");
        }
    }
}
