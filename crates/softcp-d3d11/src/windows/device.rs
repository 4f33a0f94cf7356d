//! Devices of the real library that content protection is answered for.

use std::ffi::c_void;

/// Takes a device, an `ID3D11Device` that the caller goes on owning, into the layer's care.
pub(crate) fn attach(_device: *mut c_void) {}
