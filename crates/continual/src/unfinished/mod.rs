//! The folder in which a benchmark works, and from which another process goes on.
//!
//! While it works the folder holds
//!
//! * `unfinished.json`: what was asked for, on which device it was begun, the version of the program, and which sweeps fell apart;
//! * `results.jsonl.partial`: the lines of finished populations, appended as each is through;
//! * `checkpoint-4.safetensors`: the state of the population under way, that of the fourth cell
//!   (`checkpoint-4-2`: the second value of its sweep, trained alone), or one for each wave so far where not
//!   all members are trained at once (`checkpoint-4-members-5-8`);
//! * `networks/joint-class-seed-2.safetensors`: the weights of a run that is trained, if they were asked for;
//!   these stay;
//! * `continual.lock`: held by the process that works here. The system lets go of it when the process
//!   ends, however it ends, so a file that was left behind locks nothing.
//!
//! Whatever moment a process is killed at, the folder is whole: `unfinished.json` and checkpoints are
//! replaced as whole files, and of the lines only the last can be cut off. A finished benchmark leaves
//! `results.jsonl`, and beside it `diverged.jsonl` where something has no results; until then one of an earlier benchmark stays as it was. `origin.json` and `report.html` are the command's ([`report`](crate::report)).
mod asked;
mod command;
mod every;
mod folder;
mod journal;
mod lines;
mod lock;
mod resume;
mod work;

pub use asked::Asked;
pub use every::CheckpointEvery;
pub use resume::Unfinished;
pub use work::{Earlier, Named, Work};
