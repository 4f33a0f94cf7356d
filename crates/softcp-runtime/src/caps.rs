//! The answer of `GetContentProtectionCaps`.

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS, D3D11_1DDI_CONTENT_PROTECTION_CAPS_CONTENT_KEY,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT, D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPT_SLICEDATA_ONLY,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK, D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY, D3D11_1DDI_CONTENT_PROTECTION_CAPS_HARDWARE,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_PARTIAL_DECRYPTION, D3D11_1DDI_CONTENT_PROTECTION_CAPS_PROTECTION_ALWAYS_ON,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_SEQUENTIAL_CTR_IV, D3D11_1DDI_CONTENT_PROTECTION_CAPS_SOFTWARE,
    D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS, D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION,
    D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_PROTECT_UNCOMPRESSED,
    D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_PROTECTED_MEMORY_PAGEABLE,
    D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_PROTECTED_MEMORY_TRANSITION,
    D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_TEARDOWN,
};

/// What a driver offers for a crypto type and a decode profile. The bits are the DDI's, which differ from the API's
/// from 0x2000 up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentProtectionCaps {
    /// `D3D11_1DDI_CONTENT_PROTECTION_CAPS_*` and `D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_*`.
    pub bits: D3D11_1DDI_CONTENT_PROTECTION_CAPS,
    /// How many key exchange types can be enumerated.
    pub key_exchange_type_count: u32,
    /// Bytes that encrypted and clear runs must be multiples of (D7).
    pub block_alignment_size: u32,
    /// Protected memory in bytes (D24).
    pub protected_memory_size: u64,
}

/// The names of the bits, in order from 0x1.
const NAMES: [(D3D11_1DDI_CONTENT_PROTECTION_CAPS, &str); 16] = [
    (D3D11_1DDI_CONTENT_PROTECTION_CAPS_SOFTWARE, "SOFTWARE"),
    (D3D11_1DDI_CONTENT_PROTECTION_CAPS_HARDWARE, "HARDWARE"),
    (D3D11_1DDI_CONTENT_PROTECTION_CAPS_PROTECTION_ALWAYS_ON, "PROTECTION_ALWAYS_ON"),
    (D3D11_1DDI_CONTENT_PROTECTION_CAPS_PARTIAL_DECRYPTION, "PARTIAL_DECRYPTION"),
    (D3D11_1DDI_CONTENT_PROTECTION_CAPS_CONTENT_KEY, "CONTENT_KEY"),
    (D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY, "FRESHEN_SESSION_KEY"),
    (D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK, "ENCRYPTED_READ_BACK"),
    (D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY, "ENCRYPTED_READ_BACK_KEY"),
    (D3D11_1DDI_CONTENT_PROTECTION_CAPS_SEQUENTIAL_CTR_IV, "SEQUENTIAL_CTR_IV"),
    (D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPT_SLICEDATA_ONLY, "ENCRYPT_SLICEDATA_ONLY"),
    (D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT, "DECRYPTION_BLT"),
    (D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_PROTECT_UNCOMPRESSED, "HARDWARE_PROTECT_UNCOMPRESSED"),
    (D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_PROTECTED_MEMORY_PAGEABLE, "HARDWARE_PROTECTED_MEMORY_PAGEABLE"),
    (
        D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_PROTECTED_MEMORY_TRANSITION,
        "HARDWARE_PROTECTED_MEMORY_TRANSITION",
    ),
    (D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_TEARDOWN, "HARDWARE_TEARDOWN"),
    (D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION, "HARDWARE_DRM_COMMUNICATION"),
];

impl ContentProtectionCaps {
    /// Whether all of `bits` are reported.
    #[must_use]
    pub fn contains(&self, bits: D3D11_1DDI_CONTENT_PROTECTION_CAPS) -> bool {
        self.bits & bits == bits
    }

    /// The names of the reported bits without their prefix, as `CONTENT_KEY`, in bit order. Unknown bits have none.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        NAMES.into_iter().filter(|(bit, _)| self.contains(*bit)).map(|(_, name)| name)
    }
}

impl From<D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS> for ContentProtectionCaps {
    fn from(caps: D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS) -> Self {
        Self {
            bits: caps.Caps,
            key_exchange_type_count: caps.KeyExchangeTypeCount,
            block_alignment_size: caps.BlockAlignmentSize,
            protected_memory_size: caps.ProtectedMemorySize,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_bits_set() {
        let abi = D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS { Caps: 0x1_0411, ..Default::default() };
        let names: Vec<_> = ContentProtectionCaps::from(abi).names().collect();
        assert_eq!(names, ["SOFTWARE", "CONTENT_KEY", "DECRYPTION_BLT"]);
    }

    #[test]
    fn names_are_listed_for_sixteen_bits_in_order() {
        for (index, (bit, name)) in NAMES.into_iter().enumerate() {
            assert_eq!(bit, 1 << index, "{name}");
        }
    }
}
