//! How video memory can be reached from outside: the answers of `ACCESSIBILITY_ATTRIBUTES` and of the queries about the
//! encryption of content that becomes accessible.

use softcp_abi::{
    D3D11_BUS_IMPL_MODIFIER_DAUGHTER_BOARD_CONNECTOR, D3D11_BUS_TYPE_OTHER, D3D11_BUS_TYPE_PCIEXPRESS,
    D3D11_CRYPTO_TYPE_AES128_CTR, GUID,
};

/// What a driver says about its memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accessibility {
    /// `D3D11_BUS_TYPE`: bus and modifiers.
    pub bus_type: u32,
    /// Whether contiguous blocks of video memory can be reached.
    pub contiguous_blocks: bool,
    /// Whether scattered blocks can be reached.
    pub non_contiguous_blocks: bool,
    /// The encryptions that can be chosen for content that becomes accessible.
    pub encryption: Vec<GUID>,
}

impl Accessibility {
    /// What is true of this software: its memory is the machine's own, and every process that has it mapped reaches all
    /// of it.
    pub(crate) fn software() -> Self {
        Self {
            bus_type: D3D11_BUS_TYPE_OTHER,
            contiguous_blocks: true,
            non_contiguous_blocks: true,
            encryption: vec![D3D11_CRYPTO_TYPE_AES128_CTR],
        }
    }

    /// What clients meet with a graphics card: memory behind PCI Express that cannot be reached.
    pub(crate) fn hardware_like() -> Self {
        Self {
            bus_type: D3D11_BUS_TYPE_PCIEXPRESS | D3D11_BUS_IMPL_MODIFIER_DAUGHTER_BOARD_CONNECTOR,
            contiguous_blocks: false,
            non_contiguous_blocks: false,
            ..Self::software()
        }
    }
}
