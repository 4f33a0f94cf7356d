//! The sizes of the processor's caches.

use std::sync::OnceLock;

/// What is known about the caches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caches {
    /// Bytes of the second level, of one core.
    second_level: usize,
}

/// Where the processor does not say: what most have, or more.
const SECOND_LEVEL: usize = 1 << 20;

impl Caches {
    /// Those of this processor, which is asked once.
    pub(crate) fn get() -> Self {
        static CACHES: OnceLock<Caches> = OnceLock::new();
        *CACHES.get_or_init(|| Self { second_level: second_level().unwrap_or(SECOND_LEVEL) })
    }

    /// From this many bytes of source on, a blit does better past the caches: source and destination together are twice
    /// what the second level holds.
    pub(crate) fn streaming_from(self) -> usize {
        self.second_level
    }
}

#[cfg(all(any(target_arch = "x86", target_arch = "x86_64"), not(miri)))]
fn second_level() -> Option<usize> {
    let cpuid = raw_cpuid::CpuId::new();
    if let Some(caches) = cpuid.get_cache_parameters() {
        let is_second = |cache: &raw_cpuid::CacheParameter| cache.level() == 2;
        if let Some(cache) = { caches }.find(is_second) {
            return Some(cache.sets() * cache.associativity() * cache.coherency_line_size());
        }
    }
    let kilobytes = cpuid.get_l2_l3_cache_and_tlb_info()?.l2cache_size();
    (kilobytes != 0).then_some(usize::from(kilobytes) << 10)
}

#[cfg(any(not(any(target_arch = "x86", target_arch = "x86_64")), miri))]
fn second_level() -> Option<usize> {
    // Other processors tell the system alone, and Miri is none.
    let text = std::fs::read_to_string("/sys/devices/system/cpu/cpu0/cache/index2/size").ok()?;
    text.trim().strip_suffix('K')?.parse::<usize>().ok().map(|kilobytes| kilobytes << 10)
}
