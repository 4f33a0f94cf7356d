//! `[accessibility]`: what authenticated channels answer about video memory, where it is not the capability profile's.

use serde::{Deserialize, Serialize};
use softcp_abi::{
    D3D11_BUS_IMPL_MODIFIER_DAUGHTER_BOARD_CONNECTOR, D3D11_BUS_IMPL_MODIFIER_DAUGHTER_BOARD_CONNECTOR_INSIDE_OF_NUAE,
    D3D11_BUS_IMPL_MODIFIER_INSIDE_OF_CHIPSET, D3D11_BUS_IMPL_MODIFIER_NON_STANDARD,
    D3D11_BUS_IMPL_MODIFIER_TRACKS_ON_MOTHER_BOARD_TO_CHIP, D3D11_BUS_IMPL_MODIFIER_TRACKS_ON_MOTHER_BOARD_TO_SOCKET,
    D3D11_BUS_TYPE_AGP, D3D11_BUS_TYPE_OTHER, D3D11_BUS_TYPE_PCI, D3D11_BUS_TYPE_PCIEXPRESS, D3D11_BUS_TYPE_PCIX,
    D3D11_CRYPTO_TYPE_AES128_CTR, GUID,
};
use uuid::Uuid;

use crate::accessibility::Accessibility;

/// The bus of `[accessibility]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bus {
    /// No graphics bus, or an unknown one.
    Other,
    /// PCI.
    Pci,
    /// PCI-X.
    Pcix,
    /// PCI Express.
    PciExpress,
    /// AGP.
    Agp,
}

impl Bus {
    /// `D3D11_BUS_TYPE` without modifiers.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::Other => D3D11_BUS_TYPE_OTHER,
            Self::Pci => D3D11_BUS_TYPE_PCI,
            Self::Pcix => D3D11_BUS_TYPE_PCIX,
            Self::PciExpress => D3D11_BUS_TYPE_PCIEXPRESS,
            Self::Agp => D3D11_BUS_TYPE_AGP,
        }
    }
}

/// How the bus of `[accessibility]` is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BusImplementation {
    /// Nothing is said.
    Unspecified,
    /// Inside the chipset.
    InsideOfChipset,
    /// Tracks on the mother board to a chip.
    TracksOnMotherBoardToChip,
    /// Tracks on the mother board to a socket.
    TracksOnMotherBoardToSocket,
    /// A connector for a daughter board.
    DaughterBoardConnector,
    /// A connector for a daughter board, inside a non-user-accessible enclosure.
    DaughterBoardConnectorInsideOfNuae,
}

impl BusImplementation {
    /// The modifier of `D3D11_BUS_TYPE`.
    #[must_use]
    pub fn modifier(self) -> u32 {
        match self {
            Self::Unspecified => 0,
            Self::InsideOfChipset => D3D11_BUS_IMPL_MODIFIER_INSIDE_OF_CHIPSET,
            Self::TracksOnMotherBoardToChip => D3D11_BUS_IMPL_MODIFIER_TRACKS_ON_MOTHER_BOARD_TO_CHIP,
            Self::TracksOnMotherBoardToSocket => D3D11_BUS_IMPL_MODIFIER_TRACKS_ON_MOTHER_BOARD_TO_SOCKET,
            Self::DaughterBoardConnector => D3D11_BUS_IMPL_MODIFIER_DAUGHTER_BOARD_CONNECTOR,
            Self::DaughterBoardConnectorInsideOfNuae => D3D11_BUS_IMPL_MODIFIER_DAUGHTER_BOARD_CONNECTOR_INSIDE_OF_NUAE,
        }
    }
}

/// `[accessibility]`: what is left out is the capability profile's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccessibilityConfig {
    /// The bus.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bus: Option<Bus>,
    /// How it is built.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub implementation: Option<BusImplementation>,
    /// Whether it is a non-standard one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub non_standard: Option<bool>,
    /// Whether contiguous blocks of video memory can be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contiguous_blocks: Option<bool>,
    /// Whether scattered blocks can be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub non_contiguous_blocks: Option<bool>,
    /// The encryptions that can be chosen: GUIDs, or `aes128-ctr`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Vec<Encryption>>,
}

impl AccessibilityConfig {
    /// The profile's answers with what is configured in their place.
    pub(crate) fn over(&self, profile: Accessibility) -> Accessibility {
        const BUS: u32 = 0xFFFF;
        const IMPLEMENTATION: u32 = 0x7FFF_0000;
        let replace = |bits: u32, mask: u32, with: Option<u32>| with.map_or(bits, |with| bits & !mask | with);
        let bus_type = replace(profile.bus_type, BUS, self.bus.map(Bus::number));
        let bus_type = replace(bus_type, IMPLEMENTATION, self.implementation.map(BusImplementation::modifier));
        let non_standard = |on| if on { D3D11_BUS_IMPL_MODIFIER_NON_STANDARD } else { 0 };
        Accessibility {
            bus_type: replace(bus_type, D3D11_BUS_IMPL_MODIFIER_NON_STANDARD, self.non_standard.map(non_standard)),
            contiguous_blocks: self.contiguous_blocks.unwrap_or(profile.contiguous_blocks),
            non_contiguous_blocks: self.non_contiguous_blocks.unwrap_or(profile.non_contiguous_blocks),
            encryption: self
                .encryption
                .as_ref()
                .map_or(profile.encryption, |list| list.iter().map(|Encryption(guid)| *guid).collect()),
        }
    }
}

/// An encryption in a configuration: a GUID, or `aes128-ctr`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Encryption(pub GUID);

impl TryFrom<String> for Encryption {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "aes128-ctr" {
            return Ok(Self(D3D11_CRYPTO_TYPE_AES128_CTR));
        }
        match Uuid::try_parse(&text) {
            Ok(uuid) if !uuid.is_nil() => Ok(Self(GUID::from_u128(uuid.as_u128()))),
            _ => Err(format!("{text:?} is neither aes128-ctr nor a GUID other than zero")),
        }
    }
}

impl From<Encryption> for String {
    fn from(Encryption(guid): Encryption) -> Self {
        if guid == D3D11_CRYPTO_TYPE_AES128_CTR { "aes128-ctr".to_owned() } else { guid.to_string() }
    }
}
