//! The live objects of an adapter, by handle.
//!
//! ```text
//!   Handle {kind, serial, index} ──▶ slot[index]: live handle · owner · holders · Mutex<object>
//! ```
//!
//! A slot never moves and is never freed while the registry lives, so a call finds it without a lock, and costs the same
//! whatever the number of objects. A call of its own reads the slot's live handle, and goes one of two ways:
//!
//! - [`Registry::with`] locks the object and looks again. Nothing but the object's own lock is written.
//! - [`Registry::hold`] becomes a holder: the object outlives its removal until the last holder lets go. That is for calls
//!   that call the host in between, with nothing locked, and for those that take long.
//!
//! # No call waits for itself, and no two for each other
//!
//! An application chooses the handles in a message, so they may name the very object whose call reads them, or that of a
//! call on another thread which reads a handle of this one. Two rules make that harmless:
//!
//! - Every way to an object takes the [`Kind`] that the caller needs, and compares it with the one in the handle's bits
//!   before anything is locked. A handle of another kind is an error, never a lock (D39).
//! - A call locks one object at a time. What a call on one object needs to know of another lies outside of all objects:
//!   whether a handle is live is read from its slot, and which session a decoder is bound to is kept by the device
//!   (`device/bindings.rs`), under locks that nothing else is locked under. [`Locked`] checks the rule wherever debug
//!   assertions are compiled in.
//!
//! A removal ends the handle at once and waits for nobody: the registry is a holder too, and lets go. The last holder
//! drops the object and frees the slot.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::error::{Error, Result};
use crate::handle::{Handle, INDEX_MASK, Kind};

/// Slots of the first chunk; each further chunk has as many as all before it together, and the first one more often.
const FIRST_CHUNK: usize = 64;
/// Chunks that hold every index a handle can have.
const CHUNKS: usize = ((INDEX_MASK + FIRST_CHUNK).ilog2() - FIRST_CHUNK.ilog2()) as usize + 1;

/// The live objects of an adapter, by handle.
#[derive(Debug)]
pub(crate) struct Registry<T> {
    chunks: [OnceLock<Box<[Slot<T>]>>; CHUNKS],
    places: Mutex<Places>,
}

/// Which slots are free. Locked to create, to free and to list, never to find.
#[derive(Debug)]
struct Places {
    free: Vec<usize>,
    /// Slots that have ever been used.
    used: usize,
    next_serial: usize,
}

/// A place for an object, on a cache line of its own: threads with objects of their own do not disturb one another.
#[derive(Debug)]
#[repr(align(64))]
struct Slot<T> {
    /// The handle of the live object; 0 for none.
    live: AtomicUsize,
    /// The handle of the device that the live object belongs to; 0 for none. Written while the slot is free.
    owner: AtomicUsize,
    /// Calls that hold the object, and one for the registry. At 0 the slot is free.
    holders: AtomicUsize,
    object: Mutex<Option<T>>,
}

impl<T> Slot<T> {
    fn new() -> Self {
        Self {
            live: AtomicUsize::new(0),
            owner: AtomicUsize::new(0),
            holders: AtomicUsize::new(0),
            object: Mutex::new(None),
        }
    }

    fn is_live(&self, handle: Handle, owner: Option<Handle>) -> bool {
        self.live.load(Ordering::Acquire) == handle.get() && self.owner.load(Ordering::Relaxed) == raw(owner)
    }

    fn lock(&self) -> Locked<'_, T> {
        let alone = Alone::new();
        Locked { object: self.object(), _alone: Some(alone) }
    }

    /// As [`Self::lock`], for an object that no call can be on: it is new, or its last holder has let go.
    fn object(&self) -> MutexGuard<'_, Option<T>> {
        // A panic inside a call leaves an object in one of its states, so it can still be used.
        self.object.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An object, locked; there as long as it is held. A call has one of these at a time.
#[derive(Debug)]
pub(crate) struct Locked<'r, T> {
    object: MutexGuard<'r, Option<T>>,
    /// None where who uses the engine has locked it, whose affair the order is.
    _alone: Option<Alone>,
}

