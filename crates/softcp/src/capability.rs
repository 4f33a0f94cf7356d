//! What a driver says it can do: capability bits, named profiles, and the answer of `GetContentProtectionCaps`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::accessibility::Accessibility;

macro_rules! capabilities {
    ($($(#[$doc:meta])* $variant:ident = $bit:literal, $name:literal;)*) => {
        /// One capability bit of the DDI (`D3D11_1DDI_CONTENT_PROTECTION_CAPS`). The API's bits differ from 0x2000 up.
        ///
        /// In a configuration file a capability is named in lower snake case, as `freshen_session_key`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[repr(u32)]
        pub enum Capability {
            $($(#[$doc])* $variant = $bit,)*
        }

        impl Capability {
            /// Every capability, in bit order.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name that the DDI page gives it, without prefix.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

capabilities! {
    /// Protection is done in software.
    Software = 0x1, "SOFTWARE";
    /// Protection is done in hardware.
    Hardware = 0x2, "HARDWARE";
    /// Protection is enforced at all times, with or without a channel that asks for it (D19).
    ProtectionAlwaysOn = 0x4, "PROTECTION_ALWAYS_ON";
    /// Partly encrypted buffers: encrypted block information is understood.
    PartialDecryption = 0x8, "PARTIAL_DECRYPTION";
    /// Content keys, wrapped by the session key.
    ContentKey = 0x10, "CONTENT_KEY";
    /// Session key refresh.
    FreshenSessionKey = 0x20, "FRESHEN_SESSION_KEY";
    /// `EncryptionBlt`.
    EncryptedReadBack = 0x40, "ENCRYPTED_READ_BACK";
    /// `EncryptionBlt` uses a key of its own.
    EncryptedReadBackKey = 0x80, "ENCRYPTED_READ_BACK_KEY";
    /// IVs must increase (D10).
    SequentialCtrIv = 0x100, "SEQUENTIAL_CTR_IV";
    /// Only slice data is encrypted in decoder buffers.
    EncryptSlicedataOnly = 0x200, "ENCRYPT_SLICEDATA_ONLY";
    /// `DecryptionBlt`.
    DecryptionBlt = 0x400, "DECRYPTION_BLT";
    /// Uncompressed content is protected by hardware.
    HardwareProtectUncompressed = 0x800, "HARDWARE_PROTECT_UNCOMPRESSED";
    /// Protected memory can be paged.
    HardwareProtectedMemoryPageable = 0x1000, "HARDWARE_PROTECTED_MEMORY_PAGEABLE";
    /// Memory can become protected and unprotected.
    HardwareProtectedMemoryTransition = 0x2000, "HARDWARE_PROTECTED_MEMORY_TRANSITION";
    /// The hardware can tear protection down; session status tells.
    HardwareTeardown = 0x4000, "HARDWARE_TEARDOWN";
    /// Hardware-protection key exchange.
    HardwareDrmCommunication = 0x8000, "HARDWARE_DRM_COMMUNICATION";
}

impl Capability {
    /// The bit.
    #[must_use]
    pub fn bit(self) -> u32 {
        self as u32
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities(u32);

impl Capabilities {
    /// The set of the given capabilities.
    #[must_use]
    pub fn of(capabilities: &[Capability]) -> Self {
        capabilities.iter().fold(Self::default(), |set, &capability| set.with(capability, true))
    }

    /// The set with one capability added (`on`) or taken out.
    #[must_use]
    pub fn with(self, capability: Capability, on: bool) -> Self {
        if on { Self(self.0 | capability.bit()) } else { Self(self.0 & !capability.bit()) }
    }

    /// Whether the set has `capability`.
    #[must_use]
    pub fn contains(self, capability: Capability) -> bool {
        self.0 & capability.bit() != 0
    }

    /// The DDI's bits.
    #[must_use]
    pub fn bits(self) -> u32 {
        self.0
    }
}

/// A named set of answers, the starting point of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProfileName {
    /// Everything the software driver does, any run length, any IV order, no hardware bit (D27).
    #[default]
    Software,
    /// What clients meet on real hardware: hardware bits, 16-byte block alignment (D7), IVs that must increase (D10).
    HardwareLike,
    /// As `software`, and lenient where real clients are sloppy (D29).
    Permissive,
}

/// What an adapter reports and therefore enforces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapabilityProfile {
    /// The capability bits.
    pub capabilities: Capabilities,
    /// `BlockAlignmentSize` in bytes: 1, or what every pattern run must be a multiple of (D7).
    pub block_alignment: u32,
    /// Whether the crypto type's GUID is accepted where the key exchange type's belongs (D29).
    pub key_exchange_alias: bool,
    /// What authenticated channels answer about the driver's memory.
    pub accessibility: Accessibility,
}

impl CapabilityProfile {
    /// Whether the profile reports `capability`.
    #[must_use]
    pub fn has(&self, capability: Capability) -> bool {
        self.capabilities.contains(capability)
    }

    /// The profile of that name.
    #[must_use]
    pub fn named(name: ProfileName) -> Self {
        use Capability as C;
        let common = Capabilities::of(&[
            C::PartialDecryption,
            C::ContentKey,
            C::FreshenSessionKey,
            C::EncryptedReadBack,
            C::EncryptedReadBackKey,
            C::DecryptionBlt,
        ]);
        match name {
            ProfileName::Software => Self {
                capabilities: common.with(C::Software, true),
                block_alignment: 1,
                key_exchange_alias: false,
                accessibility: Accessibility::software(),
            },
            ProfileName::HardwareLike => Self {
                capabilities: [
                    C::Hardware,
                    C::SequentialCtrIv,
                    C::HardwareProtectUncompressed,
                    C::HardwareTeardown,
                    C::HardwareDrmCommunication,
                ]
                .iter()
                .fold(common, |set, &capability| set.with(capability, true)),
                block_alignment: 16,
                key_exchange_alias: false,
                accessibility: Accessibility::hardware_like(),
            },
            ProfileName::Permissive => Self { key_exchange_alias: true, ..Self::named(ProfileName::Software) },
        }
    }
}

impl Default for CapabilityProfile {
    fn default() -> Self {
        Self::named(ProfileName::default())
    }
}

/// The answer of `GetContentProtectionCaps`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentProtectionCaps {
    /// The capability bits.
    pub capabilities: Capabilities,
    /// How many key exchange types can be enumerated.
    pub key_exchange_type_count: u32,
    /// Bytes that every pattern run must be a multiple of.
    pub block_alignment: u32,
    /// Protected memory in bytes; the largest number when unlimited, never 0 (D24).
    pub protected_memory_size: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn software_profile_reports_no_hardware_bit() {
        let set = CapabilityProfile::default().capabilities;
        let hardware = Capability::ALL.iter().filter(|c| c.name().starts_with("HARDWARE"));
        assert_eq!(hardware.filter(|&&c| set.contains(c)).count(), 0);
        assert_eq!(set.bits(), 0x1 | 0x8 | 0x10 | 0x20 | 0x40 | 0x80 | 0x400);
    }

    #[test]
    fn hardware_like_profile_is_strict() {
        let profile = CapabilityProfile::named(ProfileName::HardwareLike);
        assert!(profile.capabilities.contains(Capability::SequentialCtrIv));
        assert!(!profile.capabilities.contains(Capability::Software));
        assert_eq!(profile.block_alignment, 16);
    }

    #[test]
    fn bits_are_sixteen_consecutive_ones() {
        let all = Capabilities::of(Capability::ALL);
        assert_eq!((all.bits(), Capability::ALL.len()), (0xFFFF, 16));
    }
}
