//! What commands set and answers tell, as types that hold valid values only.

use std::fmt;

use softcp_abi as abi;

/// The protection that is asked for or in force: `D3D11_AUTHENTICATED_PROTECTION_FLAGS`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ProtectionFlags {
    /// Protection is enforced: what protected resources hold leaves them enciphered only (D19).
    pub enabled: bool,
    /// Content is shown in an overlay or full screen only.
    pub overlay_or_fullscreen: bool,
}

impl ProtectionFlags {
    /// The flags of a 32-bit value; `None` when it has a bit that means nothing.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Option<Self> {
        let flags = Self {
            enabled: bits & abi::D3D11_AUTHENTICATED_PROTECTION_FLAG_PROTECTION_ENABLED != 0,
            overlay_or_fullscreen: bits & abi::D3D11_AUTHENTICATED_PROTECTION_FLAG_OVERLAY_OR_FULLSCREEN_REQUIRED != 0,
        };
        if flags.bits() == bits { Some(flags) } else { None }
    }

    /// The 32-bit value of the flags.
    #[must_use]
    pub const fn bits(self) -> u32 {
        let mut bits = 0;
        if self.enabled {
            bits |= abi::D3D11_AUTHENTICATED_PROTECTION_FLAG_PROTECTION_ENABLED;
        }
        if self.overlay_or_fullscreen {
            bits |= abi::D3D11_AUTHENTICATED_PROTECTION_FLAG_OVERLAY_OR_FULLSCREEN_REQUIRED;
        }
        bits
    }
}

/// What answers on the driver's side of a channel: `D3D11_AUTHENTICATED_CHANNEL_TYPE`.
///
/// The third type of the API, `D3D11_AUTHENTICATED_CHANNEL_D3D11`, is the runtime itself, which signs nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChannelType {
    /// The driver's software.
    DriverSoftware,
    /// The driver's hardware.
    DriverHardware,
}

impl ChannelType {
    /// The type of a 32-bit value; `None` when no driver's channel has it.
    #[must_use]
    pub const fn from_value(value: u32) -> Option<Self> {
        match value {
            abi::D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE => Some(Self::DriverSoftware),
            abi::D3D11_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE => Some(Self::DriverHardware),
            _ => None,
        }
    }

    /// The 32-bit value of the type.
    #[must_use]
    pub const fn value(self) -> u32 {
        match self {
            Self::DriverSoftware => abi::D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE,
            Self::DriverHardware => abi::D3D11_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE,
        }
    }
}

impl fmt::Display for ChannelType {
    /// "driver software" or "driver hardware".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DriverSoftware => "driver software",
            Self::DriverHardware => "driver hardware",
        })
    }
}

/// A process that may open restricted shared resources: `D3D11_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE` and its handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Process {
    /// Not known to the driver.
    Unknown,
    /// The desktop window manager.
    Dwm,
    /// The process of this handle.
    Handle(usize),
}

impl Process {
    /// The process of the two members of a message; `None` when the kind means nothing. Only a process of the kind
    /// `HANDLE` has a handle: for another, what the member holds is not looked at.
    pub(super) const fn from_members(kind: u32, handle: usize) -> Option<Self> {
        match kind {
            abi::D3D11_PROCESSIDTYPE_UNKNOWN => Some(Self::Unknown),
            abi::D3D11_PROCESSIDTYPE_DWM => Some(Self::Dwm),
            abi::D3D11_PROCESSIDTYPE_HANDLE => Some(Self::Handle(handle)),
            _ => None,
        }
    }

    /// Kind and handle as a message holds them.
    pub(super) const fn members(self) -> (u32, usize) {
        match self {
            Self::Unknown => (abi::D3D11_PROCESSIDTYPE_UNKNOWN, 0),
            Self::Dwm => (abi::D3D11_PROCESSIDTYPE_DWM, 0),
            Self::Handle(handle) => (abi::D3D11_PROCESSIDTYPE_HANDLE, handle),
        }
    }
}

impl fmt::Display for Process {
    /// "unknown process", "desktop window manager" or "process handle 0x1f4".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("unknown process"),
            Self::Dwm => f.write_str("desktop window manager"),
            Self::Handle(handle) => write!(f, "process handle {handle:#x}"),
        }
    }
}

/// How others than the graphics processor can reach video memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Accessibility {
    /// How the adapter is attached.
    pub bus_type: BusType,
    /// Contiguous blocks of video memory can be reached.
    pub in_contiguous_blocks: bool,
    /// Scattered blocks of video memory can be reached.
    pub in_non_contiguous_blocks: bool,
}

/// How an adapter is attached: `D3D11_BUS_TYPE`, a type in the low 16 bits, where it is in the next 15, and in the
/// highest bit whether it departs from the standard.
///
/// Each 32-bit value is one: drivers may know buses that the reference does not list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BusType(pub u32);

