//! GUIDs: the type, and the constants of the content-protection interface.

use core::fmt;

/// A globally unique identifier, as Windows lays it out in memory.
///
/// The first three members are in the machine's byte order, the last eight bytes as written.
#[repr(C)]
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GUID {
    /// First group of the written form, 8 hexadecimal digits.
    pub Data1: u32,
    /// Second group, 4 digits.
    pub Data2: u16,
    /// Third group, 4 digits.
    pub Data3: u16,
    /// Fourth and fifth group, 16 digits.
    pub Data4: [u8; 8],
}

impl GUID {
    /// The GUID whose written form, read as one hexadecimal number, is `value`.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)] // each cast takes exactly the digits of one group
    pub const fn from_u128(value: u128) -> Self {
        Self {
            Data1: (value >> 96) as u32,
            Data2: (value >> 80) as u16,
            Data3: (value >> 64) as u16,
            Data4: (value as u64).to_be_bytes(),
        }
    }
}

impl fmt::Display for GUID {
    /// The written form: groups of 8-4-4-4-12 lower-case hexadecimal digits, without braces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{:04x}-{:04x}-", self.Data1, self.Data2, self.Data3)?;
        for (index, byte) in self.Data4.iter().enumerate() {
            let dash = if index == 2 { "-" } else { "" };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for GUID {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// All zero: as a decode profile it means "no decoding", as a crypto type the null crypto type.
pub const GUID_NULL: GUID = GUID::from_u128(0);

/// Command: bind a crypto session to a decoder.
pub const D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION: GUID = GUID::from_u128(0x6346cc54_2cfc_4ad4_8224_d15837de7700);
/// Command: choose the encryption of video memory while the CPU or bus can reach it.
pub const D3D11_AUTHENTICATED_CONFIGURE_ENCRYPTION_WHEN_ACCESSIBLE: GUID =
    GUID::from_u128(0x41fff286_6ae0_4d43_9d55_a46e9efd158a);
/// Command: set the first sequence numbers; must come before every other message.
pub const D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE: GUID = GUID::from_u128(0x06114bdb_3523_470a_8dca_fbc2845154f0);
/// Command: switch content protection on or off.
pub const D3D11_AUTHENTICATED_CONFIGURE_PROTECTION: GUID = GUID::from_u128(0x50455658_3f47_4362_bf99_bfdfcde9ed29);
/// Command: allow or refuse a process access to restricted shared resources.
pub const D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE: GUID = GUID::from_u128(0x0772d047_1b40_48e8_9ca6_b5f510de9f01);
/// Query: how the CPU and the bus can reach video memory.
pub const D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ATTRIBUTES: GUID =
    GUID::from_u128(0x6214d9d2_432c_4abb_9fce_216eea269e3b);
/// Query: the type of the channel.
pub const D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE: GUID = GUID::from_u128(0xbc1b18a5_b1fb_42ab_bd94_b5828b4bf7be);
/// Query: the crypto session bound to a decoder.
pub const D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION: GUID = GUID::from_u128(0x2634499e_d018_4d74_ac17_7f724059528d);
/// Query: the encryption of accessible video memory now in force.
pub const D3D11_AUTHENTICATED_QUERY_CURRENT_ENCRYPTION_WHEN_ACCESSIBLE: GUID =
    GUID::from_u128(0xec1791c7_dad3_4f15_9ec3_faa93d60d4f0);
/// Query: the handle of the device that owns the channel.
pub const D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE: GUID = GUID::from_u128(0xec1c539d_8cff_4e2a_bcc4_f5692f99f480);
/// Query: one encryption type for accessible video memory, by index.
pub const D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID: GUID =
    GUID::from_u128(0xf83a5958_e986_4bda_beb0_411f6a7a01b7);
/// Query: the number of encryption types for accessible video memory.
pub const D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID_COUNT: GUID =
    GUID::from_u128(0xb30f7066_203c_4b07_93fc_ceaafd61241e);
/// Query: one output of a device and crypto session, by index.
pub const D3D11_AUTHENTICATED_QUERY_OUTPUT_ID: GUID = GUID::from_u128(0x839ddca3_9b4e_41e4_b053_892bd2a11ee7);
/// Query: the number of outputs of a device and crypto session.
pub const D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT: GUID = GUID::from_u128(0x2c042b5e_8c07_46d5_aabe_8f75cbad4c31);
/// Query: the protection flags now in force.
pub const D3D11_AUTHENTICATED_QUERY_PROTECTION: GUID = GUID::from_u128(0xa84eb584_c495_48aa_b94d_8bd2d6fbce05);
/// Query: one process allowed to open restricted shared resources, by index.
pub const D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS: GUID =
    GUID::from_u128(0x649bbadb_f0f4_4639_a15b_24393fc3abac);
/// Query: the number of processes allowed to open restricted shared resources.
pub const D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT: GUID =
    GUID::from_u128(0x0db207b3_9450_46a6_82de_1b96d44f9cf2);
/// Query: the number of protected shared resources that any process can open.
pub const D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT: GUID =
    GUID::from_u128(0x012f0bd6_e662_4474_befd_aa53e5143c6d);
/// Crypto type: AES-128 in counter mode (NIST SP 800-38A, section 6.5).
pub const D3D11_CRYPTO_TYPE_AES128_CTR: GUID = GUID::from_u128(0x9b6bd711_4f74_41c9_9e7b_0be2d7d93b4f);
/// Bitstream encryption: the `cbcs` scheme of ISO/IEC 23001-7.
pub const D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS: GUID = GUID::from_u128(0x422d9319_9d21_4bb7_9371_faf5a82c3e04);
/// Bitstream encryption: the `cenc` scheme of ISO/IEC 23001-7.
pub const D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CENC: GUID = GUID::from_u128(0xb0405235_c13d_44f2_9ae5_dd48e08e5b67);
/// Decoder encryption: content key sealed for the secure environment of a crypto session.
pub const D3D11_DECODER_ENCRYPTION_HW_CENC: GUID = GUID::from_u128(0x89d6ac4f_09f2_4229_b2cd_37740a6dfd81);
/// Key exchange: commands to a secure execution environment (WDDM 2.0).
pub const D3D11_KEY_EXCHANGE_HW_PROTECTION: GUID = GUID::from_u128(0xb1170d8a_628d_4da3_ad3b_82ddb08b4970);
/// Key exchange: RSAES-OAEP (RFC 8017, section 7.1) to the certificate's key.
pub const D3D11_KEY_EXCHANGE_RSAES_OAEP: GUID = GUID::from_u128(0xc1949895_d72a_4a1d_8e5d_ed857d171520);
