//! The threads of a session.

use super::denormal;
use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

/// A closure that every thread runs, given the thread's number.
type Job = dyn Fn(usize) + Sync;

/// The closure of the running call. It lives until the call returns, which is after every thread has left it.
#[derive(Clone, Copy)]
struct Running(*const Job);

// SAFETY: the closure is `Sync`, and the call that lends it waits for all threads.
unsafe impl Send for Running {}

#[derive(Default)]
struct State {
    job: Option<Running>,
    /// Counts the calls: a thread takes each once.
    call: u64,
    /// Threads that have not finished this call.
    busy: usize,
    panic: Option<Box<dyn Any + Send>>,
    ends: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    start: Condvar,
    done: Condvar,
}

/// Threads that wait for calls of [`Pool::run`]; they end with the pool.
pub(super) struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// Starts so many threads.
    pub(super) fn new(threads: usize) -> io::Result<Self> {
        let mut pool = Self { shared: Arc::default(), threads: Vec::with_capacity(threads) };
        for number in 0..threads {
            let shared = Arc::clone(&pool.shared);
            let thread = Builder::new().name(format!("lane-{number}"));
            pool.threads.push(thread.spawn(move || shared.work(number))?);
        }
        Ok(pool)
    }

    /// How many there are.
    pub(super) fn threads(&self) -> usize {
        self.threads.len()
    }

    /// Runs `job` once on every thread and waits for all of them; a panic in one is thrown on then.
    pub(super) fn run(&mut self, job: &(dyn Fn(usize) + Sync)) {
        // SAFETY: only the lifetime changes; the closure is used until the wait below ends.
        let job =
            unsafe { std::mem::transmute::<*const (dyn Fn(usize) + Sync + '_), *const Job>(job) };
        let mut state = self.shared.lock();
        state.job = Some(Running(job));
        state.call += 1;
        state.busy = self.threads.len();
        self.shared.start.notify_all();
        while state.busy > 0 {
            state = self.shared.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.job = None;
        let panic = state.panic.take();
        drop(state);
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.lock().ends = true;
        self.shared.start.notify_all();
        for thread in self.threads.drain(..) {
            // What its job panicked with was handed to the caller.
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// The state; nobody panics while it is locked.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, number: usize) {
        denormal::flush_to_zero();
        let mut seen = 0;
        loop {
            let mut state = self.lock();
            while state.call == seen && !state.ends {
                state = self.start.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            // Between calls there is none: the pool ends.
            let Some(Running(job)) = state.job else { return };
            seen = state.call;
            drop(state);
            // SAFETY: the call that lent the closure waits until this thread is no longer busy.
            let panic = catch_unwind(AssertUnwindSafe(|| unsafe { &*job }(number))).err();
            let mut state = self.lock();
            state.panic = state.panic.take().or(panic);
            state.busy -= 1;
            if state.busy == 0 {
                self.done.notify_one();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn every_thread_runs_every_job_once() {
        let mut pool = Pool::new(3).unwrap();
        for _ in 0..200 {
            let ran = [const { AtomicUsize::new(0) }; 3];
            pool.run(&|number| {
                ran[number].fetch_add(1, Ordering::Relaxed);
            });
            assert!(ran.iter().all(|count| count.load(Ordering::Relaxed) == 1));
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_after_all_have_finished_and_the_pool_goes_on() {
        let mut pool = Pool::new(2).unwrap();
        let finished = AtomicUsize::new(0);
        let call = AssertUnwindSafe(|| {
            pool.run(&|number| {
                assert!(number == 0, "thread 1");
                std::thread::sleep(std::time::Duration::from_millis(20));
                finished.fetch_add(1, Ordering::Relaxed);
            });
        });
        let panic = catch_unwind(call).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"thread 1"));
        assert_eq!(finished.load(Ordering::Relaxed), 1);
        pool.run(&|_| {
            finished.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(finished.load(Ordering::Relaxed), 3);
    }
}
