//! Structures of crypto sessions and their blits.

use crate::{
    guid::GUID,
    types::{UINT, UINT64},
};

/// What kind of crypto session to create.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D11_1DDIARG_CREATECRYPTOSESSION {
    /// Crypto type, as `D3D11_CRYPTO_TYPE_AES128_CTR`.
    pub CryptoType: GUID,
    /// Decode profile; `GUID_NULL` when the session serves no decoder.
    pub DecodeProfile: GUID,
    /// Key exchange type, as `D3D11_KEY_EXCHANGE_RSAES_OAEP`.
    pub KeyExchangeType: GUID,
}

/// First counter block of AES-128-CTR, 16 bytes that are used as they lie in memory (D5).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D11_AES_CTR_IV {
    /// Initialisation vector: 8 bytes, big-endian in memory.
    pub IV: UINT64,
    /// Block counter: 8 bytes, big-endian in memory, one more for each 16 bytes, without carry into `IV`.
    pub Count: UINT64,
}

/// `D3D11_AES_CTR_IV` by its DDI name.
pub type D3D11_1DDI_AES_CTR_IV = D3D11_AES_CTR_IV;

/// Which bytes of a buffer are encrypted: a beginning, then a repeated pattern (D6, D7, D8).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D11_ENCRYPTED_BLOCK_INFO {
    /// Bytes encrypted at the beginning of the buffer.
    pub NumEncryptedBytesAtBeginning: UINT,
    /// Then, again and again: bytes left clear.
    pub NumBytesInSkipPattern: UINT,
    /// And after them: bytes encrypted.
    pub NumBytesInEncryptPattern: UINT,
}

/// `D3D11_ENCRYPTED_BLOCK_INFO` by its DDI name.
pub type D3D11_1DDI_ENCRYPTED_BLOCK_INFO = D3D11_ENCRYPTED_BLOCK_INFO;

/// Whether a session still has its key and its protected content (D23).
pub type D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS = u32;

/// Key and content are intact.
pub const D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK: D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS = 0;
/// The session key is lost: a new key exchange is needed.
pub const D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_LOST: D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS = 1;
/// The session key and the content of protected resources are lost.
pub const D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST: D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS = 2;

/// `D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS` by its API name.
pub type D3D11_CRYPTO_SESSION_STATUS = D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS;

/// API name of `D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK`.
pub const D3D11_CRYPTO_SESSION_STATUS_OK: D3D11_CRYPTO_SESSION_STATUS = 0;
/// API name of `D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_LOST`.
pub const D3D11_CRYPTO_SESSION_STATUS_KEY_LOST: D3D11_CRYPTO_SESSION_STATUS = 1;
/// API name of `D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST`.
pub const D3D11_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST: D3D11_CRYPTO_SESSION_STATUS = 2;

/// Flags of the multi-threaded key exchange of WDDM 2.4.
pub type D3DWDDM2_4DDI_CRYPTO_SESSION_KEY_EXCHANGE_FLAGS = u32;

/// No flag; the only value defined.
pub const D3DWDDM2_4DDI_CRYPTO_SESSION_KEY_EXCHANGE_FLAG_NONE: D3DWDDM2_4DDI_CRYPTO_SESSION_KEY_EXCHANGE_FLAGS = 0;
