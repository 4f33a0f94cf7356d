//! What the layer knows of a resource: whether it is protected, mapped, offered, or has no defined content.
//!
//! Notes are found by the address of their resource, in a table of the layer's own. An object in the resource's private data
//! ends a note with its resource. Resources that nothing is known of have none.
//!
//! The table's lock is never held while anything is called below: a thread in there may wait for the device's critical
//! section, which the program's other thread holds while it waits for the table.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, RwLock, Weak};

use softcp_runtime::Resource as DriverResource;
use windows::Win32::Graphics::Direct3D11::{
    D3D11_BUFFER_DESC, D3D11_RESOURCE_DIMENSION, D3D11_RESOURCE_DIMENSION_BUFFER, D3D11_RESOURCE_DIMENSION_TEXTURE2D,
    D3D11_TEXTURE2D_DESC, D3D11_USAGE, ID3D11Buffer, ID3D11Device, ID3D11DeviceChild, ID3D11Resource, ID3D11Texture2D,
};
use windows::core::{GUID, HRESULT, IUnknown, IUnknown_Vtbl, Interface};

use super::com::{self, Raw, Weak as WeakObject};
use super::device::DeviceState;
use super::reading;
use super::shared::Records;
use crate::format::Layout;
use crate::protection::Protection;

/// Under this name the end of a note is private data of its resource.
const NOTE: GUID = GUID::from_u128(0x8e1f_03c2_77a9_4f5d_b6d0_42c1_9e38_5a07);

/// The resources of a device that are protected, and records on those that are shared.
#[derive(Default)]
pub(super) struct Resources {
    protected: Mutex<Vec<Weak<AtomicBool>>>,
    /// Content of some protected resource was lost, ever: notes are to be asked.
    any_lost: AtomicBool,
    /// It was lost since render targets were last looked at.
    targets_lost: AtomicBool,
    pub(super) records: Records,
}

impl Resources {
    /// The content of every protected resource is lost. Nothing is called below: the notes know it from now on.
    pub(super) fn lose_content(&self) {
        self.marks().iter().filter_map(Weak::upgrade).for_each(|lost| lost.store(true, Ordering::Release));
        self.any_lost.store(true, Ordering::Release);
        self.targets_lost.store(true, Ordering::Release);
    }

    /// Whether notes are to be asked for losses.
    pub(super) fn any_lost(&self) -> bool {
        self.any_lost.load(Ordering::Acquire)
    }

    /// Whether what the context draws to is to be looked at; says so once for each loss.
    pub(super) fn take_targets_lost(&self) -> bool {
        self.any_lost() && self.targets_lost.swap(false, Ordering::AcqRel)
    }

    fn mark(&self) -> Arc<AtomicBool> {
        let lost = Arc::new(AtomicBool::new(false));
        let mut marks = self.marks();
        marks.retain(|mark| mark.strong_count() > 0);
        marks.push(Arc::downgrade(&lost));
        lost
    }

    fn marks(&self) -> MutexGuard<'_, Vec<Weak<AtomicBool>>> {
        self.protected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Every note, by the address of its resource.
static NOTES: LazyLock<RwLock<HashMap<usize, Arc<Note>>>> = LazyLock::new(RwLock::default);

/// How a resource was created, as far as content protection is concerned.
#[derive(Default)]
pub(super) struct Flags {
    /// The flags that the implementation below was not shown: `D3D11_RESOURCE_MISC_*`.
    pub(super) misc: u32,
    /// Its content is protected (D19).
    pub(super) is_protected: bool,
    /// What stands for the resource in the driver's books: the budget (D24) and the counts of shared resources.
    #[allow(dead_code, reason = "held, not used")]
    pub(super) in_driver: Option<DriverResource>,
}

/// What is known of a resource.
pub(super) struct Note {
    resource: usize,
    flags: Flags,
    /// The resource counts as one that every process may open.
    unrestricted_share: bool,
    protection: Arc<Protection>,
    resources: Arc<Resources>,
    /// How many of its subresources the program has mapped.
    pub(super) mapped: AtomicU32,
    /// Its memory is offered to the system.
    pub(super) offered: AtomicBool,
    /// The work of the device when it was discarded; 0 where its content is defined.
    undefined: AtomicU64,
    /// Its content was lost in a teardown, and is still there.
    lost: Arc<AtomicBool>,
}

impl Note {
    pub(super) fn is_protected(&self) -> bool {
        self.flags.is_protected
    }

