//! Asking for cache lines ahead of their turn. The addresses need not be mapped.

// What is inlined into a loop is called for each line of it.
#![allow(clippy::inline_always)]

/// Asks for the line at `at` to be read, in the second-level cache.
#[inline(always)]
pub(super) fn to_read(at: *const u8) {
    #[cfg(target_arch = "x86")]
    use core::arch::x86::{_MM_HINT_T1, _mm_prefetch};
    #[cfg(target_arch = "x86_64")]
    use core::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};

    // SAFETY: all processors that a kernel is for have it; it changes nothing that is visible.
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    unsafe {
        _mm_prefetch::<_MM_HINT_T1>(at.cast());
    }
    // SAFETY: changes nothing that is visible.
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    unsafe {
        core::arch::asm!("prfm pldl2keep, [{}]", in(reg) at, options(nostack, preserves_flags, readonly));
    }
}

/// Asks for the line at `at` to be changed.
#[inline(always)]
pub(super) fn to_write(at: *const u8) {
    // The intrinsic becomes a prefetch for reading where the compiler is not told of PREFETCHW.
    // SAFETY: changes nothing that is visible; a processor of this kind without the instruction takes it for none.
    #[cfg(all(any(target_arch = "x86", target_arch = "x86_64"), not(miri)))]
    unsafe {
        core::arch::asm!("prefetchw [{}]", in(reg) at, options(nostack, preserves_flags, readonly));
    }
    // SAFETY: changes nothing that is visible.
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    unsafe {
        core::arch::asm!("prfm pstl2keep, [{}]", in(reg) at, options(nostack, preserves_flags, readonly));
    }
    #[cfg(miri)]
    let _ = at;
}
