//! Hooks: functions of the implementation below that lead here first.
//!
//! The program gets the real device and context, so what the layer has to see is seen by hooking their methods. What is
//! hooked is the code of a method (by `MinHook`), not the entry of a table that leads to it:
//!
//! ```text
//! program ── table of the object, or a copy of it, or another library's hook ──▶ method ── jmp ──▶ hook::<I>
//!                                                                                   ▲                │ original::<I>
//!                                                                                   ╰─ trampoline ◀──╯
//! ```
//!
//! Tables belong to others. Windows' own library keeps one in the heap for each context and rewrites entries of it while it
//! runs; programs and overlays copy a table to hook one object, replace its entries, and put back what was there when they
//! leave. None of that leads around the method itself. Code is per method and never moves, so there is nothing to record for
//! an object, and nothing to give back with it.
//!
//! A hook function is generic over the number `I` of the function that it stands before: implementations have several
//! functions for one method (immediate and deferred contexts, each interface's own `QueryInterface`), and which one it was
//! cannot be told from the object. A detour is never removed, and the layer is never unloaded once it has made one.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use minhook::MinHook;

use crate::windows::com::{Raw, vtable};
use crate::windows::module;

/// Held while detours change; nothing is called below meanwhile.
static CHANGING: Mutex<()> = Mutex::new(());

/// Bytes at the beginning of a function that a detour may change.
const CHANGED_SIZE: usize = 5;

/// One function below, and how it goes on there.
struct Detour {
    /// Address of the function; 0 while there is none.
    target: AtomicUsize,
    /// Where the function goes on without the hook.
    trampoline: AtomicUsize,
    /// What the function began with before it was hooked.
    before: AtomicU64,
    /// Calls of the function come to the hook.
    is_enabled: AtomicBool,
}

impl Detour {
    const fn new() -> Self {
        Self {
            target: AtomicUsize::new(0),
            trampoline: AtomicUsize::new(0),
            before: AtomicU64::new(0),
            is_enabled: AtomicBool::new(false),
        }
    }

    /// Whether the function still leads to the hook. Another library may hook it, too: then it begins with that library's
    /// jump, which goes on here. One that leaves puts back what it has found, which may be what was there before all.
    fn is_in_place(&self) -> bool {
        let target = self.target.load(Ordering::Relaxed);
        // SAFETY: a function that is hooked, whose library is never unloaded.
        self.is_enabled.load(Ordering::Acquire) && unsafe { first_bytes(target) } != self.before.load(Ordering::Relaxed)
    }

    /// Has the function lead to its hook, again if it does not any more. The caller holds the lock.
    fn enable(&self) -> Result<(), minhook::MH_STATUS> {
        let target = pointer(self.target.load(Ordering::Relaxed));
        if self.is_enabled.load(Ordering::Relaxed) {
            tracing::warn!(id = "hook-restored", "a hook of the layer was removed by another library, and is back");
            // SAFETY: a function that this detour was made for; it writes back what is there.
            unsafe { MinHook::disable_hook(target) }?;
        }
        // SAFETY: the function below and its hook have one type, and no thread is left within the bytes that change.
        unsafe { MinHook::enable_hook(target) }?;
        self.is_enabled.store(true, Ordering::Release);
        Ok(())
    }
}

/// A method by its place in tables of type `V`, a function of type `F`, with as many as `N` functions below.
pub(in crate::windows) struct Method<V, F, const N: usize = 8> {
    name: &'static str,
    read: fn(&V) -> F,
    detours: [Detour; N],
}

/// A method: its table's type and its name there.
macro_rules! method {
    ($table:ty, $method:ident) => {
        $crate::windows::hooks::detour::Method::new(stringify!($method), |table: &$table| table.$method)
    };
}
pub(in crate::windows) use method;

/// A hook function for each number: 8 of them, or 48.
macro_rules! instances {
    ($($f:ident)::+) => { instances!(@ [$($f)::+] 0 1 2 3 4 5 6 7) };
    ($($f:ident)::+; 48) => {
        instances!(@ [$($f)::+] 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
            32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47)
    };
    (@ $f:tt $($index:literal)*) => { [$(instances!(@one $f $index)),*] };
    (@one [$($f:ident)::+] $index:literal) => { $($f)::+::<$index> };
}
pub(in crate::windows) use instances;

impl<V, F: Copy, const N: usize> Method<V, F, N> {
    pub(in crate::windows) const fn new(name: &'static str, read: fn(&V) -> F) -> Self {
        Self { name, read, detours: [const { Detour::new() }; N] }
    }

    /// The function that the hook with this number stands before.
    pub(in crate::windows) fn original<const I: usize>(&self) -> F {
        // A hook is called only after its trampoline is known.
        function(self.detours[I].trampoline.load(Ordering::Acquire))
    }

    /// The method of an object as the layer calls it itself: past the hook, but through whatever else hooks the table.
    ///
    /// # Safety
    ///
    /// `object` is a live object whose table begins with `V`.
    pub(in crate::windows) unsafe fn of(&self, object: Raw) -> F {
        // SAFETY: the caller's duty.
        let current = (self.read)(unsafe { vtable::<V>(object) });
        let target = address_of(&current);
        let known = self.detours.iter().find(|detour| detour.target.load(Ordering::Acquire) == target);
        known.map_or(current, |detour| function(detour.trampoline.load(Ordering::Acquire)))
    }