    pub(super) fn misc(&self) -> u32 {
        self.flags.misc
    }

    /// The content was discarded, when the device had done so much work.
    pub(super) fn discard(&self, work: u64) {
        self.undefined.store(work, Ordering::Relaxed);
    }

    /// Something was written.
    pub(super) fn define(&self) {
        self.undefined.store(0, Ordering::Relaxed);
    }

    /// Whether nothing can have been written since the content was discarded. Work that may have written anywhere counts
    /// as having written here.
    pub(super) fn is_undefined(&self, work: u64) -> bool {
        self.undefined.load(Ordering::Relaxed) == work
    }

    /// Whether the content was lost; says so once.
    pub(super) fn take_lost(&self) -> bool {
        self.lost.swap(false, Ordering::AcqRel)
    }

    /// The note on a resource; none where nothing is known.
    ///
    /// # Safety
    ///
    /// `resource` is null, or a live child of a device.
    pub(super) unsafe fn of(resource: Raw) -> Option<Arc<Self>> {
        if resource.is_null() {
            return None;
        }
        let known = NOTES.read().unwrap_or_else(PoisonError::into_inner).get(&resource.addr()).cloned();
        // Another interface of the resource may have another address.
        // SAFETY: not null, and the caller's duty.
        known.or_else(|| unsafe { NoteEnd::note_of(resource) })
    }

    /// The note on a resource, made if there is none; none where the resource takes no private data.
    ///
    /// # Safety
    ///
    /// As for [`of`](Self::of), of this device.
    pub(super) unsafe fn of_or_new(resource: Raw, state: &DeviceState) -> Option<Arc<Self>> {
        // SAFETY: the caller's duty.
        if let Some(known) = unsafe { Self::of(resource) } {
            return Some(known);
        }
        if resource.is_null() {
            return None;
        }
        let new = Arc::new(Self::new(resource, state, Flags::default(), false, Arc::default()));
        match NOTES.write().unwrap_or_else(PoisonError::into_inner).entry(resource.addr()) {
            // Another thread was faster. It has made it known, or will.
            Slot::Occupied(known) => return Some(Arc::clone(known.get())),
            Slot::Vacant(place) => place.insert(Arc::clone(&new)),
        };
        // SAFETY: not null, and the caller's duty.
        unsafe { NoteEnd::attach(resource, new) }
    }

    /// Notes how a resource was created.
    ///
    /// # Safety
    ///
    /// As for [`of`](Self::of), of this device.
    pub(super) unsafe fn attach(
        resource: Raw,
        state: &DeviceState,
        flags: Flags,
        unrestricted_share: bool,
    ) -> Option<Arc<Self>> {
        if resource.is_null() {
            return None;
        }
        let lost = if flags.is_protected {
            // SAFETY: the caller's duty, and the device lives as long as its resource.
            unsafe { reading::hook(resource, state) };
            state.resources.mark()
        } else {
            Arc::default()
        };
        let note = Arc::new(Self::new(resource, state, flags, unrestricted_share, lost));
        let before = NOTES.write().unwrap_or_else(PoisonError::into_inner).insert(resource.addr(), Arc::clone(&note));
        drop(before);
        // SAFETY: not null, and the caller's duty.
        unsafe { NoteEnd::attach(resource, note) }
    }

    fn new(resource: Raw, state: &DeviceState, flags: Flags, unrestricted_share: bool, lost: Arc<AtomicBool>) -> Self {
        if unrestricted_share {
            state.protection.add_unrestricted();
        }
        Self {
            resource: resource.addr(),
            flags,
            unrestricted_share,
            protection: Arc::clone(&state.protection),
            resources: Arc::clone(&state.resources),
            mapped: AtomicU32::new(0),
            offered: AtomicBool::new(false),
            undefined: AtomicU64::new(0),
            lost,
        }
    }

