//! What the system's `d3d11.dll` exports, and what Wine's and DXVK's do: one table.
//!
//! Nearly all of it is forwarded without knowing the arguments. An export is one jump through its entry in the table:
//!
//! ```text
//! export ── jmp ──▶ entry.target = lazy ──▶ find ──▶ resolve: the real library's function, or `absent`
//!                                            │          kept in entry.target
//!                                            ╰─ jmp ──▶ with the registers and the stack of the caller
//! ```
//!
//! Exports are `extern "C"`, so that their names stay as they are on 32 bits, where the names of the system's are
//! undecorated, too. Who removes the arguments from the stack is for the function at the end of the jumps.

#![allow(non_snake_case, reason = "exports have the names that Direct3D gives them")]

use std::ffi::{CStr, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};

use softcp_abi::{E_NOTIMPL, HRESULT};
use windows::Win32::Graphics::Direct3D11::D3D11_CREATE_DEVICE_VIDEO_SUPPORT;
use windows::Win32::Graphics::Dxgi::DXGI_ERROR_UNSUPPORTED;
use windows::core::{IUnknown, Interface};

use super::{device, real};

/// An entry of the table. The assembly below expects `target` first.
#[repr(C)]
struct Export {
    /// Where the export jumps to.
    target: AtomicPtr<c_void>,
    /// The export's name.
    name: &'static CStr,
    /// What answers where the real library has no such function.
    absent: extern "C" fn(),
}

/// One line for each export: name, bytes of arguments on the stack of 32-bit programs, and the function of this layer that
/// answers it, if there is one. The bytes matter only where the real library has no such function.
macro_rules! exports {
    ($($name:ident $bytes:literal $($hook:path)?;)*) => { $(
        const _: () = {
            static EXPORT: Export = Export {
                target: AtomicPtr::new(exports!(@target $($hook)?) as *const () as *mut c_void),
                name: match CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                    Ok(name) => name,
                    Err(_) => unreachable!(),
                },
                absent,
            };

            #[unsafe(no_mangle)]
            #[unsafe(naked)]
            extern "C" fn $name() {
                assembly::jump!(EXPORT)
            }

            #[allow(dead_code, reason = "not used by exports that this layer answers")]
            #[unsafe(naked)]
            extern "C" fn lazy() {
                assembly::lazy!(EXPORT)
            }

            #[unsafe(naked)]
            extern "C" fn absent() {
                assembly::absent!($bytes)
            }
        };
    )* };
    (@target) => { lazy };
    (@target $hook:path) => { $hook };
}

exports! {
    CreateDirect3D11DeviceFromDXGIDevice 8;
    CreateDirect3D11SurfaceFromDXGISurface 8;
    D3D11CoreCreateDevice 40;
    D3D11CoreCreateLayeredDevice 20;
    D3D11CoreGetLayeredDeviceSize 8;
    D3D11CoreRegisterLayers 8;
    D3D11CreateDevice 40 create_device;
    D3D11CreateDeviceAndSwapChain 48 create_device_and_swap_chain;
    D3D11CreateDeviceForD3D12 36;
    D3D11On12CreateDevice 40;
    D3DKMTCheckVidPnExclusiveOwnership 4;
    D3DKMTCloseAdapter 4;
    D3DKMTCreateAllocation 4;
    D3DKMTCreateContext 4;
    D3DKMTCreateDevice 4;
    D3DKMTCreateSynchronizationObject 4;
    D3DKMTDestroyAllocation 4;
    D3DKMTDestroyContext 4;
    D3DKMTDestroyDevice 4;
    D3DKMTDestroySynchronizationObject 4;
    D3DKMTEscape 4;
    D3DKMTGetContextSchedulingPriority 4;
    D3DKMTGetDeviceState 4;
    D3DKMTGetDisplayModeList 4;
    D3DKMTGetMultisampleMethodList 4;
    D3DKMTGetRuntimeData 4;
    D3DKMTGetSharedPrimaryHandle 4;
    D3DKMTLock 4;
    D3DKMTOpenAdapterFromGdiDisplayName 4;
    D3DKMTOpenAdapterFromHdc 4;
    D3DKMTOpenResource 4;
    D3DKMTPresent 4;
    D3DKMTQueryAdapterInfo 4;
    D3DKMTQueryAllocationResidency 4;
    D3DKMTQueryResourceInfo 4;
    D3DKMTRender 4;
    D3DKMTSetAllocationPriority 4;
    D3DKMTSetContextSchedulingPriority 4;
    D3DKMTSetDisplayMode 4;
    D3DKMTSetDisplayPrivateDriverFormat 4;
    D3DKMTSetGammaRamp 4;
    D3DKMTSetVidPnSourceOwner 4;
    D3DKMTSignalSynchronizationObject 4;
    D3DKMTUnlock 4;
    D3DKMTWaitForSynchronizationObject 4;
    D3DKMTWaitForVerticalBlankEvent 4;
    D3DPerformance_BeginEvent 8;
    D3DPerformance_EndEvent 4;
    D3DPerformance_GetStatus 4;
    D3DPerformance_SetMarker 8;
    EnableFeatureLevelUpgrade 0;
    OpenAdapter10 4;
    OpenAdapter10_2 4;
}

