//! Objects that the layer makes itself: children of a device, with references and private data of their own.

use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, RwLock};

use windows::Win32::Foundation::{E_INVALIDARG, S_FALSE, S_OK};
use windows::Win32::Graphics::Direct3D11::{ID3D11DeviceChild, ID3D11DeviceChild_Vtbl};
use windows::Win32::Graphics::Dxgi::{DXGI_ERROR_MORE_DATA, DXGI_ERROR_NOT_FOUND};
use windows::core::{GUID, HRESULT, IUnknown, IUnknown_Vtbl, Interface};

use super::com::{self, Raw};
use super::device::DeviceState;

/// What kind of child: its table, and the interfaces that it has besides `ID3D11DeviceChild`.
pub(super) trait Kind: Sized + 'static {
    /// The table, which begins with that of `ID3D11DeviceChild`.
    type Table: 'static;
    /// The table.
    const TABLE: &'static Self::Table;
    /// The interface.
    const INTERFACE: GUID;

    /// The child is about to go.
    fn end(child: &Child<Self>);
}

/// Every live child, by its address, with the address of the table of its kind. It tells the layer's objects whose table
/// somebody has copied, which is the usual way to hook one object only. The lock is held for nothing else.
static CHILDREN: LazyLock<RwLock<HashMap<usize, usize>>> = LazyLock::new(RwLock::default);

/// A child of a device. It holds the device.
#[repr(C)]
pub(super) struct Child<T: Kind> {
    table: &'static T::Table,
    references: AtomicU32,
    state: *const DeviceState,
    private: PrivateData,
    inner: T,
}

// SAFETY: the state lives as long as the device, which the child holds, and is made for threads.
unsafe impl<T: Kind + Send> Send for Child<T> {}
// SAFETY: as above.
unsafe impl<T: Kind + Sync> Sync for Child<T> {}

impl<T: Kind> Child<T> {
    /// Makes a child with one reference, for the program.
    pub(super) fn create(state: &DeviceState, inner: T) -> Raw {
        // SAFETY: the device lives: the call that makes the child is on it.
        unsafe { com::add_ref(state.device().raw()) };
        let child = Box::new(Self {
            table: T::TABLE,
            references: AtomicU32::new(1),
            state,
            private: PrivateData::default(),
            inner,
        });
        let child: Raw = Box::into_raw(child).cast();
        CHILDREN.write().unwrap_or_else(PoisonError::into_inner).insert(child.addr(), Self::own_table());
        child
    }

    /// The address of the table of this kind.
    fn own_table() -> usize {
        std::ptr::from_ref(T::TABLE).addr()
    }

    /// The child that a program passes; none for null, and for what is not of this kind.
    ///
    /// # Safety
    ///
    /// `child` is null, or a live COM object for as long as the answer is used.
    pub(super) unsafe fn of<'a>(child: Raw) -> Option<&'a Self> {
        if child.is_null() {
            return None;
        }
        // SAFETY: a COM object begins with the address of its table.
        let table = std::ptr::from_ref(unsafe { com::vtable::<u8>(child) }).addr();
        let is_known =
            || CHILDREN.read().unwrap_or_else(PoisonError::into_inner).get(&child.addr()) == Some(&Self::own_table());
        // SAFETY: only children of this kind have this table, or are known as such.
        (table == Self::own_table() || is_known()).then(|| unsafe { &*child.cast::<Self>() })
    }

    /// The state of the device.
    pub(super) fn state(&self) -> &DeviceState {
        // SAFETY: it lives as long as the device, which this child holds.
        unsafe { &*self.state }
    }

    pub(super) fn inner(&self) -> &T {
        &self.inner
    }

    /// The first entries of the table.
    pub(super) const VTABLE: ID3D11DeviceChild_Vtbl = ID3D11DeviceChild_Vtbl {
        base__: IUnknown_Vtbl {
            QueryInterface: Self::query_interface,
            AddRef: Self::add_reference,
            Release: Self::release_reference,
        },
        GetDevice: Self::get_device,
        GetPrivateData: Self::get_private_data,
        SetPrivateData: Self::set_private_data,
        SetPrivateDataInterface: Self::set_private_data_interface,
    };

    /// The child that a method is called on.
    ///
    /// # Safety
    ///
    /// `this` is a live child of this kind.
    pub(super) unsafe fn this<'a>(this: Raw) -> &'a Self {
        // SAFETY: the caller's duty.
        unsafe { &*this.cast::<Self>() }
    }

    unsafe extern "system" fn query_interface(this: Raw, iid: *const GUID, out: *mut Raw) -> HRESULT {
        // SAFETY: COM's duties.
        unsafe { com::query_interface(this, Self::add_reference, &[ID3D11DeviceChild::IID, T::INTERFACE], iid, out) }
    }

    unsafe extern "system" fn add_reference(this: Raw) -> u32 {
        // SAFETY: COM's duty: `this` lives.
        unsafe { Self::this(this) }.references.fetch_add(1, Ordering::Relaxed) + 1
    }