    /// Remembers the function of an object's table, to be hooked with the first one that is. Whoever replaces the entry later
    /// and puts it back leads to a hook then.
    ///
    /// # Safety
    ///
    /// As for [`of`](Self::of). Each function in `hooks` does, for every object, what the method promises.
    pub(in crate::windows) unsafe fn prepare(&self, object: Raw, hooks: &[F; N]) -> bool {
        // SAFETY: the caller's duty.
        let current = (self.read)(unsafe { vtable::<V>(object) });
        let target = address_of(&current);
        let is_known = |detour: &Detour| detour.target.load(Ordering::Acquire) == target;
        if self.detours.iter().any(is_known) {
            return true;
        }
        let _alone = CHANGING.lock().unwrap_or_else(PoisonError::into_inner);
        if self.detours.iter().any(is_known) {
            return true;
        }
        let free = self.detours.iter().zip(hooks).find(|(detour, _)| detour.target.load(Ordering::Relaxed) == 0);
        let Some((detour, hook)) = free else {
            tracing::debug!(id = "hooks-full", method = self.name, "there are more implementations than can be hooked");
            return false;
        };
        // The function leads here from now on, and must stay, too. Code outside of libraries cannot be kept, and what lies there
        // later is not to be touched.
        if let Err(error) = module::pin().and_then(|()| module::pin_owner(target)) {
            tracing::debug!(id = "not-pinned", method = self.name, %error, "a method is not hooked, since it could be unloaded");
            return false;
        }
        // SAFETY: a function that can be called, and one of the same type.
        match unsafe { MinHook::create_hook(pointer(target), pointer(address_of(hook))) } {
            Ok(trampoline) => {
                // SAFETY: the function is there.
                detour.before.store(unsafe { first_bytes(target) }, Ordering::Relaxed);
                detour.trampoline.store(trampoline.expose_provenance(), Ordering::Release);
                detour.target.store(target, Ordering::Release);
                true
            }
            Err(status) => {
                tracing::debug!(id = "hook-refused", method = self.name, ?status, "a method cannot be hooked");
                false
            }
        }
    }

    /// Hooks the method of an object, and the functions that were [prepared](Self::prepare). Hooks that another library has
    /// removed are put back. Answers whether all are in place.
    ///
    /// # Safety
    ///
    /// As for [`prepare`](Self::prepare).
    pub(in crate::windows) unsafe fn hook(&self, object: Raw, hooks: &[F; N]) -> bool {
        // SAFETY: the caller's duty.
        let is_prepared = unsafe { self.prepare(object, hooks) };
        self.enable() && is_prepared
    }

    /// As [`hook`](Self::hook), for the functions that are known already.
    pub(in crate::windows) fn enable(&self) -> bool {
        let known = || self.detours.iter().filter(|detour| detour.target.load(Ordering::Acquire) != 0);
        if known().all(Detour::is_in_place) {
            return true;
        }
        let _alone = CHANGING.lock().unwrap_or_else(PoisonError::into_inner);
        known().filter(|detour| !detour.is_in_place()).fold(true, |all, detour| match detour.enable() {
            Ok(()) => all,
            Err(status) => {
                tracing::debug!(id = "hook-refused", method = self.name, ?status, "a method cannot be hooked");
                false
            }
        })
    }
}

/// The table of an interface as it was when its object was new. A table that somebody has put in its place later may be a
/// copy for an earlier version of the interface, which ends before the methods of a later one.
#[derive(Clone, Copy, Default)]
pub(in crate::windows) struct KnownTable {
    /// 0 where there is no such interface.
    address: usize,
    /// The methods that are hooked later are known.
    is_prepared: bool,
}

impl KnownTable {
    /// # Safety
    ///
    /// `object` is a live COM object.
    pub(in crate::windows) unsafe fn of(object: Raw, is_prepared: bool) -> Self {
        // SAFETY: the caller's duty.
        Self { address: unsafe { table_address(object) }, is_prepared }
    }

    /// As [`Method::hook`]; for an object with another table than this, the functions that were [prepared](Method::prepare).
    ///
    /// # Safety
    ///
    /// As for [`Method::prepare`], but for the length of another table.
    pub(in crate::windows) unsafe fn hook<V, F: Copy, const N: usize>(
        self,
        method: &Method<V, F, N>,
        object: Raw,
        hooks: &[F; N],
    ) -> bool {
        // SAFETY: the caller's duty.
        if unsafe { table_address(object) } == self.address {
            // SAFETY: the caller's duty, and this table is as long as the interface.
            unsafe { method.hook(object, hooks) }
        } else {
            method.enable() && self.is_prepared
        }
    }
}

/// # Safety
///
/// `object` is a live COM object.
unsafe fn table_address(object: Raw) -> usize {
    // SAFETY: the caller's duty.
    std::ptr::from_ref(unsafe { vtable::<u8>(object) }).addr()
}

/// The address of a function pointer, which `F` is.
fn address_of<F: Copy>(function: &F) -> usize {
    const { assert!(size_of::<F>() == size_of::<usize>(), "methods are function pointers") };
    // SAFETY: as large as an address, and every bit pattern is one.
    unsafe { std::mem::transmute_copy::<F, usize>(function) }
}

/// The function at an address that came from [`address_of`], or continues a function of that type.
fn function<F: Copy>(address: usize) -> F {
    debug_assert_ne!(address, 0, "a function is somewhere");
    // SAFETY: a function pointer is an address, and the caller's is that of a function of this type.
    unsafe { std::mem::transmute_copy::<usize, F>(&address) }
}

fn pointer(address: usize) -> *mut c_void {
    std::ptr::with_exposed_provenance_mut(address)
}

/// What a function begins with.
///
/// # Safety
///
/// There is a function at this address.
unsafe fn first_bytes(address: usize) -> u64 {
    let code = pointer(address).cast::<u8>();
    (0..CHANGED_SIZE).fold(0, |bytes, index| {
        // SAFETY: code can be read, and no function's page ends within its first bytes; another thread may be changing it.
        bytes << 8 | u64::from(unsafe { code.wrapping_add(index).read_volatile() })
    })
}
