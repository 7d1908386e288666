//! Waiting for a device that may be lost meanwhile.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static WAITING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread waits for a device. A panic that happens now becomes an error: a hook that tells
/// panics had better be silent.
#[must_use]
pub fn is_waiting() -> bool {
    WAITING.get()
}

/// Waits until everything that was submitted is done. wgpu 30 panics where the driver says, in answer to the
/// wait itself, that the device is lost; its callback has been told before.
pub(crate) fn poll(device: &wgpu::Device) -> Result<(), String> {
    caught(|| device.poll(wgpu::PollType::wait_indefinitely()).map(|_| ()))
}

fn caught<E: ToString>(wait: impl FnOnce() -> Result<(), E>) -> Result<(), String> {
    WAITING.set(true);
    let waited = catch_unwind(AssertUnwindSafe(wait));
    WAITING.set(false);
    match waited {
        Ok(waited) => waited.map_err(|error| error.to_string()),
        Err(_) => Err("the device was lost while the host waited for it".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_a_wait_is_an_error_and_the_thread_knows_while_it_waits() {
        let mut seen = false;
        let waited = caught(|| {
            seen = is_waiting();
            Ok::<(), String>(())
        });
        assert_eq!((waited, seen, is_waiting()), (Ok(()), true, false));
        let lost = caught(|| -> Result<(), String> { panic!("as wgpu does") });
        assert!(lost.unwrap_err().contains("was lost"));
        assert!(!is_waiting());
    }
}
