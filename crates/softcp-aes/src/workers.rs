//! Threads that help with large surfaces.

use core::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::{self, JoinHandle};

/// Threads that help to encrypt large surfaces, see [`Keystream::with_workers`](crate::Keystream::with_workers).
///
/// None is started before the first large surface. They sleep between surfaces; one surface at a time has their help, and
/// whoever comes meanwhile works alone. The caller takes part itself and never waits for a thread that has not begun, so that
/// a busy machine costs it no more than waking them. Dropping ends and joins them, except in a process that was forked off
/// and has none.
pub struct Workers {
    shared: Arc<Shared>,
    limit: usize,
    threads: Mutex<Threads>,
}

/// Those that have been started, and by which process.
struct Threads {
    handles: Vec<JoinHandle<()>>,
    process: u32,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// There is something to do, or the end.
    wake: Condvar,
    /// The last helper has left the job.
    left: Condvar,
}

#[derive(Default)]
struct State {
    job: Option<Job>,
    /// Helpers that may still join the job.
    wanted: usize,
    /// Helpers that are in the job.
    active: usize,
    has_panicked: bool,
    is_closing: bool,
}

/// What the caller and its helpers each do once. Valid while the job is in the state, and while a helper is active.
#[derive(Clone, Copy)]
struct Job(*const (dyn Fn() + Sync));

// SAFETY: what it points to is `Sync`.
unsafe impl Send for Job {}

