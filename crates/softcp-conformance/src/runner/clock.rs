//! How much of its time limit a process has used.
//!
//! A limit is there for drivers that hang, and a slow or busy machine must not look like one. So where the system tells,
//! what counts is the processor time of the process, and the time in which none of its threads wants a processor; elsewhere
//! it is time as it goes by.

use std::time::{Duration, Instant};

/// The time that counts for a process, since the last event.
#[derive(Debug)]
pub(super) struct Clock {
    process: u32,
    used: Duration,
    last: Instant,
    /// Processor time of the process at `last`; none where the system does not tell.
    processor: Option<Duration>,
}

impl Clock {
    pub(super) fn start(process: u32) -> Self {
        Self { process, used: Duration::ZERO, last: Instant::now(), processor: processor_time(process) }
    }

    /// Begins again.
    pub(super) fn restart(&mut self) {
        *self = Self::start(self.process);
    }

    /// What counts so far. To be asked several times in a second.
    pub(super) fn used(&mut self) -> Duration {
        let passed = self.last.elapsed();
        self.last += passed;
        let processor = processor_time(self.process);
        self.used += match (self.processor, processor) {
            (Some(before), Some(now)) if now > before => now.saturating_sub(before).min(passed),
            (Some(_), Some(_)) if wants_processor(self.process) => Duration::ZERO,
            _ => passed,
        };
        self.processor = processor;
        self.used
    }
}

/// Ticks of the processor times in `/proc`: the kernel shows a hundredth of a second whatever it counts in itself.
#[cfg(target_os = "linux")]
const TICK: Duration = Duration::from_millis(10);

/// Fields of `/proc/PID/stat` behind the name, which may hold anything: the first one is the state.
#[cfg(target_os = "linux")]
fn stat(path: &std::path::Path) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(path).ok()?;
    let (_, fields) = text.rsplit_once(") ")?;
    Some(fields.split(' ').map(ToOwned::to_owned).collect())
}

/// User and system time of all threads.
#[cfg(target_os = "linux")]
fn processor_time(process: u32) -> Option<Duration> {
    let fields = stat(format!("/proc/{process}/stat").as_ref())?;
    let ticks = |at: usize| fields.get(at)?.parse::<u32>().ok();
    Some(TICK * (ticks(11)? + ticks(12)?))
}

/// Whether a thread runs, waits for a processor, or for the disk.
#[cfg(target_os = "linux")]
fn wants_processor(process: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else { return false };
    let states = threads.filter_map(|thread| stat(&thread.ok()?.path().join("stat"))?.into_iter().next());
    states.into_iter().any(|state| state == "R" || state == "D")
}

#[cfg(not(target_os = "linux"))]
fn processor_time(_process: u32) -> Option<Duration> {
    None
}

#[cfg(not(target_os = "linux"))]
fn wants_processor(_process: u32) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Child, Command};

    use super::*;

    fn shell(script: &str) -> Child {
        Command::new("sh").args(["-c", script]).spawn().unwrap()
    }

    fn used_after(child: &mut Child, passed: Duration) -> Duration {
        let mut clock = Clock::start(child.id());
        let end = Instant::now() + passed;
        while Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
            clock.used();
        }
        let used = clock.used();
        child.kill().unwrap();
        child.wait().unwrap();
        used
    }

    #[test]
    fn waiting_counts() {
        let used = used_after(&mut shell("exec sleep 60"), Duration::from_millis(400));
        assert!(used >= Duration::from_millis(300), "{used:?}");
    }

    #[test]
    fn work_counts_as_much_as_the_processor_gives() {
        // A process of the lowest priority, on a machine that is busy with more of its kind.
        let mut others: Vec<_> = (0..16).map(|_| shell("while :; do :; done")).collect();
        let used = used_after(&mut shell("exec nice -n 19 sh -c 'while :; do :; done'"), Duration::from_millis(600));
        for other in &mut others {
            other.kill().unwrap();
            other.wait().unwrap();
        }
        let processors = std::thread::available_parallelism().unwrap().get();
        assert!(processors > 8 || used < Duration::from_millis(400), "{used:?}");
    }
}
