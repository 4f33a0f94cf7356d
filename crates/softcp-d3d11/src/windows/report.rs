//! What the layer has to say: messages of the runtime to the information queue, the debug output and the log.

use std::ffi::CString;
use std::sync::{Mutex, PoisonError};

use windows::Win32::Graphics::Direct3D11::{
    D3D11_MESSAGE_CATEGORY, D3D11_MESSAGE_ID, D3D11_MESSAGE_SEVERITY_ERROR, ID3D11Device, ID3D11InfoQueue,
};
use windows::Win32::System::Diagnostics::Debug::OutputDebugStringA;
use windows::core::{Interface, PCSTR};

use super::com::Weak;
use crate::message::{self, MessageId};

/// The last message of the log, and how often it came again.
static LAST: Mutex<(String, u64)> = Mutex::new((String::new(), 0));

/// Says that a call was refused, and why: to the device's information queue, if it has one, to the debug output, and to
/// the log.
///
/// # Safety
///
/// `device` is a live `ID3D11Device`.
pub(super) unsafe fn refused(device: Weak, id: Option<MessageId>, function: &str, text: &str) {
    let line = message::line(id, function, text);
    log(id.map_or("refused", MessageId::name), &line);
    let Ok(line) = CString::new(line + "\n") else { return };
    // SAFETY: a string that ends in a zero byte.
    unsafe { OutputDebugStringA(PCSTR(line.as_ptr().cast())) };
    // SAFETY: the caller's duty.
    let device = unsafe { device.interface::<ID3D11Device>() };
    let (Some(id), Ok(queue), Ok(text)) =
        (id, device.cast::<ID3D11InfoQueue>(), CString::new(format!("{function}: {text}")))
    else {
        return;
    };
    let (category, number) =
        (D3D11_MESSAGE_CATEGORY(id.category().number().cast_signed()), D3D11_MESSAGE_ID(id.number().cast_signed()));
    let text = PCSTR(text.as_ptr().cast());
    // SAFETY: a live queue and a string that ends in a zero byte. A queue that is full is no matter of the call's.
    let _ = unsafe { queue.AddMessage(category, D3D11_MESSAGE_SEVERITY_ERROR, number, text) };
}

/// Logs a message; one that repeats the last is counted, and its count logged with the next one that differs.
fn log(id: &str, line: &str) {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if last.0 == line {
        last.1 += 1;
        return;
    }
    let repeated = std::mem::replace(&mut *last, (line.to_owned(), 0)).1;
    drop(last);
    if repeated > 0 {
        tracing::warn!(id = "repeated", "the last message came {repeated} more times");
    }
    tracing::warn!(id, "{line}");
}