/// Finds where an export that is called for the first time goes, and keeps it.
extern "C" fn resolve(export: &Export) -> *mut c_void {
    let target = match real_function(export.name) {
        Some(function) => function as *mut c_void,
        None => export.absent as *mut c_void,
    };
    export.target.store(target, Ordering::Release);
    target
}

/// Runs `body`; a panic in it becomes `None`, since it must not leave an export.
fn guarded<T>(body: impl FnOnce() -> T) -> Option<T> {
    // What a panic may have left half-done is state of this layer, which recovers from poisoned locks.
    catch_unwind(AssertUnwindSafe(body)).ok()
}

/// `D3D11CreateDevice`. Integers stand for enumerations, and `c_void` for interfaces: they are passed on as they are.
type CreateDevice = unsafe extern "system" fn(
    adapter: *mut c_void,
    driver_type: i32,
    software: *mut c_void,
    flags: u32,
    levels: *const i32,
    level_count: u32,
    sdk_version: u32,
    device: *mut *mut c_void,
    level: *mut i32,
    context: *mut *mut c_void,
) -> HRESULT;

/// `D3D11CreateDeviceAndSwapChain`.
type CreateDeviceAndSwapChain = unsafe extern "system" fn(
    adapter: *mut c_void,
    driver_type: i32,
    software: *mut c_void,
    flags: u32,
    levels: *const i32,
    level_count: u32,
    sdk_version: u32,
    swap_chain_desc: *const c_void,
    swap_chain: *mut *mut c_void,
    device: *mut *mut c_void,
    level: *mut i32,
    context: *mut *mut c_void,
) -> HRESULT;

/// `D3D11CreateDevice`: the real one, whose device is attached.
unsafe extern "system" fn create_device(
    adapter: *mut c_void,
    driver_type: i32,
    software: *mut c_void,
    flags: u32,
    levels: *const i32,
    level_count: u32,
    sdk_version: u32,
    device: *mut *mut c_void,
    level: *mut i32,
    context: *mut *mut c_void,
) -> HRESULT {
    let Some(real) = real_function(c"D3D11CreateDevice") else { return E_NOTIMPL };
    // SAFETY: an export of this name has this type.
    let real = unsafe { std::mem::transmute::<real::Function, CreateDevice>(real) };
    let outs = [context, null_mut()];
    attached(device, outs, flags, |device| {
        // SAFETY: the caller's arguments, for whose validity it answers; the pointer to a device is its own or ours.
        unsafe { real(adapter, driver_type, software, flags, levels, level_count, sdk_version, device, level, context) }
    })
}

/// `D3D11CreateDeviceAndSwapChain`: the real one, whose device is attached.
unsafe extern "system" fn create_device_and_swap_chain(
    adapter: *mut c_void,
    driver_type: i32,
    software: *mut c_void,
    flags: u32,
    levels: *const i32,
    level_count: u32,
    sdk_version: u32,
    swap_chain_desc: *const c_void,
    swap_chain: *mut *mut c_void,
    device: *mut *mut c_void,
    level: *mut i32,
    context: *mut *mut c_void,
) -> HRESULT {
    let Some(real) = real_function(c"D3D11CreateDeviceAndSwapChain") else { return E_NOTIMPL };
    // SAFETY: an export of this name has this type.
    let real = unsafe { std::mem::transmute::<real::Function, CreateDeviceAndSwapChain>(real) };
    let outs = [context, swap_chain];
    attached(device, outs, flags, |device| {
        // SAFETY: the caller's arguments, for whose validity it answers; the pointer to a device is its own or ours.
        unsafe {
            real(
                adapter,
                driver_type,
                software,
                flags,
                levels,
                level_count,
                sdk_version,
                swap_chain_desc,
                swap_chain,
                device,
                level,
                context,
            )
        }
    })
}

/// The real library's function; that there is none is logged.
fn real_function(name: &CStr) -> Option<real::Function> {
    guarded(|| {
        let found = real::get(name);
        if found.is_none() {
            tracing::warn!("{}: not in the real library; answered with E_NOTIMPL", name.to_string_lossy());
        }
        found
    })
    .flatten()
}

