//! What can go wrong in the engine, sorted by whose fault it is.
//!
//! Each variant is one cause. [`Error::hresult`] is the only place where errors become HRESULTs, which the answers of an
//! authenticated channel carry too; its match has no catch-all arm, so a new variant cannot be forgotten there.

use std::path::{Path, PathBuf};

use softcp_abi::{
    D3DDDIERR_DEVICEREMOVED, D3DERR_CANNOTPROTECTCONTENT, D3DERR_INVALIDCALL, D3DERR_UNSUPPORTEDCRYPTO, E_FAIL,
    E_INVALIDARG, E_NOTIMPL, E_OUTOFMEMORY, GUID, HRESULT,
};

use crate::capability::Capability;
use crate::faults::FaultError;
use crate::secure::EnvironmentError;

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
    /// A teardown came with this call, by a fault on purpose, and took the session's key, with `content` the protected
    /// content too (D23). What is left to do is what a teardown of the hardware does beyond this session, when the session
    /// is not locked any more: [`Device::torn_down`](crate::Device::torn_down), which tells the observers too.
    /// `D3DERR_INVALIDCALL`.
    #[error("a teardown came with this call and the session key was lost; negotiate a new key exchange")]
    TornDown {
        /// Whether the protected content is lost too.
        content: bool,
    },
    /// `FinishSessionKeyRefresh` without a `StartSessionKeyRefresh` before it (D3). `D3DERR_INVALIDCALL`.
    #[error("no session key refresh is pending; start one first")]
    NoRefreshPending,
    /// `EncryptionBlt` before `GetEncryptionBltKey` while a separate read-back key is reported (D12).
    /// `D3DERR_INVALIDCALL`.
    #[error("the session has no read-back key yet; call GetEncryptionBltKey first")]
    NoReadBackKey,
    /// A key exchange, blit, refresh or read-back key on a session of the `HW_PROTECTION` key exchange, which only
    /// carries commands to the secure environment. `D3DERR_INVALIDCALL` (D79).
    #[error("the session carries commands to the secure environment and nothing else")]
    CommandSession,
    /// A command to the secure environment on a session of another key exchange. `D3DERR_INVALIDCALL` (D79).
    #[error("commands to the secure environment need a session of the HW_PROTECTION key exchange")]
    NoCommandSession,
    /// A hardware key for a session of the RSA key exchange. `D3DERR_INVALIDCALL`.
    #[error("the session's key comes from an RSA key exchange, not from the secure environment")]
    NoHardwareKey,

    /// A frame that needs a session on a decoder to which none is bound. `D3DERR_INVALIDCALL`.
    #[error("no session is bound to the decoder; bind one over an authenticated channel")]
    NoDecoderSession,
    /// A frame begun while another is not ended. `D3DERR_INVALIDCALL` (D74).
    #[error("the decoder is in a frame; end it first")]
    FrameInProgress,
    /// A buffer, or the end of a frame, without a frame. `D3DERR_INVALIDCALL` (D74).
    #[error("the decoder is in no frame; begin one first")]
    NoFrame,

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
    BadSurface(#[from] softcp_aes::RowsError),
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
    /// An IV that is not greater than those of keys which the session has forgotten, under a key that it does not remember
    /// (D31). `E_INVALIDARG`.
    #[error(
        "the IV is not greater than those of keys that the session has forgotten, of which this may be one; refresh the \
         session key, negotiate a new one, or use greater IVs"
    )]
    IvOfForgottenKey,
    /// A buffer is larger than the protocol lets it be (D34). `E_INVALIDARG`.
    #[error("{what} may be {limit} bytes at most, not {given}")]
    TooLarge {
        /// The buffer.
        what: &'static str,
        /// The most bytes it may have.
        limit: usize,
        /// The size it had, in bytes.
        given: usize,
    },
    /// Subsamples that do not add up to the size of the buffer. `E_INVALIDARG`.
    #[error("the subsamples cover {covered} bytes of a buffer of {bytes}")]
    SubsamplesMismatch {
        /// The sum of all sizes in bytes.
        covered: u128,
        /// The size of the buffer in bytes.
        bytes: usize,
    },
    /// An IV for a buffer that cannot be encrypted: of a decoder created without encryption, or, where only slice data is
    /// encrypted, of another type than bitstream. `E_INVALIDARG` (D66, D75).
    #[error("a buffer of type {buffer_type} cannot be encrypted here")]
    BufferNotEncryptable {
        /// `D3D11_VIDEO_DECODER_BUFFER_TYPE`.
        buffer_type: u32,
    },
    /// Stripes without encrypted blocks, or without clear ones (D64). `E_INVALIDARG`.
    #[error("stripes of {encrypted} encrypted and {clear} clear blocks: both counts are 0, or neither is")]
    OneSidedStripes {
        /// `cBlocksStripeEncrypted`.
        encrypted: u32,
        /// `cBlocksStripeClear`.
        clear: u32,
    },
    /// A pattern of encrypted and clear bytes for a buffer of another scheme than `cenc` (D68). `E_INVALIDARG`.
    #[error("a byte pattern belongs to AES-CTR without stripes; use subsamples for this buffer")]
    PatternOutsideCenc,
    /// A buffer of a type that the API does not define. `E_INVALIDARG`.
    #[error("{buffer_type} is not a type of decoder buffer; the types are 0 to 8")]
    UnknownBufferType {
        /// `D3D11_VIDEO_DECODER_BUFFER_TYPE`.
        buffer_type: u32,
    },
    /// A content key that is no 16-byte wrap, and no host function to unwrap it (D28). `E_INVALIDARG`.
    #[error("a content key of {0} bytes needs the host's unwrap_key function, and there is none or it refused")]
    UnsupportedContentKey(usize),
    /// An index at or past the count, as of key exchange types (D27). `E_INVALIDARG`.
    #[error("{what} index {index} is out of range; there are {count}")]
    BadIndex {
        /// What was to be found.
        what: &'static str,
        /// The index asked for.
        index: u32,
        /// How many there are.
        count: u32,
    },
    /// An authenticated channel of a type that a driver does not have. `E_INVALIDARG`.
    #[error("{0} is no authenticated channel type of a driver; 2 (software) and 3 (hardware) are")]
    BadChannelType(u32),

    // Bad messages on an authenticated channel.
    /// A message, or the output for its answer, that cannot hold what it must (D14, D15). `E_INVALIDARG`.
    #[error("{what} must be at least {needed} bytes, not {given}")]
    MessageTooShort {
        /// The buffer.
        what: &'static str,
        /// The size it must at least have, in bytes.
        needed: usize,
        /// The size it had, in bytes.
        given: usize,
    },
    /// The OMAC of a command is wrong. Says no more, by intention. `E_INVALIDARG`.
    #[error("the message is not authentic")]
    NotAuthentic,
    /// No key exchange has succeeded on this channel yet. `E_INVALIDARG`.
    #[error("the channel has no key yet; negotiate the key exchange first")]
    NoChannelKey,
    /// The channel handle in the message is another one. `E_INVALIDARG`.
    #[error("the message carries another channel's handle")]
    WrongChannel,
    /// A message before INITIALIZE. `E_INVALIDARG`.
    #[error("the channel is not initialised; send INITIALIZE first")]
    ChannelNotInitialized,
    /// A second INITIALIZE (D16). `E_INVALIDARG`.
    #[error("the channel is initialised already; sequence numbers never go back")]
    ChannelAlreadyInitialized,
    /// A sequence number that has been used or passed over. `E_INVALIDARG`.
    #[error("sequence number {given} is too small; the next is {least} or greater")]
    SequenceNotGreater {
        /// The number of the message.
        given: u32,
        /// The least number that is still allowed.
        least: u32,
    },
    /// Number 0xFFFFFFFF of the sequence has been used (D18). `E_INVALIDARG`.
    #[error("the sequence numbers are used up; create a new channel")]
    SequenceExhausted,
    /// The command's GUID is unknown. `E_FAIL`.
    #[error("{0} is no known command")]
    UnknownCommand(GUID),
    /// The query's GUID is unknown. `E_FAIL`.
    #[error("{0} is no known query")]
    UnknownQuery(GUID),
    /// Protection flags with unknown bits. `E_INVALIDARG`.
    #[error("protection flags {0:#x} hold unknown bits")]
    BadProtectionFlags(u32),
    /// A process that is neither the desktop window manager nor named by a handle. `E_INVALIDARG`.
    #[error("process type {0} cannot be allowed; 1 (DWM) and 2 (handle) can")]
    BadProcessType(u32),
    /// An encryption that is not among those offered. `E_INVALIDARG`.
    #[error("encryption {0} is not offered for accessible content")]
    UnsupportedEncryption(GUID),
    /// What this would take away has been set by another channel, or by the host. `E_INVALIDARG` (D91).
    #[error("{0} was set by another channel or by the host")]
    HeldByAnother(&'static str),

    /// The host was asked for the outputs that show the device's images, and its answer cannot be used (D35). `E_FAIL`.
    #[error("the host's outputs cannot be told: it names more than there is room for, or fails")]
    OutputsUnavailable,

    // Bad input from the peer.
    /// The key exchange message did not decrypt to a 16-byte key. Says no more, by intention (D22). `E_INVALIDARG`.
    #[error("the key exchange failed")]
    KeyExchangeFailed,

    // The secure environment.
    /// It refuses a key. The HRESULT is [`EnvironmentError::hresult`].
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// A sealed key that it does not open. The HRESULT is [`EnvironmentError::hresult`], except that an environment that is
    /// not provisioned opens no key at all, which is `E_INVALIDARG` as without one (D28, D73).
    #[error("the sealed key was not opened: {0}")]
    SealedKey(EnvironmentError),

    // Not offered.
    /// Crypto type, decode profile or key exchange type is not supported. `D3DERR_UNSUPPORTEDCRYPTO`.
    #[error("this crypto type, decode profile or key exchange type is not supported")]
    UnsupportedCrypto,
    /// The call needs a capability that the profile does not report. `E_NOTIMPL` (D45).
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
    /// The device is gone; what still works on it is in D36. `D3DDDIERR_DEVICEREMOVED`.
    #[error("the device was removed; make a new one")]
    DeviceRemoved,
    /// There is no memory, by a fault on purpose. `E_OUTOFMEMORY`.
    #[error("out of memory")]
    OutOfMemory,
    /// The driver does not refresh the key now, by a fault on purpose; the key in force stays. `E_FAIL`.
    #[error("the session key refresh was refused; the key in force stays")]
    RefreshRefused,
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
    /// A fault on purpose cannot be set or cleared. The HRESULT is [`FaultError::hresult`].
    #[error(transparent)]
    Fault(#[from] FaultError),
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

impl Error {
    /// The HRESULT by which callers of the C functions and of the DDI know this error, and which a signed answer carries.
    #[must_use]
    pub fn hresult(&self) -> HRESULT {
        match self {
            Self::NoSessionKey
            | Self::KeyLost
            | Self::TornDown { .. }
            | Self::NoRefreshPending
            | Self::NoReadBackKey
            | Self::CommandSession
            | Self::NoCommandSession
            | Self::NoHardwareKey
            | Self::NoDecoderSession
            | Self::FrameInProgress
            | Self::NoFrame => D3DERR_INVALIDCALL,
            Self::BadHandle { .. }
            | Self::WrongSize { .. }
            | Self::SizeMismatch
            | Self::FormatMismatch { .. }
            | Self::Multisampled
            | Self::BadSurface(_)
            | Self::BadPlaneCount(_)
            | Self::UnalignedPattern { .. }
            | Self::IvNotIncreasing
            | Self::IvOfForgottenKey
            | Self::TooLarge { .. }
            | Self::SubsamplesMismatch { .. }
            | Self::BufferNotEncryptable { .. }
            | Self::OneSidedStripes { .. }
            | Self::PatternOutsideCenc
            | Self::UnknownBufferType { .. }
            | Self::UnsupportedContentKey(_)
            | Self::BadIndex { .. }
            | Self::BadChannelType(_)
            | Self::MessageTooShort { .. }
            | Self::NotAuthentic
            | Self::NoChannelKey
            | Self::WrongChannel
            | Self::ChannelNotInitialized
            | Self::ChannelAlreadyInitialized
            | Self::SequenceNotGreater { .. }
            | Self::SequenceExhausted
            | Self::BadProtectionFlags(_)
            | Self::BadProcessType(_)
            | Self::UnsupportedEncryption(_)
            | Self::HeldByAnother(_)
            | Self::KeyExchangeFailed
            | Self::SealedKey(EnvironmentError::NotProvisioned)
            | Self::Config(_) => E_INVALIDARG,
            Self::Environment(error) | Self::SealedKey(error) => error.hresult(),
            Self::UnsupportedCrypto => D3DERR_UNSUPPORTEDCRYPTO,
            Self::NotOffered(_) => E_NOTIMPL,
            Self::NotProtected(_) | Self::ProtectedAccess => D3DERR_CANNOTPROTECTCONTENT,
            Self::ProtectedMemoryExhausted { .. } | Self::TooManyObjects | Self::OutOfMemory => E_OUTOFMEMORY,
            Self::DeviceRemoved => D3DDDIERR_DEVICEREMOVED,
            Self::Fault(error) => error.hresult(),
            Self::UnknownCommand(_)
            | Self::UnknownQuery(_)
            | Self::IvExhausted
            | Self::OutputsUnavailable
            | Self::RandomFailed
            | Self::RefreshRefused
            | Self::Identity { .. } => E_FAIL,
        }
    }
}

/// The name of an identity's file, or where it comes from when it has none.
fn origin(path: &Path) -> String {
    if path.as_os_str().is_empty() { "made in memory".to_owned() } else { path.display().to_string() }
}
