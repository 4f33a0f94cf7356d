//! Why a protected path does not go on.

use std::io;

use softcp_abi::{D3DERR_UNSUPPORTEDCRYPTO, E_INVALIDARG, E_NOTIMPL, HRESULT};
use softcp_cenc::{KeyId, Scheme};
use softcp_client::{CertificateError, ChainError, KeyExchangeError, SessionError};
use softcp_runtime::{DriverError, Error, HResult};

use crate::channel::ChannelFailure;
use crate::key_text::KidText;
use crate::licence::LicenceFailure;

/// Why a path cannot be opened, or broke.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// A call to the driver failed.
    #[error(transparent)]
    Driver(#[from] Error),
    /// The driver does not report a capability that the path needs.
    #[error("the driver does not report {capability}: {why}")]
    NotOffered {
        /// The capability's name without prefix.
        capability: &'static str,
        /// What that means.
        why: &'static str,
    },
    /// The driver has no RSAES-OAEP key exchange.
    #[error("the driver offers no RSAES-OAEP key exchange for AES-128-CTR")]
    NoKeyExchange,
    /// The driver's certificate cannot be read.
    #[error("the driver's certificate cannot be read: {0}")]
    Certificate(#[from] CertificateError),
    /// The driver's certificate is not believed.
    #[error("the driver's certificate is not trusted: {0}")]
    Untrusted(#[from] ChainError),
    /// No key could be made for the driver.
    #[error("no session key could be made: {0}")]
    KeyExchange(#[from] KeyExchangeError),
    /// There is no key for a sample.
    #[error("there is no key with KID {}", KidText(*kid))]
    MissingKey {
        /// The KID.
        kid: KeyId,
    },
    /// The keys of the licence cannot be used.
    #[error(transparent)]
    Licence(#[from] LicenceFailure),
    /// A sample is protected by none of the four schemes of Common Encryption.
    #[error("the sample is protected by '{scheme}', which is none of 'cenc', 'cens', 'cbc1' and 'cbcs'")]
    UnsupportedScheme {
        /// Its scheme.
        scheme: Scheme,
    },
    /// A sample is in a mode of AES that the path was not opened for.
    #[error("the sample is protected by '{scheme}', for which this path was not opened")]
    NotOpenedFor {
        /// Its scheme.
        scheme: Scheme,
    },
    /// The driver's function table lacks what decrypts samples of AES-CBC: `DecryptionBlt` knows AES-CTR alone.
    #[error(
        "the driver cannot decrypt 'cbcs' and 'cbc1': they take a decoder and {entry}, of WDDM 2.4 (sub-devices 6 and 7), \
         and its table is that of sub-device {sub_device_id}"
    )]
    NoStripes {
        /// The entry that is missing.
        entry: &'static str,
        /// The sub-device whose table it is.
        sub_device_id: u32,
    },
    /// The driver makes no decoder whose bitstreams are encrypted in AES-CBC.
    #[error("the driver cannot decrypt 'cbcs' and 'cbc1': it makes no decoder for the CBCS encryption: {0}")]
    NoCbcDecoder(#[source] Error),
    /// Without a channel no session can be bound to a decoder, and a decoder takes a content key from a bound session.
    #[error(
        "'cbcs' and 'cbc1' are decrypted by a decoder, which takes a content key only from a session that an authenticated \
         channel has bound to it: decrypt with a channel, or with a licence"
    )]
    CbcNeedsChannel,
    /// The driver insists on increasing IVs, and those of the file do not increase.
    #[error(
        "the driver takes only increasing IVs (SEQUENTIAL_CTR_IV), and this sample's IV is not greater than the one \
         before under KID {}: the file is fine, use a driver or capability profile without that rule ({refusal})",
        KidText(*kid)
    )]
    IvNotIncreasing {
        /// The KID.
        kid: KeyId,
        /// What the driver said.
        refusal: DriverError,
    },
    /// A mapping of a resource is smaller than the resource.
    #[error("the driver mapped {mapped} bytes of a buffer of {expected}")]
    ShortMapping {
        /// Bytes mapped.
        mapped: usize,
        /// Bytes that the buffer was created with.
        expected: usize,
    },
    /// The session could not be bound to a decoder over the authenticated channel.
    #[error(transparent)]
    Channel(#[from] ChannelFailure),
    /// The random number of a session key refresh is the one of the refresh before: with it, the key before the last
    /// refresh would come back. The key in force stays.
    #[error("the driver gave the random number of the session key refresh before once more")]
    RepeatedRandomNumber,
    /// The application's mirror of the session disagrees with the driver about a refresh.
    #[error(transparent)]
    Mirror(#[from] SessionError),
}

impl PathError {
    /// A decoder of AES-CBC, or an output view for it, could not be made.
    pub(crate) fn of_cbc_decoder(error: Error) -> Self {
        const REFUSALS: [HRESULT; 3] = [E_NOTIMPL, E_INVALIDARG, D3DERR_UNSUPPORTEDCRYPTO];
        match &error {
            Error::MissingEntry { .. } => Self::NoCbcDecoder(error),
            Error::Driver(refusal) if REFUSALS.map(HResult).contains(&refusal.hresult) => Self::NoCbcDecoder(error),
            _ => error.into(),
        }
    }

    /// Whether a new device, channel and session may fare better: the driver failed, or was not believed. What it does
    /// not offer, and what is missing or unsuitable in the file, stays so.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Driver(error) => matches!(error, Error::Driver(_)),
            Self::Channel(failure) => failure.may_pass(),
            Self::Licence(failure) => failure.may_pass(),
            Self::Certificate(_) | Self::Untrusted(_) | Self::KeyExchange(_) | Self::RepeatedRandomNumber => true,
            Self::NotOffered { .. }
            | Self::NoKeyExchange
            | Self::MissingKey { .. }
            | Self::UnsupportedScheme { .. }
            | Self::NotOpenedFor { .. }
            | Self::NoStripes { .. }
            | Self::NoCbcDecoder(_)
            | Self::CbcNeedsChannel
            | Self::IvNotIncreasing { .. }
            | Self::ShortMapping { .. }
            | Self::Mirror(_) => false,
        }
    }
}

/// Why a sample was not decrypted.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// Its bytes could not be read.
    #[error("cannot read the sample: {0}")]
    Read(#[source] io::Error),
    /// Its clear bytes could not be written.
    #[error("cannot write the sample: {0}")]
    Write(#[source] io::Error),
    /// The path broke.
    #[error(transparent)]
    Path(#[from] PathError),
}
