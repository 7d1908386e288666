//! Threads that share the kernels of one member.
//!
//! Kernels of a step take tens of microseconds, waking a thread as long: so those that help spin for a while
//! between kernels before they sleep. One that sleeps is not waited for.

use std::any::Any;
use std::cell::UnsafeCell;
use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a thread without work spins before it sleeps.
const SPIN: Duration = Duration::from_micros(50);

/// A closure that is called with the number of each task.
type Task = dyn Fn(usize) + Sync;

/// One thread that leads and any number that help.
pub(crate) struct Team {
    helpers: usize,
    /// Written by the leader while nobody helps.
    task: UnsafeCell<Option<(*const Task, usize)>>,
    /// The next task that nobody has taken.
    next: AtomicUsize,
    /// Whether `task` may be read.
    open: AtomicBool,
    /// Threads that look at `task`, or were about to.
    inside: AtomicUsize,
    asleep: AtomicUsize,
    over: AtomicBool,
    /// What a helper panicked with. Also the lock of `wake`.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    wake: Condvar,
}

// SAFETY: `task` is the one field that is not `Sync` by itself. The leader writes it while it is not open and
// nobody is inside; others read it inside, after they have seen it open. The closure behind it is `Sync`, and
// `share` does not return before all have left.
unsafe impl Sync for Team {}

impl Team {
    /// A team of so many threads, the leader among them.
    pub(super) fn new(threads: usize) -> Self {
        Self {
            helpers: threads - 1,
            task: UnsafeCell::new(None),
            next: AtomicUsize::new(0),
            open: AtomicBool::new(false),
            inside: AtomicUsize::new(0),
            asleep: AtomicUsize::new(0),
            over: AtomicBool::new(false),
            panic: Mutex::new(None),
            wake: Condvar::new(),
        }
    }

    /// Number of threads.
    pub(super) fn threads(&self) -> usize {
        self.helpers + 1
    }

    /// The leader's: does `work`, which shares what it likes, then lets the helpers go.
    pub(super) fn lead(&self, work: impl FnOnce()) {
        let led = catch_unwind(AssertUnwindSafe(work));
        self.over.store(true, Ordering::SeqCst);
        drop(self.lock());
        self.wake.notify_all();
        led.unwrap_or_else(|panic| resume_unwind(panic));
    }