impl fmt::Display for BusType {
    /// Type and modifiers in words, as "PCI Express, daughter board connector"; by number what the reference does not
    /// list.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const TYPE: u32 = 0xffff;
        const PLACE: u32 = !(TYPE | abi::D3D11_BUS_IMPL_MODIFIER_NON_STANDARD);

        match self.0 & TYPE {
            abi::D3D11_BUS_TYPE_OTHER => f.write_str("other bus"),
            abi::D3D11_BUS_TYPE_PCI => f.write_str("PCI"),
            abi::D3D11_BUS_TYPE_PCIX => f.write_str("PCI-X"),
            abi::D3D11_BUS_TYPE_PCIEXPRESS => f.write_str("PCI Express"),
            abi::D3D11_BUS_TYPE_AGP => f.write_str("AGP"),
            unknown => write!(f, "bus type {unknown}"),
        }?;
        match self.0 & PLACE {
            0 => Ok(()),
            abi::D3D11_BUS_IMPL_MODIFIER_INSIDE_OF_CHIPSET => f.write_str(", inside of chipset"),
            abi::D3D11_BUS_IMPL_MODIFIER_TRACKS_ON_MOTHER_BOARD_TO_CHIP => f.write_str(", motherboard tracks to chip"),
            abi::D3D11_BUS_IMPL_MODIFIER_TRACKS_ON_MOTHER_BOARD_TO_SOCKET => {
                f.write_str(", motherboard tracks to socket")
            }
            abi::D3D11_BUS_IMPL_MODIFIER_DAUGHTER_BOARD_CONNECTOR => f.write_str(", daughter board connector"),
            abi::D3D11_BUS_IMPL_MODIFIER_DAUGHTER_BOARD_CONNECTOR_INSIDE_OF_NUAE => {
                f.write_str(", daughter board connector out of users' reach")
            }
            unknown => write!(f, ", modifier {unknown:#x}"),
        }?;
        if self.0 & abi::D3D11_BUS_IMPL_MODIFIER_NON_STANDARD == 0 { Ok(()) } else { f.write_str(", non-standard") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protection_flags_each_combination_has_its_bits() {
        let cases = [(false, false, 0), (true, false, 1), (false, true, 2), (true, true, 3)];
        for (enabled, overlay_or_fullscreen, bits) in cases {
            let flags = ProtectionFlags { enabled, overlay_or_fullscreen };
            assert_eq!(flags.bits(), bits);
            assert_eq!(ProtectionFlags::from_bits(bits), Some(flags));
        }
    }

    #[test]
    fn protection_flags_with_any_other_bit_are_none() {
        for bit in 2..32 {
            assert_eq!(ProtectionFlags::from_bits(1 << bit), None, "bit {bit}");
            assert_eq!(ProtectionFlags::from_bits(1 << bit | 1), None, "bit {bit} and bit 0");
        }
    }

    #[test]
    fn channel_type_has_the_two_values_of_drivers() {
        assert_eq!(
            [0, 1, 2, 3, 4, u32::MAX].map(ChannelType::from_value),
            [None, None, Some(ChannelType::DriverSoftware), Some(ChannelType::DriverHardware), None, None]
        );
        assert_eq!([ChannelType::DriverSoftware, ChannelType::DriverHardware].map(ChannelType::value), [2, 3]);
        assert_eq!(ChannelType::DriverHardware.to_string(), "driver hardware");
    }

    #[test]
    fn process_of_another_kind_than_handle_has_no_handle() {
        assert_eq!(
            [0, 1, 2, 3].map(|kind| Process::from_members(kind, 0x1f4)),
            [Some(Process::Unknown), Some(Process::Dwm), Some(Process::Handle(0x1f4)), None]
        );
        assert_eq!(
            [Process::Unknown, Process::Dwm, Process::Handle(7)].map(Process::members),
            [(0, 0), (1, 0), (2, 7)]
        );
        assert_eq!(Process::Handle(0x1f4).to_string(), "process handle 0x1f4");
    }

    #[test]
    fn bus_type_is_told_in_words() {
        let cases = [
            (0, "other bus"),
            (0x0004_0003, "PCI Express, daughter board connector"),
            (0x0001_0001, "PCI, inside of chipset"),
            (0x8002_0002, "PCI-X, motherboard tracks to chip, non-standard"),
            (0x0003_0004, "AGP, motherboard tracks to socket"),
            (0x0005_0003, "PCI Express, daughter board connector out of users' reach"),
            (0x8000_0000, "other bus, non-standard"),
            (0x0006_0007, "bus type 7, modifier 0x60000"),
        ];
        for (value, words) in cases {
            assert_eq!(BusType(value).to_string(), words);
        }
    }
}
