//! What a driver can do, as the program sees it: the driver's capability bits and the program's differ from 0x2000 up.

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS, D3D11_CONTENT_PROTECTION_CAPS,
    D3D11_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION,
    D3D11_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION_MULTI_THREADED,
    D3D11_CONTENT_PROTECTION_CAPS_HARDWARE_PROTECTED_MEMORY_PAGEABLE, D3D11_CONTENT_PROTECTION_CAPS_HARDWARE_TEARDOWN,
    D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION,
    D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_TEARDOWN,
};

/// The bits that are the same on both sides: all up to this one.
const SAME: u32 = D3D11_CONTENT_PROTECTION_CAPS_HARDWARE_PROTECTED_MEMORY_PAGEABLE * 2 - 1;

/// Bits of the driver that have another number for the program. `HARDWARE_PROTECTED_MEMORY_TRANSITION` has none.
const MOVED: [(D3D11_1DDI_CONTENT_PROTECTION_CAPS, D3D11_CONTENT_PROTECTION_CAPS); 2] = [
    (D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_TEARDOWN, D3D11_CONTENT_PROTECTION_CAPS_HARDWARE_TEARDOWN),
    (
        D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION,
        D3D11_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION,
    ),
];

/// `D3D11_CONTENT_PROTECTION_CAPS` for a program, of the bits that a driver reports. Bits that neither side defines are
/// dropped: a program would take them for what a later system means by them.
///
/// `negotiates_free_threaded`: the driver's table has `NegotiateCryptoSessionKeyExchangeMT` (WDDM 2.4). Together with
/// `HARDWARE_DRM_COMMUNICATION` that is a bit of its own for the program, which no driver reports.
#[must_use]
pub fn to_api(
    ddi: D3D11_1DDI_CONTENT_PROTECTION_CAPS,
    negotiates_free_threaded: bool,
) -> D3D11_CONTENT_PROTECTION_CAPS {
    let moved = MOVED.iter().filter(|(driver, _)| ddi & driver != 0).fold(0, |bits, (_, program)| bits | program);
    let communicates = moved & D3D11_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION != 0;
    let free_threaded = if communicates && negotiates_free_threaded {
        D3D11_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION_MULTI_THREADED
    } else {
        0
    };
    (ddi & SAME) | moved | free_threaded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bit_alone() {
        for bit in 0..32 {
            let ddi = 1 << bit;
            let (plain, free_threaded) = match ddi {
                0x0..=0x1000 => (ddi, ddi),
                0x4000 => (0x2000, 0x2000),
                0x8000 => (0x4000, 0xC000),
                _ => (0, 0),
            };
            assert_eq!((to_api(ddi, false), to_api(ddi, true)), (plain, free_threaded), "driver's bit {ddi:#x}");
        }
    }

    #[test]
    fn bits_together() {
        assert_eq!((to_api(0, true), to_api(0x7FF, true)), (0, 0x7FF));
        assert_eq!((to_api(u32::MAX, false), to_api(u32::MAX, true)), (0x7FFF, 0xFFFF));
        assert_eq!((to_api(0x6C43, true), to_api(0xAC43, true)), (0x2C43, 0xCC43));
    }
}
