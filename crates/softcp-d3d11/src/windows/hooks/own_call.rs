//! Calls that the layer makes itself on a context: they pass through its own hooks as if there were none.
//!
//! An implementation may do one method by another one of its table (in DXVK up to 2.4.1, `CopySubresourceRegion` calls
//! `CopySubresourceRegion1`), and other libraries hook tables, too. So a call that the layer makes below can come back
//! through any hook of the layer. Each such call names the resources that it works on. A hook lets a call on these
//! resources pass, without checks and without a trace in their state. A call on other resources is not the layer's, even
//! within one: another library's hook may make calls of its own.

use std::cell::Cell;

use crate::windows::com::Raw;

/// The resources of one call: the destination and the source of a copy, or twice the one that is mapped or written.
type Resources = (usize, usize);

/// No resource is at address 0.
const NONE: Resources = (0, 0);

thread_local! {
    /// The call that this thread is making below.
    static CURRENT: Cell<Resources> = const { Cell::new(NONE) };
}

/// Ends a call when it is dropped, so that a panic ends it, too.
struct Ending(Resources);

impl Drop for Ending {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

/// Makes a call below on one resource: to map it, to unmap it, or to write to it.
pub(in crate::windows) fn on<R>(resource: Raw, call: impl FnOnce() -> R) -> R {
    copying(resource, resource, call)
}

/// Makes a call below that copies from one resource to another.
pub(in crate::windows) fn copying<R>(to: Raw, from: Raw, call: impl FnOnce() -> R) -> R {
    let _ending = Ending(CURRENT.replace((to.addr(), from.addr())));
    call()
}

/// Whether a call that has come to a hook is the layer's own one on this resource.
pub(in crate::windows) fn is_on(resource: Raw) -> bool {
    let address = resource.addr();
    let (to, from) = CURRENT.get();
    address != 0 && (address == to || address == from)
}

/// Whether a copy that has come to a hook is the layer's own one.
pub(in crate::windows) fn is_copying(to: Raw, from: Raw) -> bool {
    CURRENT.get() == (to.addr(), from.addr()) && CURRENT.get() != NONE
}
