//! Hooks: entries of the real objects' tables that lead here first.
//!
//! The program gets the real device and context, so what the layer has to see is seen by replacing entries of their
//! tables of functions. The tables are changed in place, not copied: implementations compare an object's table to their
//! own (Wine asserts it), and what an entry does for objects that the layer does not know is what it did before.
//!
//! A replaced entry is never put back, and the layer is never unloaded once it has replaced one.

use std::ffi::c_void;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use windows::Win32::System::Memory::{PAGE_PROTECTION_FLAGS, PAGE_READWRITE, VirtualProtect};

use super::com::{Raw, vtable};
use super::module;

/// Most entries that can be replaced; implementations have one table or a few for each kind of object.
const MOST: usize = 1024;

/// One replaced entry.
struct Patch {
    /// Address of the entry; 0 while there is none here yet.
    entry: AtomicUsize,
    /// What was there.
    original: AtomicUsize,
    /// What is there now.
    replacement: AtomicUsize,
}

static PATCHES: [Patch; MOST] =
    [const { Patch { entry: AtomicUsize::new(0), original: AtomicUsize::new(0), replacement: AtomicUsize::new(0) } };
        MOST];
static COUNT: AtomicUsize = AtomicUsize::new(0);
static INSTALLING: Mutex<()> = Mutex::new(());

/// An entry of the table `V`: where it lies, and the type of the function, by a closure that reads it.
macro_rules! entry {
    ($table:ty, $method:ident) => {
        $crate::windows::hook::Entry::new(core::mem::offset_of!($table, $method), |table: &$table| table.$method)
    };
}
pub(super) use entry;

/// An entry of tables of type `V`, a function of type `F`.
pub(super) struct Entry<V, F> {
    offset: usize,
    get: fn(&V) -> F,
}

impl<V, F: Copy> Entry<V, F> {
    pub(super) const fn new(offset: usize, get: fn(&V) -> F) -> Self {
        Self { offset, get }
    }

    /// The function below the layer: what the entry was before it was replaced, or what it is.
    ///
    /// # Safety
    ///
    /// `object` is a live object whose table begins with `V`.
    pub(super) unsafe fn below(&self, object: Raw) -> F {
        // SAFETY: the caller's duty.
        let table = unsafe { vtable::<V>(object) };
        let address = std::ptr::from_ref(table).addr() + self.offset;
        let current = (self.get)(table);
        let Some(original) = original(address, address_of(&current)) else { return current };
        // SAFETY: what was in an entry of this type is a function of this type.
        unsafe { std::mem::transmute_copy::<usize, F>(&original) }
    }

    /// Replaces the entry of the object's table, unless it has been already.
    ///
    /// # Safety
    ///
    /// As for [`below`](Self::below); and `replacement` does, for every object with this table, what the method
    /// promises.
    pub(super) unsafe fn replace(&self, object: Raw, replacement: F) {
        // SAFETY: the caller's duty.
        let table = unsafe { vtable::<V>(object) };
        let current = (self.get)(table);
        let (current, replacement) = (address_of(&current), address_of(&replacement));
        let entry = std::ptr::from_ref(table).wrapping_byte_add(self.offset).cast_mut().cast();
        // SAFETY: `entry` is a function pointer of a live table, and the caller says that the replacement fits.
        unsafe { install(entry, current, replacement) };
    }
}

/// The address of a function pointer, which `F` is.
fn address_of<F: Copy>(function: &F) -> usize {
    const { assert!(size_of::<F>() == size_of::<usize>(), "entries are function pointers") };
    // SAFETY: as large as an address, and every bit pattern is one.
    unsafe { std::mem::transmute_copy::<F, usize>(function) }
}

/// What was in an entry before the layer; none for one that it has not replaced.
fn original(entry: usize, current: usize) -> Option<usize> {
    let known = PATCHES.iter().take(COUNT.load(Ordering::Acquire));
    // An overlay that copied a table took our function along: the table is another, the function ours.
    let mut copied = None;
    for patch in known {
        if patch.entry.load(Ordering::Relaxed) == entry {
            return Some(patch.original.load(Ordering::Relaxed));
        }
        if patch.replacement.load(Ordering::Relaxed) == current {
            copied = Some(patch.original.load(Ordering::Relaxed));
        }
    }
    copied
}

/// Writes a replacement, after its original is known.
///
/// # Safety
///
/// `entry` points to an entry of a live table that holds `current`, and `replacement` is a function of the same type.
unsafe fn install(entry: *mut c_void, current: usize, replacement: usize) {
    let _alone = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let count = COUNT.load(Ordering::Relaxed);
    let is_known = PATCHES[..count].iter().any(|patch| patch.entry.load(Ordering::Relaxed) == entry.addr());
    if is_known || current == replacement {
        return;
    }
    if count == MOST {
        tracing::error!(id = "hooks-full", "there are more kinds of Direct3D objects than the layer can follow");
        return;
    }
    // The real objects lead here from now on.
    if let Err(error) = module::pin() {
        tracing::error!(id = "not-pinned", %error, "the layer could be unloaded, so it hooks nothing");
        return;
    }
    PATCHES[count].original.store(current, Ordering::Relaxed);
    PATCHES[count].replacement.store(replacement, Ordering::Relaxed);
    PATCHES[count].entry.store(entry.addr(), Ordering::Relaxed);
    COUNT.store(count + 1, Ordering::Release);
    let mut before = PAGE_PROTECTION_FLAGS(0);
    let size = size_of::<usize>();
    // SAFETY: the entry is memory of a loaded library, which stays readable.
    if let Err(error) = unsafe { VirtualProtect(entry, size, PAGE_READWRITE, &raw mut before) } {
        tracing::error!(id = "hook-refused", %error, "a table of functions cannot be written");
        return;
    }
    // SAFETY: aligned, writable now, and only ever read as one word by callers of the method.
    let slot = unsafe { AtomicPtr::<c_void>::from_ptr(entry.cast()) };
    slot.store(std::ptr::with_exposed_provenance_mut(replacement), Ordering::Release);
    let mut ours = PAGE_PROTECTION_FLAGS(0);
    // SAFETY: as above; what it was before.
    let _ = unsafe { VirtualProtect(entry, size, before, &raw mut ours) };
}