impl<T> Deref for Locked<'_, T> {
    type Target = Option<T>;

    fn deref(&self) -> &Option<T> {
        &self.object
    }
}

impl<T> DerefMut for Locked<'_, T> {
    fn deref_mut(&mut self) -> &mut Option<T> {
        &mut self.object
    }
}

/// Says that the thread's call has locked no other object. Compiled without debug assertions it is nothing.
#[derive(Debug)]
struct Alone;

#[cfg(debug_assertions)]
thread_local! {
    static HAS_LOCKED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

impl Alone {
    fn new() -> Self {
        #[cfg(debug_assertions)]
        let _ = HAS_LOCKED.try_with(|has| assert!(!has.replace(true), "a call locks one object at a time"));
        Self
    }
}

#[cfg(debug_assertions)]
impl Drop for Alone {
    fn drop(&mut self) {
        // A thread that ends locks nothing any more.
        let _ = HAS_LOCKED.try_with(|has| has.set(false));
    }
}

impl<T> Registry<T> {
    /// An empty registry. `first_serial` should be random, so that another adapter's handles mean nothing here.
    pub(crate) fn new(first_serial: usize) -> Self {
        Self {
            chunks: [const { OnceLock::new() }; CHUNKS],
            places: Mutex::new(Places { free: Vec::new(), used: 0, next_serial: first_serial }),
        }
    }

    /// Adds the object that `make` builds around its own handle, and that belongs to `owner`. Error:
    /// [`Error::TooManyObjects`].
    pub(crate) fn insert_with(
        &self,
        kind: Kind,
        owner: Option<Handle>,
        make: impl FnOnce(Handle) -> T,
    ) -> Result<Handle> {
        let handle = {
            let mut places = self.places();
            let index = match places.free.pop() {
                Some(index) => index,
                None if places.used > INDEX_MASK => return Err(Error::TooManyObjects),
                None => {
                    places.used += 1;
                    places.used - 1
                }
            };
            let serial = places.next_serial;
            places.next_serial = serial.wrapping_add(1);
            Handle::new(kind, serial, index)
        };
        let (chunk, offset) = place(handle.index());
        let slots = self.chunks[chunk].get_or_init(|| (0..FIRST_CHUNK << chunk).map(|_| Slot::new()).collect());
        let slot = &slots[offset];
        *slot.object() = Some(make(handle));
        slot.owner.store(raw(owner), Ordering::Relaxed);
        slot.holders.store(1, Ordering::Release);
        slot.live.store(handle.get(), Ordering::Release);
        Ok(handle)
    }

    /// Whether `handle` names a live object of the kind that belongs to `owner`. Takes no lock.
    pub(crate) fn is_live(&self, kind: Kind, handle: Handle, owner: Option<Handle>) -> bool {
        self.live_slot(kind, handle, owner).is_some()
    }

    /// Calls `call` with the object of the kind and of `owner` that `handle` names, locked. For calls that are short and
    /// remove nothing: a removal waits for them.
    pub(crate) fn with<R>(
        &self,
        kind: Kind,
        handle: Handle,
        owner: Option<Handle>,
        call: impl FnOnce(&mut T) -> R,
    ) -> Option<R> {
        let slot = self.live_slot(kind, handle, owner)?;
        let mut object = slot.lock();
        // The slot may have become another object's before it was locked.
        if !slot.is_live(handle, owner) {
            return None;
        }
        object.as_mut().map(call)
    }

    /// Holds the object of the kind and of `owner` that `handle` names.
    pub(crate) fn hold(&self, kind: Kind, handle: Handle, owner: Option<Handle>) -> Option<Held<'_, T>> {
        let slot = self.live_slot(kind, handle, owner)?;
        slot.holders
            .fetch_update(Ordering::Acquire, Ordering::Relaxed, |holders| (holders != 0).then(|| holders + 1))
            .ok()?;
        let held = Held { registry: self, index: handle.index() };
        // The slot may have become another object's before this was one of its holders.
        slot.is_live(handle, owner).then_some(held)
    }

    /// As [`Self::hold`], for longer than a call.
    pub(crate) fn share(self: &Arc<Self>, kind: Kind, handle: Handle, owner: Option<Handle>) -> Option<Shared<T>> {
        let held = self.hold(kind, handle, owner)?;
        let index = held.index;
        std::mem::forget(held);
        Some(Shared { registry: Arc::clone(self), index })
    }

    /// The handles of the live objects of a kind, and whom they belong to.
    pub(crate) fn all(&self, kind: Kind) -> Vec<(Handle, Option<Handle>)> {
        let used = self.places().used;
        let slots = (0..used).filter_map(|index| self.slot(index));
        let live = slots.filter_map(|slot| {
            let handle = Handle::from_raw(slot.live.load(Ordering::Acquire))?;
            Some((handle, Handle::from_raw(slot.owner.load(Ordering::Relaxed))))
        });
        live.filter(|(handle, _)| handle.is_of(kind)).collect()
    }

    /// Removes the object of `owner` that `handle` names, and says whether there was one.
    pub(crate) fn remove(&self, handle: Handle, owner: Option<Handle>) -> bool {
        let Some(slot) = self.slot(handle.index()) else { return false };
        let is_mine = slot.is_live(handle, owner)
            && slot.live.compare_exchange(handle.get(), 0, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        if is_mine {
            self.let_go(handle.index());
        }
        is_mine
    }

    /// The slot of a live object, told from every other handle without a lock.
    fn live_slot(&self, kind: Kind, handle: Handle, owner: Option<Handle>) -> Option<&Slot<T>> {
        if !handle.is_of(kind) {
            return None;
        }
        self.slot(handle.index()).filter(|slot| slot.is_live(handle, owner))
    }

    fn slot(&self, index: usize) -> Option<&Slot<T>> {
        let (chunk, offset) = place(index);
        self.chunks[chunk].get().map(|slots| &slots[offset])
    }

    /// The slot of an object that is held.
    fn held_slot(&self, index: usize) -> &Slot<T> {
        self.slot(index).expect("what is held has a slot")
    }

    /// A holder lets go; the last one drops the object and frees the slot.
    fn let_go(&self, index: usize) {
        let slot = self.held_slot(index);
        if slot.holders.fetch_sub(1, Ordering::AcqRel) == 1 {
            // Calls that come too late may lock the slot, and find that it is not live.
            let object = slot.object().take();
            drop(object);
            self.places().free.push(index);
        }
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        // Nothing in here panics half-way.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The chunk of an index, and the place in it.
fn place(index: usize) -> (usize, usize) {
    let number = (index & INDEX_MASK) + FIRST_CHUNK;
    let chunk = number.ilog2();
    ((chunk - FIRST_CHUNK.ilog2()) as usize, number - (1 << chunk))
}

fn raw(handle: Option<Handle>) -> usize {
    handle.map_or(0, Handle::get)
}

/// An object that is held for a call.
#[derive(Debug)]
pub(crate) struct Held<'r, T> {
    registry: &'r Registry<T>,
    index: usize,
}

impl<T> Held<'_, T> {
    /// The object, there as long as it is held.
    pub(crate) fn lock(&self) -> Locked<'_, T> {
        self.registry.held_slot(self.index).lock()
    }
}