    /// Takes a note out of the table.
    fn forget(self: &Arc<Self>) {
        let mut notes = NOTES.write().unwrap_or_else(PoisonError::into_inner);
        let known = match notes.entry(self.resource) {
            Slot::Occupied(known) if Arc::ptr_eq(known.get(), self) => Some(known.remove()),
            _ => None,
        };
        // What ends with a note is none of the table's.
        drop(notes);
        drop(known);
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        if self.flags.misc != 0 {
            self.resources.records.withdraw(self.resource);
        }
        if self.unrestricted_share {
            self.protection.remove_unrestricted();
        }
    }
}

/// The end of a note. A COM object, so that private data can own it, and nothing else.
#[repr(C)]
struct NoteEnd {
    vtable: &'static IUnknown_Vtbl,
    references: AtomicU32,
    note: Arc<Note>,
}

impl NoteEnd {
    /// Has a note end with its resource. None where the resource takes no private data; the note is forgotten then.
    ///
    /// # Safety
    ///
    /// `resource` is a live child of a device.
    unsafe fn attach(resource: Raw, note: Arc<Note>) -> Option<Arc<Note>> {
        // SAFETY: the caller's duty.
        let child = unsafe { com::borrowed::<ID3D11DeviceChild>(resource) }?;
        let end = Box::new(Self { vtable: &END_VTABLE, references: AtomicU32::new(1), note: Arc::clone(&note) });
        // SAFETY: it begins as a COM object with a reference, which is this one's from now on.
        let end = unsafe { IUnknown::from_raw(Box::into_raw(end).cast()) };
        // SAFETY: a live resource; it takes a reference of its own. Where it does not, the object ends here, and the note.
        unsafe { child.SetPrivateDataInterface(&NOTE, &end) }.ok()?;
        Some(note)
    }

    /// The note whose end is private data of a resource.
    ///
    /// # Safety
    ///
    /// As for [`attach`](Self::attach).
    unsafe fn note_of(resource: Raw) -> Option<Arc<Note>> {
        // SAFETY: the caller's duty.
        let resource = unsafe { com::borrowed::<ID3D11DeviceChild>(resource) }?;
        let mut found: Raw = ptr::null_mut();
        let mut size = u32::try_from(size_of::<Raw>()).expect("a pointer");
        // SAFETY: a live object, and room for a pointer.
        unsafe { resource.GetPrivateData(&NOTE, &raw mut size, Some((&raw mut found).cast())) }.ok()?;
        if found.is_null() {
            return None;
        }
        // SAFETY: what is stored under this name is an end, with a reference for this caller.
        let end = unsafe { &*found.cast::<Self>() };
        let note = ptr::eq(end.vtable, &raw const END_VTABLE).then(|| Arc::clone(&end.note));
        // SAFETY: the reference that was given.
        unsafe { com::release(found) };
        note
    }
}

static END_VTABLE: IUnknown_Vtbl =
    IUnknown_Vtbl { QueryInterface: query_interface, AddRef: add_reference, Release: release_reference };

unsafe extern "system" fn query_interface(this: Raw, iid: *const GUID, out: *mut Raw) -> HRESULT {
    // SAFETY: the caller's duties, which are COM's.
    unsafe { com::query_interface(this, add_reference, &[], iid, out) }
}

unsafe extern "system" fn add_reference(this: Raw) -> u32 {
    // SAFETY: `this` is a live object of this kind.
    let end = unsafe { &*this.cast::<NoteEnd>() };
    end.references.fetch_add(1, Ordering::Relaxed) + 1
}

unsafe extern "system" fn release_reference(this: Raw) -> u32 {
    // SAFETY: `this` is a live object of this kind.
    let end = unsafe { &*this.cast::<NoteEnd>() };
    let left = end.references.fetch_sub(1, Ordering::AcqRel) - 1;
    if left == 0 {
        // SAFETY: made by `Box::into_raw`, and the last reference is gone.
        let end = unsafe { Box::from_raw(this.cast::<NoteEnd>()) };
        com::guard(|| {
            end.note.forget();
            drop(end);
        });
    }
    left
}

/// What a resource is, as the implementation below says it. Programs cast buffers to textures, so it is asked.
#[derive(Clone)]
pub(super) struct Facts {
    pub(super) resource: WeakObject,
    pub(super) shape: Shape,
    pub(super) usage: D3D11_USAGE,
    pub(super) bind_flags: u32,
    pub(super) cpu_access: u32,
    pub(super) samples: u32,
    pub(super) subresources: u32,
}

/// What of a resource must be equal for a blit, and what staging resources are found by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shape {
    Buffer {
        bytes: u32,
    },
    /// Subresource 0 of a two-dimensional texture.
    Texture {
        format: u32,
        width: u32,
        height: u32,
    },
    /// Anything else.
    Other(D3D11_RESOURCE_DIMENSION),
}

