//! What a figure was measured on.

/// The processor as the system names it, where it does, and the number of its threads.
pub(crate) fn name() -> String {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let named = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    let named = named.unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    format!("{named}, {threads} threads, {}", std::env::consts::OS)
}