impl<T> Drop for Held<'_, T> {
    fn drop(&mut self) {
        self.registry.let_go(self.index);
    }
}

/// An object that is held for longer than a call.
#[derive(Debug)]
pub(crate) struct Shared<T> {
    registry: Arc<Registry<T>>,
    index: usize,
}

impl<T> Shared<T> {
    /// As [`Held::lock`].
    pub(crate) fn lock(&self) -> Locked<'_, T> {
        self.registry.held_slot(self.index).lock()
    }

    /// As [`Self::lock`], for whoever uses the engine: it may lock several, if it keeps an order.
    pub(crate) fn lock_for_user(&self) -> Locked<'_, T> {
        Locked { object: self.registry.held_slot(self.index).object(), _alone: None }
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        self.registry.held_slot(self.index).holders.fetch_add(1, Ordering::Relaxed);
        Self { registry: Arc::clone(&self.registry), index: self.index }
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        self.registry.let_go(self.index);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    fn insert(registry: &Registry<u32>, value: u32) -> Handle {
        registry.insert_with(Kind::CryptoSession, None, |_| value).unwrap()
    }

    fn get<T: Clone>(registry: &Registry<T>, handle: Handle) -> Option<T> {
        registry.with(Kind::CryptoSession, handle, None, |object| object.clone())
    }

    /// Counts how many of them have been dropped.
    struct Counted(Arc<AtomicUsize>);

    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn live_handle_finds_its_object() {
        let registry = Registry::new(0);
        let handle = insert(&registry, 7);
        assert_eq!(get(&registry, handle), Some(7));
        assert_eq!(*registry.hold(Kind::CryptoSession, handle, None).unwrap().lock(), Some(7));
        assert!(registry.is_live(Kind::CryptoSession, handle, None));
    }

    #[test]
    fn stale_handle_finds_nothing_even_when_the_slot_is_used_again() {
        let registry = Registry::new(0);
        let stale = insert(&registry, 1);
        assert!(registry.remove(stale, None));
        let fresh = insert(&registry, 2);
        assert_eq!(stale.index(), fresh.index());
        assert_eq!((get(&registry, stale), get(&registry, fresh)), (None, Some(2)));
        assert!(
            registry.hold(Kind::CryptoSession, stale, None).is_none()
                && !registry.is_live(Kind::CryptoSession, stale, None)
        );
        assert!(!registry.remove(stale, None));
    }

    #[test]
    fn forged_handles_find_nothing() {
        let registry = Registry::new(5);
        let handle = insert(&registry, 1);
        for raw in [handle.get() ^ 1, handle.get() ^ (INDEX_MASK + 1), usize::MAX, 1, INDEX_MASK] {
            let forged = Handle::from_raw(raw).unwrap();
            assert_eq!(get(&registry, forged), None);
            assert!(registry.hold(Kind::CryptoSession, forged, None).is_none() && !registry.remove(forged, None));
        }
    }

    #[test]
    fn handle_of_another_kind_finds_nothing_and_waits_for_nobody() {
        let registry = Arc::new(Registry::new(0));
        let handle = insert(&registry, 1);
        let held = registry.hold(Kind::CryptoSession, handle, None).unwrap();
        let locked = held.lock();
        for kind in [Kind::Device, Kind::AuthenticatedChannel, Kind::Decoder] {
            assert!(registry.with(kind, handle, None, |_| ()).is_none());
            assert!(registry.hold(kind, handle, None).is_none() && registry.share(kind, handle, None).is_none());
            assert!(!registry.is_live(kind, handle, None));
        }
        assert_eq!(*locked, Some(1));
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "a call locks one object at a time")]
    fn second_lock_of_a_thread_is_found_out() {
        let registry = Registry::new(0);
        let [one, other] = [1, 2].map(|value| insert(&registry, value));
        registry.with(Kind::CryptoSession, one, None, |_| get(&registry, other));
    }

    #[test]
    fn objects_of_another_owner_are_not_found() {
        let registry = Registry::new(0);
        let [mine, theirs] = [1, 2].map(|value| insert(&registry, value));
        let handle = registry.insert_with(Kind::Decoder, Some(mine), |_| 3).unwrap();
        for owner in [None, Some(theirs)] {
            assert!(
                registry.with(Kind::Decoder, handle, owner, |_| ()).is_none()
                    && registry.hold(Kind::Decoder, handle, owner).is_none()
            );
            assert!(!registry.remove(handle, owner));
        }
        assert_eq!(registry.with(Kind::Decoder, handle, Some(mine), |object| *object), Some(3));
    }

    #[test]
    fn all_lists_the_live_objects_of_a_kind() {
        let registry = Registry::new(0);
        let [one, two] = [1, 2].map(|value| insert(&registry, value));
        let owned = registry.insert_with(Kind::CryptoSession, Some(one), |_| 3).unwrap();
        registry.insert_with(Kind::Decoder, Some(one), |_| 4).unwrap();
        registry.remove(two, None);
        assert_eq!(registry.all(Kind::CryptoSession), [(one, None), (owned, Some(one))]);
    }

    #[test]
    fn object_is_dropped_when_removed_or_when_the_last_holder_lets_go() {
        let dropped = Arc::new(AtomicUsize::new(0));
        let registry = Arc::new(Registry::new(0));
        let insert = || registry.insert_with(Kind::Device, None, |_| Counted(Arc::clone(&dropped))).unwrap();
        let count = || dropped.load(Ordering::Relaxed);
        let handle = insert();
        registry.remove(handle, None);
        assert_eq!(count(), 1, "nobody holds it");

        let handle = insert();
        let shared = registry.share(Kind::Device, handle, None).unwrap();
        let held = registry.hold(Kind::Device, handle, None).unwrap();
        registry.remove(handle, None);
        drop(shared.clone());
        drop(held);
        assert!(shared.lock().is_some());
        let beside = insert();
        assert_ne!(beside.index(), handle.index(), "the slot is not free while the object is held");
        assert_eq!(count(), 1);
        drop(shared);
        assert_eq!(count(), 2);
        assert_eq!(insert().index(), handle.index(), "the slot is free");
    }

    #[test]
    fn every_index_has_a_place_of_its_own() {
        let mut next = (0, 0);
        for index in 0..20 * FIRST_CHUNK {
            assert_eq!(place(index), next, "{index}");
            next = if next.1 + 1 == FIRST_CHUNK << next.0 { (next.0 + 1, 0) } else { (next.0, next.1 + 1) };
        }
        assert_eq!(place(INDEX_MASK).0, CHUNKS - 1);
    }

    #[test]
    fn thousands_of_objects_are_found_by_their_own_handles() {
        let registry = Registry::new(0);
        let handles: Vec<_> = (0..5000).map(|value| insert(&registry, value)).collect();
        assert_eq!(handles.iter().collect::<HashSet<_>>().len(), handles.len());
        for (value, &handle) in (0..).zip(&handles) {
            assert_eq!(get(&registry, handle), Some(value));
        }
    }

    /// Threads create, find, hold and remove at once. What a handle finds is its own object or nothing.
    #[test]
    fn objects_of_several_threads_are_never_mixed_up() {
        const THREADS: usize = 4;
        let dropped = Arc::new(AtomicUsize::new(0));
        let registry: Registry<(Handle, Counted)> = Registry::new(0);
        let newest = AtomicUsize::new(0);
        let barrier = Barrier::new(THREADS);
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    barrier.wait();
                    for _ in 0..2000 {
                        let own = |handle| (handle, Counted(Arc::clone(&dropped)));
                        let handle = registry.insert_with(Kind::CryptoSession, None, own).unwrap();
                        let other = newest.swap(handle.get(), Ordering::AcqRel);
                        if let Some(other) = Handle::from_raw(other) {
                            if let Some(held) = registry.hold(Kind::CryptoSession, other, None) {
                                registry.remove(other, None);
                                assert_eq!(held.lock().as_ref().unwrap().0, other);
                            }
                            if let Some(found) = registry.with(Kind::CryptoSession, other, None, |object| object.0) {
                                assert_eq!(found, other);
                            }
                        }
                        assert!(
                            registry
                                .with(Kind::CryptoSession, handle, None, |object| object.0)
                                .is_none_or(|found| found == handle)
                        );
                        registry.remove(handle, None);
                    }
                });
            }
        });
        assert_eq!(dropped.load(Ordering::Relaxed), THREADS * 2000);
        assert_eq!(registry.all(Kind::CryptoSession), []);
    }
}