    /// The leader's: calls `task` with 0 to `tasks - 1`, each once, on whichever threads are free, and waits for all.
    /// A task shares nothing itself.
    pub(super) fn share(&self, tasks: usize, task: &(dyn Fn(usize) + Sync)) {
        if self.helpers == 0 || tasks <= 1 {
            (0..tasks).for_each(task);
            return;
        }
        debug_assert!(!self.open.load(Ordering::Relaxed), "a task shares tasks of its own");
        // SAFETY: only the lifetime changes; nobody is inside when this function returns.
        let lent =
            unsafe { std::mem::transmute::<*const (dyn Fn(usize) + Sync + '_), *const Task>(task) };
        // SAFETY: it is not open, and the last call waited until nobody was inside: whoever comes in now sees
        // that it is closed and leaves.
        unsafe { *self.task.get() = Some((lent, tasks)) };
        self.next.store(0, Ordering::Relaxed);
        self.open.store(true, Ordering::SeqCst);
        if self.asleep.load(Ordering::SeqCst) > 0 {
            drop(self.lock());
            self.wake.notify_all();
        }
        let own = catch_unwind(AssertUnwindSafe(|| self.take(task, tasks)));
        self.open.store(false, Ordering::SeqCst);
        let mut turns = 0_u32;
        while self.inside.load(Ordering::SeqCst) > 0 {
            turns = turns.wrapping_add(1);
            // A helper that the system has stopped needs this thread's processor.
            if turns.is_multiple_of(4096) { std::thread::yield_now() } else { spin_loop() }
        }
        let theirs = self.lock().take();
        if let Some(panic) = own.err().or(theirs) {
            resume_unwind(panic);
        }
    }

    /// A helper's: works on what is shared until the leader is done.
    pub(super) fn help(&self) {
        let mut idle = Instant::now();
        while !self.over.load(Ordering::Acquire) {
            if self.open.load(Ordering::Relaxed) {
                self.enter();
                idle = Instant::now();
            }
            for _ in 0..64 {
                if self.open.load(Ordering::Relaxed) {
                    break;
                }
                spin_loop();
            }
            if idle.elapsed() > SPIN {
                self.sleep();
                idle = Instant::now();
            }
        }
    }

    fn enter(&self) {
        self.inside.fetch_add(1, Ordering::SeqCst);
        if self.open.load(Ordering::SeqCst) {
            // SAFETY: this thread is inside and has seen it open, so the leader does not write it.
            if let Some((task, tasks)) = unsafe { *self.task.get() } {
                // SAFETY: the leader waits for this thread before it gives the closure up.
                let work = AssertUnwindSafe(|| self.take(unsafe { &*task }, tasks));
                if let Err(panic) = catch_unwind(work) {
                    *self.lock() = Some(panic);
                }
            }
        }
        self.inside.fetch_sub(1, Ordering::SeqCst);
    }

    fn take(&self, task: &(dyn Fn(usize) + Sync), tasks: usize) {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= tasks {
                return;
            }
            task(number);
        }
    }

    fn sleep(&self) {
        let mut lock = self.lock();
        self.asleep.fetch_add(1, Ordering::SeqCst);
        while !self.open.load(Ordering::SeqCst) && !self.over.load(Ordering::SeqCst) {
            lock = self.wake.wait(lock).unwrap_or_else(PoisonError::into_inner);
        }
        self.asleep.fetch_sub(1, Ordering::SeqCst);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Box<dyn Any + Send>>> {
        self.panic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the leader does with a team of `threads`.
    fn lead(threads: usize, leader: impl Fn(&Team)) {
        let team = Team::new(threads);
        std::thread::scope(|scope| {
            (1..threads).for_each(|_| {
                scope.spawn(|| team.help());
            });
            team.lead(|| leader(&team));
        });
    }

    #[test]
    fn each_task_runs_once_awake_or_asleep() {
        lead(3, |team| {
            for round in 0..2_000 {
                let tasks = round % 9;
                let ran = [const { AtomicUsize::new(0) }; 9];
                team.share(tasks, &|task| {
                    ran[task].fetch_add(1, Ordering::Relaxed);
                });
                for (task, count) in ran.iter().enumerate() {
                    assert_eq!(count.load(Ordering::Relaxed), usize::from(task < tasks));
                }
                if round % 500 == 0 {
                    std::thread::sleep(SPIN * 4);
                }
            }
        });
    }

    #[test]
    fn all_threads_take_part() {
        lead(2, |team| {
            // Each of two tasks waits for the other: one thread alone would never end.
            let arrived = AtomicUsize::new(0);
            team.share(2, &|_| {
                arrived.fetch_add(1, Ordering::SeqCst);
                while arrived.load(Ordering::SeqCst) < 2 {
                    std::thread::yield_now();
                }
            });
        });
    }

    /// Each of two tasks waits for the other, so the helper has one of them.
    #[test]
    fn a_panic_of_a_helper_reaches_the_leader_too() {
        lead(2, |team| {
            let (leader, arrived) = (std::thread::current().id(), AtomicUsize::new(0));
            let shared = || {
                team.share(2, &|_| {
                    arrived.fetch_add(1, Ordering::SeqCst);
                    while arrived.load(Ordering::SeqCst) < 2 {
                        std::thread::yield_now();
                    }
                    assert!(std::thread::current().id() == leader, "the helper's");
                });
            };
            let panic = catch_unwind(AssertUnwindSafe(shared)).unwrap_err();
            assert_eq!(panic.downcast_ref::<&str>(), Some(&"the helper's"));
        });
    }

    #[test]
    fn a_panic_in_a_task_reaches_the_leader_and_the_team_goes_on() {
        lead(2, |team| {
            for _ in 0..50 {
                let shared = || team.share(4, &|task| assert!(task != 3, "task 3"));
                let panic = catch_unwind(AssertUnwindSafe(shared)).unwrap_err();
                assert_eq!(panic.downcast_ref::<&str>(), Some(&"task 3"));
                let sum = AtomicUsize::new(0);
                team.share(4, &|task| {
                    sum.fetch_add(task, Ordering::Relaxed);
                });
                assert_eq!(sum.load(Ordering::Relaxed), 6);
            }
        });
    }
}
