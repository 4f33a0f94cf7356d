//! Function tables.

use std::ffi::c_void;

use softcp_abi::{
    D3D10DDI_HDEVICE, D3D11_1DDI_HCRYPTOSESSION, D3D11_1DDI_VIDEO_FUNCTIONS, D3DWDDM2_0DDI_VIDEO_FUNCTIONS,
    D3DWDDM2_1DDI_VIDEO_FUNCTIONS, E_FAIL, HRESULT, UINT, video_table_size,
};

use super::fault;
use crate::FaultyDriver;
use crate::calls::Hooks;

/// Indices in every table.
const NEGOTIATE_CRYPTO_SESSION_KEY_EXCHANGE: usize = 65;
const FINISH_SESSION_KEY_REFRESH: usize = 69;

pub(super) const DRIVERS: &[FaultyDriver] = &[
    fault(
        "table-without-finish",
        "table/entries-present",
        "The table has no FinishSessionKeyRefresh, although FRESHEN_SESSION_KEY is reported.",
        Hooks {
            change_table: Some(|_, table| set(table, FINISH_SESSION_KEY_REFRESH, std::ptr::null())),
            ..Hooks::NONE
        },
    ),
    fault(
        "table-of-wddm-2-1-without-key-exchange",
        "table/every-version",
        "NegotiateCryptoSessionKeyExchange of the table of WDDM 2.1 is E_FAIL.",
        Hooks {
            change_table: Some(|sub_device, table| {
                if sub_device == D3DWDDM2_1DDI_VIDEO_FUNCTIONS {
                    set(table, NEGOTIATE_CRYPTO_SESSION_KEY_EXCHANGE, no_exchange as *const c_void);
                }
            }),
            ..Hooks::NONE
        },
    ),
    fault(
        "table-of-any-sub-device",
        "table/unknown-sub-device",
        "A number that names no sub-device gets the table whose size it comes with.",
        Hooks { retrieve_sub_object: Some(of_any_sub_device), ..Hooks::NONE },
    ),
    fault(
        "table-larger-accepted",
        "table/wrong-size",
        "A size that is larger than the table's is taken, and the table filled.",
        Hooks {
            retrieve_sub_object: Some(|sub_device, size, retrieve| {
                retrieve(sub_device, video_table_size(sub_device).map_or(size, |right| right.min(size)))
            }),
            ..Hooks::NONE
        },
    ),
    fault(
        "table-filled-past-its-end",
        "table/size-is-kept",
        "The second time that a device fills a table, it writes an entry behind the table's end.",
        Hooks { writes_behind_tables: true, ..Hooks::NONE },
    ),
];

fn of_any_sub_device(sub_device: u32, size: usize, retrieve: &dyn Fn(u32, usize) -> HRESULT) -> HRESULT {
    if video_table_size(sub_device).is_some() {
        return retrieve(sub_device, size);
    }
    let known = [D3D11_1DDI_VIDEO_FUNCTIONS, D3DWDDM2_0DDI_VIDEO_FUNCTIONS, D3DWDDM2_1DDI_VIDEO_FUNCTIONS];
    let of_this_size = known.into_iter().find(|known| video_table_size(*known) == Some(size));
    retrieve(of_this_size.unwrap_or(sub_device), size)
}

/// `NegotiateCryptoSessionKeyExchange`, not offered.
unsafe extern "system" fn no_exchange(
    _: D3D10DDI_HDEVICE,
    _: D3D11_1DDI_HCRYPTOSESSION,
    _: UINT,
    _: *mut c_void,
) -> HRESULT {
    E_FAIL
}

fn set(table: &mut [*const c_void], index: usize, entry: *const c_void) {
    if let Some(slot) = table.get_mut(index) {
        *slot = entry;
    }
}
