//! The machine that the figures are of.

use std::fs;

use serde::Serialize;

/// What is known of the machine. Host name and user are left out: reports are shown to others.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// The processor's name for itself.
    pub processor: Option<String>,
    /// The instruction set, as `x86_64`.
    pub architecture: &'static str,
    /// Processors that the program may use.
    pub processors: usize,
    /// Bytes of the data caches of one processor, level by level, from the first.
    pub caches: Vec<u64>,
    /// Bytes of memory.
    pub memory: Option<u64>,
}

/// What is taken for the last-level cache of a machine that does not tell.
const USUAL_CACHE: u64 = 32 << 20;

impl Machine {
    /// Looks at this machine.
    pub(crate) fn here() -> Self {
        let processor = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| member(&text, "model name"));
        let memory = fs::read_to_string("/proc/meminfo").ok().and_then(|text| kibibytes(&member(&text, "MemTotal")?));
        Self {
            processor,
            architecture: std::env::consts::ARCH,
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            caches: caches(),
            memory,
        }
    }

    /// Bytes of the last-level cache, or the usual size if the machine does not tell.
    pub(crate) fn last_level_cache(&self) -> u64 {
        self.caches.last().copied().unwrap_or(USUAL_CACHE)
    }
}

/// Bytes of memory that can be taken without hurting others.
pub(crate) fn available_memory() -> Option<u64> {
    kibibytes(&member(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable")?)
}

/// The caches of the first processor that hold data.
fn caches() -> Vec<u64> {
    let mut caches: Vec<(u32, u64)> = (0..8).filter_map(cache).collect();
    caches.sort_unstable();
    caches.into_iter().map(|(_, bytes)| bytes).collect()
}

/// Level and bytes of a cache.
fn cache(index: u32) -> Option<(u32, u64)> {
    let read = |name: &str| fs::read_to_string(format!("/sys/devices/system/cpu/cpu0/cache/index{index}/{name}")).ok();
    let holds_data = read("type")?.trim() != "Instruction";
    let level = read("level")?.trim().parse().ok()?;
    let bytes = kibibytes(&read("size")?)?;
    holds_data.then_some((level, bytes))
}

/// The value of the first line `NAME : VALUE`.
fn member(text: &str, name: &str) -> Option<String> {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(key, _)| key.trim() == name)?;
    Some(value.trim().to_owned())
}

/// Bytes of a size as `48K` or `24025 kB`.
fn kibibytes(text: &str) -> Option<u64> {
    let digits = text.trim().trim_end_matches(|c: char| !c.is_ascii_digit());
    digits.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn member_is_found_by_its_whole_name() {
        let text = "model\t\t: 207\nmodel name\t: A processor: fast\nMemTotal:  100 kB\n";
        assert_eq!(member(text, "model name").as_deref(), Some("A processor: fast"));
        assert_eq!(member(text, "model").as_deref(), Some("207"));
        assert_eq!(member(text, "name"), None);
    }

    #[test]
    fn sizes_are_in_kibibytes_however_they_are_written() {
        assert_eq!(kibibytes("48K\n"), Some(48 << 10));
        assert_eq!(kibibytes("24025 kB"), Some(24025 << 10));
        assert_eq!(kibibytes("K"), None);
    }

    #[test]
    fn caches_of_this_machine_ascend() {
        let machine = Machine::here();
        assert!(machine.caches.is_sorted(), "{machine:?}");
        assert!(machine.processors >= 1 && machine.last_level_cache() > 0);
    }
}
