//! What can go wrong in the engine, sorted by whose fault it is.
//!
//! Each variant is one cause. The HRESULT named in its documentation is the one that `softcp-ddi` answers with; the
//! match that does so has no catch-all arm, so a new variant cannot be forgotten there.

use std::path::{Path, PathBuf};

use crate::capability::Capability;

/// Result of an engine call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failed engine call. Keys, counters, IVs and destination bytes are as they were before it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    // The caller's order of calls.
    /// No key exchange has succeeded on this session yet (D3). `D3DERR_INVALIDCALL`.
    #[error("the session has no key yet; negotiate the key exchange first")]
    NoSessionKey,
    /// The session key was lost in a teardown (D23). `D3DERR_INVALIDCALL`.
    #[error("the session key was lost; negotiate a new key exchange")]
    KeyLost,
    /// `FinishSessionKeyRefresh` without a `StartSessionKeyRefresh` before it (D3). `D3DERR_INVALIDCALL`.
    #[error("no session key refresh is pending; start one first")]
    NoRefreshPending,
    /// `EncryptionBlt` before `GetEncryptionBltKey` while a separate read-back key is reported (D12).
    /// `D3DERR_INVALIDCALL`.
    #[error("the session has no read-back key yet; call GetEncryptionBltKey first")]
    NoReadBackKey,

    // Bad input from the caller.
    /// The handle is zero, stale, of another kind or of another device. `E_INVALIDARG`.
    #[error("the handle does not name a live {kind} of this device")]
    BadHandle {
        /// What the handle should have named.
        kind: &'static str,
    },
    /// A buffer whose size the protocol fixes has another one (D1). `E_INVALIDARG`.
    #[error("{what} must be {expected} bytes, not {given}")]
    WrongSize {
        /// The buffer.
        what: &'static str,
        /// The size it must have, in bytes.
        expected: usize,
        /// The size it had, in bytes.
        given: usize,
    },
    /// Source and destination differ in row bytes, rows or planes. `E_INVALIDARG`.
    #[error("source and destination differ in size; a blit does not scale or crop")]
    SizeMismatch,
    /// Source and destination differ in format. `E_INVALIDARG`.
    #[error(
        "source format {source_format} and destination format {destination_format} differ; a blit does not convert"
    )]
    FormatMismatch {
        /// `DXGI_FORMAT` of the source.
        source_format: u32,
        /// `DXGI_FORMAT` of the destination.
        destination_format: u32,
    },
    /// The protected side of a blit is multisampled. `E_INVALIDARG`.
    #[error("the protected surface is multisampled; resolve it first")]
    Multisampled,
    /// The memory described cannot hold the rows described. `E_INVALIDARG`.
    #[error("the surface is not well formed: {0}")]
    BadSurface(#[from] softcp_ctr::RowsError),
    /// A surface of no planes, or of more than three. `E_INVALIDARG`.
    #[error("a surface has 1 to 3 planes, not {0}")]
    BadPlaneCount(usize),
    /// A pattern run that is no multiple of the reported block alignment (D7). `E_INVALIDARG`.
    #[error("{field} is {bytes} bytes, no multiple of the reported block alignment of {alignment} bytes")]
    UnalignedPattern {
        /// The field of the encrypted block information.
        field: &'static str,
        /// Its value in bytes.
        bytes: u32,
        /// `BlockAlignmentSize` in bytes.
        alignment: u32,
    },
    /// An IV not greater than the last one used with the same key, where that matters (D10, D26). `E_INVALIDARG`.
    #[error("the IV is not greater than the last one used with this key")]
    IvNotIncreasing,
    /// A content key that is no 16-byte wrap, and no host function to unwrap it (D28). `E_INVALIDARG`.
    #[error("a content key of {0} bytes needs the host's unwrap_key function, and there is none or it refused")]
    UnsupportedContentKey(usize),
    /// A key exchange type index at or past the count (D27). `E_INVALIDARG`.
    #[error("key exchange type index {index} is out of range; there are {count}")]
    BadKeyExchangeIndex {
        /// The index asked for.
        index: u32,
        /// How many there are.
        count: u32,
    },

    // Bad input from the peer.
    /// The key exchange message did not decrypt to a 16-byte key. Says no more, by intention (D22). `E_INVALIDARG`.
    #[error("the key exchange failed")]
    KeyExchangeFailed,

    // Not offered.
    /// Crypto type, decode profile or key exchange type is not supported. `D3DERR_UNSUPPORTEDCRYPTO`.
    #[error("this crypto type, decode profile or key exchange type is not supported")]
    UnsupportedCrypto,
    /// The call needs a capability that the profile does not report. `E_NOTIMPL`.
    #[error("the capability profile does not report {0}")]
    NotOffered(Capability),
    /// While protection is enforced, the clear side of a blit must be a protected resource (D19).
    /// `D3DERR_CANNOTPROTECTCONTENT`.
    #[error("protection is enforced and the {0} is not a protected resource")]
    NotProtected(&'static str),
    /// While protection is enforced, a protected resource cannot be mapped or copied out (D19).
    /// `D3DERR_CANNOTPROTECTCONTENT`.
    #[error("protection is enforced and the resource is protected")]
    ProtectedAccess,

    // Resources.
    /// The protected-memory budget would be exceeded (D24). `E_OUTOFMEMORY`.
    #[error("{requested} bytes of protected memory asked for, {available} available")]
    ProtectedMemoryExhausted {
        /// Bytes asked for.
        requested: u64,
        /// Bytes left in the budget.
        available: u64,
    },
    /// No more handles can be given out. `E_OUTOFMEMORY`.
    #[error("too many live objects")]
    TooManyObjects,
    /// Every IV of this key has been used (D11). `E_FAIL`.
    #[error("all IVs of this key are used up; get a new key")]
    IvExhausted,
    /// The provider's random generator failed. `E_FAIL`.
    #[error("the random number generator failed")]
    RandomFailed,

    // Set-up.
    /// The identity's certificates or key cannot be used. `E_FAIL`.
    #[error("identity {}: {reason}", origin(path))]
    Identity {
        /// File or directory; empty for an identity made in memory.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// The configuration cannot be used. `E_INVALIDARG`.
    #[error("configuration: {0}")]
    Config(#[from] crate::config::ConfigError),
}

/// The name of an identity's file, or where it comes from when it has none.
fn origin(path: &Path) -> String {
    if path.as_os_str().is_empty() { "made in memory".to_owned() } else { path.display().to_string() }
}