impl Shape {
    /// Where the visible bytes lie; none for what cannot be mapped.
    pub(super) fn layout(self) -> Option<Layout> {
        match self {
            Self::Buffer { bytes } => Some(Layout::of_buffer(bytes as usize)),
            Self::Texture { format, width, height } => Layout::of_texture(format, width, height),
            Self::Other(_) => None,
        }
    }

    /// The `DXGI_FORMAT`; 0 for a buffer.
    pub(super) fn format(self) -> u32 {
        match self {
            Self::Texture { format, .. } => format,
            _ => 0,
        }
    }
}

impl Facts {
    /// # Safety
    ///
    /// `resource` is a live `ID3D11Resource`.
    pub(super) unsafe fn of(raw: Raw) -> Self {
        let resource = WeakObject::new(raw);
        // SAFETY: the caller's duty.
        let object = unsafe { resource.interface::<ID3D11Resource>() };
        // SAFETY: a live resource.
        let dimension = unsafe { object.GetType() };
        let nothing = Self {
            resource,
            shape: Shape::Other(dimension),
            usage: D3D11_USAGE::default(),
            bind_flags: 0,
            cpu_access: 0,
            samples: 1,
            subresources: 1,
        };
        match dimension {
            D3D11_RESOURCE_DIMENSION_BUFFER => {
                // SAFETY: a live resource, which says that it is a buffer.
                let buffer = unsafe { resource.interface::<ID3D11Buffer>() };
                let mut desc = D3D11_BUFFER_DESC::default();
                // SAFETY: a live buffer.
                unsafe { buffer.GetDesc(&raw mut desc) };
                Self {
                    shape: Shape::Buffer { bytes: desc.ByteWidth },
                    usage: desc.Usage,
                    bind_flags: desc.BindFlags,
                    cpu_access: desc.CPUAccessFlags,
                    ..nothing
                }
            }
            D3D11_RESOURCE_DIMENSION_TEXTURE2D => {
                // SAFETY: a live resource, which says that it is a texture.
                let texture = unsafe { resource.interface::<ID3D11Texture2D>() };
                let mut desc = D3D11_TEXTURE2D_DESC::default();
                // SAFETY: a live texture.
                unsafe { texture.GetDesc(&raw mut desc) };
                Self {
                    shape: Shape::Texture {
                        format: desc.Format.0.cast_unsigned(),
                        width: desc.Width,
                        height: desc.Height,
                    },
                    usage: desc.Usage,
                    bind_flags: desc.BindFlags,
                    cpu_access: desc.CPUAccessFlags,
                    samples: desc.SampleDesc.Count,
                    subresources: desc.MipLevels.saturating_mul(desc.ArraySize),
                    ..nothing
                }
            }
            _ => nothing,
        }
    }

    /// Whether the resource was made by this device.
    ///
    /// # Safety
    ///
    /// Resource and device live.
    pub(super) unsafe fn is_of(&self, device: WeakObject) -> bool {
        // SAFETY: the caller's duty.
        let child = unsafe { self.resource.interface::<ID3D11DeviceChild>() };
        // SAFETY: a live resource.
        let Ok(own) = (unsafe { child.GetDevice() }) else { return false };
        let own: ID3D11Device = own;
        // SAFETY: both live.
        unsafe { com::same_object(own.as_raw(), device.raw()) }
    }
}
