//! What can go wrong between this runtime and a driver.

use std::ffi::NulError;
use std::path::PathBuf;

use crate::HResult;

/// Result of a call through the runtime.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An entry of the driver failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{function}: {hresult}{}{text}", if text.is_empty() { "" } else { ": " })]
pub struct DriverError {
    /// The entry that was called, by its DDI name without `pfn`, as `DecryptionBlt`.
    pub function: &'static str,
    /// What it returned or reported.
    pub hresult: HResult,
    /// What the driver says about it; empty from a driver that says nothing.
    pub text: String,
}

/// A failed call.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // Loading.
    /// The library cannot be opened.
    #[error("cannot load {}: {source}", path.display())]
    Load {
        /// The library.
        path: PathBuf,
        /// What the system's loader says.
        source: libloading::Error,
    },
    /// The library exports neither name of a driver entry (D40).
    #[error(
        "{} is not a driver for this runtime: it exports neither {} nor {}",
        path.display(),
        softcp_abi::SOFTCP_OPEN_DRIVER,
        softcp_abi::SOFTCP_OPEN_REFERENCE_DRIVER
    )]
    NoEntry {
        /// The library.
        path: PathBuf,
        /// What the system's loader says.
        source: libloading::Error,
    },
    /// The options contain a zero byte.
    #[error("driver options must not contain a zero byte")]
    OptionsNul(#[from] NulError),
    /// The driver speaks another version of the interface.
    #[error(
        "the driver speaks version {driver} of the driver interface, this runtime version {}",
        softcp_abi::SOFTCP_DRIVER_INTERFACE_VERSION
    )]
    WrongInterfaceVersion {
        /// The driver's version.
        driver: u32,
    },
    /// The driver does not offer an entry that the call needs.
    #[error("the driver does not offer {function}")]
    MissingEntry {
        /// The entry, by its DDI name without `pfn`.
        function: &'static str,
    },
    /// The driver fills none of the video function tables asked for.
    #[error("the driver fills no video function table (sub-devices {tried:?}); the last one tried failed with {last}")]
    NoVideoTable {
        /// The sub-devices asked for, in order.
        tried: Vec<u32>,
        /// What `RetrieveSubObject` returned for the last one.
        last: HResult,
    },

    // Calls.
    /// An entry failed.
    #[error(transparent)]
    Driver(#[from] DriverError),

    // Answers that break the contract.
    /// An answer that no correct driver gives.
    #[error("the driver breaks the contract of {function}: {defect}")]
    BadAnswer {
        /// The entry that gave it.
        function: &'static str,
        /// What is wrong with it.
        defect: String,
    },
    /// Bytes for a key exchange on a session that carries commands: a driver would follow them as pointers.
    #[error("the session carries commands (D3D11_KEY_EXCHANGE_HW_PROTECTION), and takes no other key exchange")]
    CommandSession,
    /// A size does not fit the DDI's 32-bit field.
    #[error("{bytes} bytes do not fit the 32-bit size of {function}")]
    TooLong {
        /// The entry.
        function: &'static str,
        /// The size in bytes.
        bytes: usize,
    },
}