    unsafe extern "system" fn release_reference(this: Raw) -> u32 {
        // SAFETY: COM's duty: `this` lives.
        let left = unsafe { Self::this(this) }.references.fetch_sub(1, Ordering::AcqRel) - 1;
        if left == 0 {
            com::guard(|| {
                CHILDREN.write().unwrap_or_else(PoisonError::into_inner).remove(&this.addr());
                // SAFETY: made by `create`, and the last reference is gone.
                let child = unsafe { Box::from_raw(this.cast::<Self>()) };
                let device = child.state().device().raw();
                T::end(&child);
                drop(child);
                // SAFETY: the child's reference to its device; nothing of the device is used afterwards.
                unsafe { com::release(device) };
            });
        }
        left
    }

    unsafe extern "system" fn get_device(this: Raw, device: *mut Raw) {
        // SAFETY: COM's duty: `this` lives.
        let real = unsafe { Self::this(this) }.state().device().raw();
        if !device.is_null() {
            // SAFETY: the child holds its device.
            unsafe { com::add_ref(real) };
            // SAFETY: not null, and the program's duty.
            unsafe { com::write(device, real) };
        }
    }

    unsafe extern "system" fn get_private_data(
        this: Raw,
        name: *const GUID,
        size: *mut u32,
        data: *mut c_void,
    ) -> HRESULT {
        com::guard(|| {
            // SAFETY: null or readable.
            let Ok(name) = (unsafe { com::read(name) }) else { return E_INVALIDARG };
            // SAFETY: null or readable.
            let Ok(room) = (unsafe { com::read(size) }) else { return E_INVALIDARG };
            // SAFETY: COM's duty: `this` lives.
            let (needed, answer) = unsafe { Self::this(this) }.private.get(&name, room, data);
            // SAFETY: not null, and the program's duty.
            unsafe { com::write(size, needed) };
            answer
        })
    }

    unsafe extern "system" fn set_private_data(
        this: Raw,
        name: *const GUID,
        size: u32,
        data: *const c_void,
    ) -> HRESULT {
        com::guard(|| {
            // SAFETY: null or readable.
            let Ok(name) = (unsafe { com::read(name) }) else { return E_INVALIDARG };
            // SAFETY: null or readable for `size` bytes.
            let value = unsafe { com::bytes(data, size) }.map(|bytes| Value::Bytes(bytes.to_vec()));
            // SAFETY: COM's duty: `this` lives.
            unsafe { Self::this(this) }.private.set(name, value)
        })
    }

    unsafe extern "system" fn set_private_data_interface(this: Raw, name: *const GUID, data: *mut c_void) -> HRESULT {
        com::guard(|| {
            // SAFETY: null or readable.
            let Ok(name) = (unsafe { com::read(name) }) else { return E_INVALIDARG };
            // SAFETY: null or a live object.
            let value = unsafe { com::borrowed::<IUnknown>(data) }.map(|object| Value::Interface((*object).clone()));
            // SAFETY: COM's duty: `this` lives.
            unsafe { Self::this(this) }.private.set(name, value)
        })
    }
}

/// What programs keep with an object, by name.
#[derive(Default)]
struct PrivateData(Mutex<Vec<(GUID, Arc<Value>)>>);

enum Value {
    Bytes(Vec<u8>),
    Interface(IUnknown),
}

// SAFETY: objects that a program keeps as private data are called from any thread that uses their owner, as Direct3D's own
// private data does: the program's duty.
unsafe impl Send for Value {}
// SAFETY: as above.
unsafe impl Sync for Value {}

impl PrivateData {
    /// The value of a name, copied to `data`; null asks for the size. Answers with the size in bytes.
    fn get(&self, name: &GUID, room: u32, data: *mut c_void) -> (u32, HRESULT) {
        // Used without the lock: an object's AddRef and Release may call anything.
        let found = self.values().iter().find(|(known, _)| known == name).map(|(_, value)| Arc::clone(value));
        let Some(value) = found else { return (0, DXGI_ERROR_NOT_FOUND) };
        let pointer;
        let bytes: &[u8] = match &*value {
            Value::Bytes(bytes) => bytes,
            Value::Interface(object) => {
                pointer = object.as_raw().expose_provenance().to_ne_bytes();
                &pointer
            }
        };
        let needed = u32::try_from(bytes.len()).expect("came with a 32-bit size");
        if data.is_null() {
            return (needed, S_OK);
        }
        if room < needed {
            return (needed, DXGI_ERROR_MORE_DATA);
        }
        if let Value::Interface(object) = &*value {
            // The copy is a reference.
            let _ = object.clone().into_raw();
        }
        // SAFETY: the program says that `data` has `room` bytes, which are enough.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), data.cast(), bytes.len()) };
        (needed, S_OK)
    }

    /// Replaces the value of a name; none takes it away.
    fn set(&self, name: GUID, value: Option<Value>) -> HRESULT {
        let mut values = self.values();
        let before = values.iter().position(|(known, _)| *known == name).map(|index| values.swap_remove(index));
        let nothing = before.is_none() && value.is_none();
        if let Some(value) = value {
            values.push((name, Arc::new(value)));
        }
        // What was there is released without the lock: its owner may call.
        drop(values);
        drop(before);
        if nothing { S_FALSE } else { S_OK }
    }

    fn values(&self) -> MutexGuard<'_, Vec<(GUID, Arc<Value>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