/// Has a device created and attaches it. A caller that takes no device but something of it (`parts`) has one all the same,
/// so it is asked for; one that takes nothing only asks for the feature level, and no device is made.
fn attached(
    device: *mut *mut c_void,
    parts: [*mut *mut c_void; 2],
    flags: u32,
    create: impl FnOnce(*mut *mut c_void) -> HRESULT,
) -> HRESULT {
    let mut own = null_mut();
    let place = if device.is_null() && parts.iter().any(|part| !part.is_null()) { &raw mut own } else { device };
    let hresult = create(place);
    if hresult < 0 || place.is_null() {
        return hresult;
    }
    // SAFETY: not null, and just written by a call that has succeeded.
    let made = unsafe { *place };
    let asks_for_video = flags & D3D11_CREATE_DEVICE_VIDEO_SUPPORT.0 != 0;
    device::attach(made, asks_for_video);
    let lacks_video = asks_for_video && device::lacks_video(made);
    if lacks_video {
        for part in parts.into_iter().chain([device]) {
            withdraw(part);
        }
    }
    withdraw(&raw mut own);
    if lacks_video { DXGI_ERROR_UNSUPPORTED.0 } else { hresult }
}

/// Releases what a call has handed out, which nobody else has yet, and leaves null in its place.
fn withdraw(place: *mut *mut c_void) {
    if place.is_null() {
        return;
    }
    // SAFETY: not null, and just written by a call that has succeeded.
    let object = unsafe { place.replace(null_mut()) };
    if !object.is_null() {
        // SAFETY: the reference that the call has handed out.
        drop(unsafe { IUnknown::from_raw(object) });
    }
}

/// The jumps of the table. Each takes over the registers and the stack of its caller as they are.
#[cfg(target_arch = "x86_64")]
mod assembly {
    use super::resolve;

    macro_rules! jump {
        ($export:path) => { std::arch::naked_asm!("jmp qword ptr [rip + {export}]", export = sym $export) };
    }

    macro_rules! lazy {
        ($export:path) => {
            std::arch::naked_asm!(
                "lea rax, [rip + {export}]",
                "jmp {find}",
                export = sym $export,
                find = sym assembly::find,
            )
        };
    }

    macro_rules! absent {
        ($bytes:literal) => {
            std::arch::naked_asm!("mov eax, {answer}", "ret", answer = const softcp_abi::E_NOTIMPL)
        };
    }

    pub(super) use {absent, jump, lazy};

    /// Resolves the export in rax and goes on there, with all registers that can hold arguments as they were. The stack
    /// is aligned again by an odd number of words; the first four are what any callee may write to.
    #[unsafe(naked)]
    pub(super) extern "C" fn find() {
        std::arch::naked_asm!(
            ".seh_proc {find}",
            "sub rsp, 0x88",
            ".seh_stackalloc 0x88",
            ".seh_endprologue",
            "movaps [rsp + 0x20], xmm0",
            "movaps [rsp + 0x30], xmm1",
            "movaps [rsp + 0x40], xmm2",
            "movaps [rsp + 0x50], xmm3",
            "mov [rsp + 0x60], rcx",
            "mov [rsp + 0x68], rdx",
            "mov [rsp + 0x70], r8",
            "mov [rsp + 0x78], r9",
            "mov rcx, rax",
            "call {resolve}",
            "movaps xmm0, [rsp + 0x20]",
            "movaps xmm1, [rsp + 0x30]",
            "movaps xmm2, [rsp + 0x40]",
            "movaps xmm3, [rsp + 0x50]",
            "mov rcx, [rsp + 0x60]",
            "mov rdx, [rsp + 0x68]",
            "mov r8, [rsp + 0x70]",
            "mov r9, [rsp + 0x78]",
            "add rsp, 0x88",
            "jmp rax",
            ".seh_endproc",
            find = sym find,
            resolve = sym resolve,
        )
    }
}

/// The jumps of the table. Arguments are on the stack; ecx and edx are kept for conventions that use them.
#[cfg(target_arch = "x86")]
mod assembly {
    use super::resolve;

    macro_rules! jump {
        ($export:path) => { std::arch::naked_asm!("jmp dword ptr [{export}]", export = sym $export) };
    }

    macro_rules! lazy {
        ($export:path) => {
            std::arch::naked_asm!(
                "lea eax, [{export}]",
                "jmp {find}",
                export = sym $export,
                find = sym assembly::find,
            )
        };
    }

    macro_rules! absent {
        ($bytes:literal) => {
            std::arch::naked_asm!(
                "mov eax, {answer}",
                "ret {bytes}",
                answer = const softcp_abi::E_NOTIMPL,
                bytes = const $bytes,
            )
        };
    }

    pub(super) use {absent, jump, lazy};

    /// Resolves the export in eax and goes on there.
    #[unsafe(naked)]
    pub(super) extern "C" fn find() {
        std::arch::naked_asm!(
            "push ecx",
            "push edx",
            "push eax",
            "call {resolve}",
            "add esp, 4",
            "pop edx",
            "pop ecx",
            "jmp eax",
            resolve = sym resolve,
        )
    }
}