impl Workers {
    /// At most `limit` threads besides the caller's, and never more than the machine has processors for. 0: none is ever
    /// started.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        let spare = thread::available_parallelism().map_or(0, |processors| processors.get() - 1);
        let threads = Mutex::new(Threads { handles: Vec::new(), process: process::id() });
        Self { shared: Arc::default(), limit: limit.min(spare), threads }
    }

    /// Threads that can help.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Calls `job` here, and at the same time on up to `helpers` threads. Returns when all of them have.
    pub(crate) fn run(&self, helpers: usize, job: &(dyn Fn() + Sync)) {
        let helpers = helpers.min(self.limit);
        let threads = match self.threads.try_lock() {
            Ok(threads) if helpers != 0 => Some(threads),
            Err(TryLockError::Poisoned(poisoned)) if helpers != 0 => Some(poisoned.into_inner()),
            _ => None,
        };
        let Some(mut threads) = threads else { return job() };
        self.start(&mut threads, helpers);
        let end = JobEnd { shared: &self.shared };
        let mut state = self.shared.lock();
        // SAFETY: only the lifetime changes. `end` takes the job out of the state and waits for those who have it, before
        // this function returns or unwinds.
        let job_for_all = unsafe { core::mem::transmute::<&(dyn Fn() + Sync), &'static (dyn Fn() + Sync)>(job) };
        (state.job, state.wanted, state.has_panicked) = (Some(Job(job_for_all)), helpers, false);
        drop(state);
        for _ in 0..helpers {
            self.shared.wake.notify_one();
        }
        job();
        drop(end);
        assert!(!self.shared.lock().has_panicked, "a helper has panicked");
    }

    /// Starts threads until there are `wanted`, if the system has them.
    fn start(&self, threads: &mut Threads, wanted: usize) {
        while threads.handles.len() < wanted {
            let shared = Arc::clone(&self.shared);
            let helper = thread::Builder::new().name("softcp-blit".to_owned()).spawn(move || shared.help());
            let Ok(helper) = helper else { return };
            threads.handles.push(helper);
        }
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        let threads = self.threads.get_mut().unwrap_or_else(PoisonError::into_inner);
        if threads.process != process::id() {
            // The threads are another process's; the state may be as one of them held it.
            core::mem::take(&mut threads.handles).into_iter().for_each(core::mem::forget);
            return;
        }
        self.shared.lock().is_closing = true;
        self.shared.wake.notify_all();
        for helper in threads.handles.drain(..) {
            helper.join().expect("helpers catch panics");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a helper does all its life.
    fn help(&self) {
        let mut state = self.lock();
        while !state.is_closing {
            let Some(Job(job)) = state.job.filter(|_| state.wanted != 0) else {
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            state.wanted -= 1;
            state.active += 1;
            drop(state);
            // SAFETY: whoever put the job into the state waits until no helper is active.
            let job = unsafe { &*job };
            let outcome = catch_unwind(AssertUnwindSafe(job));
            state = self.lock();
            state.has_panicked |= outcome.is_err();
            state.active -= 1;
            if state.active == 0 {
                self.left.notify_all();
            }
        }
    }
}

/// Ends a job when it is dropped: nobody joins it any more, and those who have are waited for.
struct JobEnd<'s> {
    shared: &'s Shared,
}

impl Drop for JobEnd<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        (state.job, state.wanted) = (None, 0);
        while state.active != 0 {
            state = self.shared.left.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
// A setup that fails is a failed test.
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::HashSet;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Workers of a machine with as many processors as this needs.
    fn workers(limit: usize) -> Workers {
        let mut workers = Workers::new(0);
        workers.limit = limit;
        workers
    }

    /// Tasks done by everybody, and the threads that did them; each waits until `together` have begun.
    fn run(workers: &Workers, helpers: usize, together: usize) -> HashSet<thread::ThreadId> {
        let begun = (Mutex::new(HashSet::new()), Condvar::new());
        workers.run(helpers, &|| {
            let mut seen = begun.0.lock().unwrap();
            seen.insert(thread::current().id());
            begun.1.notify_all();
            while seen.len() < together {
                seen = begun.1.wait(seen).unwrap();
            }
        });
        begun.0.into_inner().unwrap()
    }

    #[test]
    fn without_a_limit_the_caller_is_alone_and_no_thread_is_started() {
        let workers = workers(0);
        assert_eq!(run(&workers, 5, 1), HashSet::from([thread::current().id()]));
        assert!(workers.threads.lock().unwrap().handles.is_empty());
    }

    #[test]
    fn helpers_join_up_to_the_limit_and_stay_for_the_next_job() {
        let workers = workers(2);
        for _ in 0..if cfg!(miri) { 5 } else { 100 } {
            let seen = run(&workers, 9, 3);
            assert!(seen.contains(&thread::current().id()));
            assert_eq!(seen.len(), 3);
        }
        assert_eq!(workers.threads.lock().unwrap().handles.len(), 2);
    }

    #[test]
    fn who_comes_while_another_has_help_works_alone() {
        let workers = workers(1);
        workers.run(1, &|| {
            if thread::current().name() != Some("softcp-blit") {
                assert_eq!(run(&workers, 1, 1), HashSet::from([thread::current().id()]));
            }
        });
    }

    #[test]
    fn jobs_end_for_all_before_run_returns() {
        let workers = workers(3);
        for _ in 0..if cfg!(miri) { 20 } else { 1000 } {
            let (begun, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
            workers.run(3, &|| {
                begun.fetch_add(1, Ordering::SeqCst);
                thread::yield_now();
                ended.fetch_add(1, Ordering::SeqCst);
            });
            assert_eq!(begun.into_inner(), ended.into_inner());
        }
    }

    #[test]
    fn panic_of_anybody_reaches_the_caller_and_leaves_the_workers_usable() {
        let workers = workers(1);
        for who in [false, true] {
            let all = (Mutex::new(0), Condvar::new());
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                workers.run(1, &|| {
                    let mut begun = all.0.lock().unwrap();
                    *begun += 1;
                    all.1.notify_all();
                    while *begun < 2 {
                        begun = all.1.wait(begun).unwrap();
                    }
                    drop(begun);
                    assert_ne!(thread::current().name() == Some("softcp-blit"), who, "on purpose");
                });
            }));
            assert!(outcome.is_err());
            assert_eq!(run(&workers, 1, 2).len(), 2);
        }
    }
}
