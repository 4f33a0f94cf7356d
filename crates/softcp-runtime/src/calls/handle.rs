//! Handles as the entries take them.

use std::marker::PhantomData;
use std::ptr;

use softcp_abi::{
    D3D10DDI_HRESOURCE, D3D11_1DDI_HAUTHCHANNEL, D3D11_1DDI_HCRYPTOSESSION, D3D11_1DDI_HDECODE,
    D3D11_1DDI_HVIDEODECODEROUTPUTVIEW,
};

use crate::memory::PrivateMemory;

/// The handle of an object in private memory: type of the handle, type of the DDI, name of the object.
macro_rules! handle {
    ($name:ident, $raw:ident, $object:literal) => {
        #[doc = concat!("The handle of a ", $object, ", living or destroyed: it points to private memory that exists.")]
        #[derive(Clone, Copy, Debug)]
        pub struct $name<'a> {
            pub(crate) raw: $raw,
            memory: PhantomData<&'a PrivateMemory>,
        }

        impl<'a> $name<'a> {
            /// The handle that is zero.
            pub const NULL: Self = Self::from_raw($raw { pDrvPrivate: ptr::null_mut() });

            #[doc = concat!("The handle of the ", $object, " that lives, lived or will live in `memory`.")]
            #[must_use]
            pub fn of(memory: &'a PrivateMemory) -> Self {
                Self::from_raw($raw { pDrvPrivate: memory.as_ptr() })
            }

            /// The handle as structures of [`Calls`](crate::Calls) hold it.
            #[must_use]
            pub fn raw(self) -> $raw {
                self.raw
            }

            const fn from_raw(raw: $raw) -> Self {
                Self { raw, memory: PhantomData }
            }
        }
    };
}

handle!(SessionHandle, D3D11_1DDI_HCRYPTOSESSION, "session");
handle!(ChannelHandle, D3D11_1DDI_HAUTHCHANNEL, "channel");
handle!(DecoderHandle, D3D11_1DDI_HDECODE, "decoder");
handle!(OutputViewHandle, D3D11_1DDI_HVIDEODECODEROUTPUTVIEW, "decoder's output view");

/// The handle of a resource that exists, on whatever device.
#[derive(Clone, Copy, Debug)]
pub struct ResourceHandle<'a> {
    pub(crate) raw: D3D10DDI_HRESOURCE,
    pub(crate) resource: PhantomData<&'a ()>,
}

impl ResourceHandle<'_> {
    /// The handle that is zero.
    pub const NULL: Self = Self { raw: D3D10DDI_HRESOURCE { pDrvPrivate: ptr::null_mut() }, resource: PhantomData };

    /// The handle as structures of [`Calls`](crate::Calls) hold it.
    #[must_use]
    pub fn raw(self) -> D3D10DDI_HRESOURCE {
        self.raw
    }
}
