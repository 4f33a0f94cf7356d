//! Handles as the entries take them.

use std::marker::PhantomData;
use std::ptr;

use softcp_abi::{D3D10DDI_HRESOURCE, D3D11_1DDI_HCRYPTOSESSION};

use crate::memory::PrivateMemory;

/// The handle of a session, living or destroyed: it points to private memory that exists.
#[derive(Clone, Copy, Debug)]
pub struct SessionHandle<'a> {
    pub(super) raw: D3D11_1DDI_HCRYPTOSESSION,
    memory: PhantomData<&'a PrivateMemory>,
}

impl<'a> SessionHandle<'a> {
    /// The handle that is zero.
    pub const NULL: Self = Self::from_raw(D3D11_1DDI_HCRYPTOSESSION { pDrvPrivate: ptr::null_mut() });

    /// The handle of the session that lives, lived or will live in `memory`.
    #[must_use]
    pub fn of(memory: &'a PrivateMemory) -> Self {
        Self::from_raw(D3D11_1DDI_HCRYPTOSESSION { pDrvPrivate: memory.as_ptr() })
    }

    const fn from_raw(raw: D3D11_1DDI_HCRYPTOSESSION) -> Self {
        Self { raw, memory: PhantomData }
    }
}

/// The handle of a resource that exists, on whatever device.
#[derive(Clone, Copy, Debug)]
pub struct ResourceHandle<'a> {
    pub(crate) raw: D3D10DDI_HRESOURCE,
    pub(crate) resource: PhantomData<&'a ()>,
}

impl ResourceHandle<'_> {
    /// The handle that is zero.
    pub const NULL: Self = Self { raw: D3D10DDI_HRESOURCE { pDrvPrivate: ptr::null_mut() }, resource: PhantomData };
}
