//! The application's half of Direct3D 11.1 content protection.
//!
//! A driver that protects video offers *crypto sessions*: the application checks the driver's certificate, sends it a
//! session key, and from then on hands it enciphered buffers and reads enciphered surfaces back. And it offers
//! *authenticated channels*, over which the application switches protection on and asks what the driver does, in
//! messages that nobody between the two can change or replay. This crate is everything the application computes on
//! its side of these conversations. It calls no driver: it takes the bytes a driver returned and gives the bytes to
//! pass on.
//!
//! ```text
//!       the application, with this crate               the driver
//!       --------------------------------               ----------
//!       a channel first
//!                                                      CreateAuthenticatedChannel: handle
//!       CertificateChain::parse          <---------    GetCertificate of the channel's type
//!       CertificateChain::verify
//!       KeyExchange::new                 --------->    NegotiateAuthenticatedChannelKeyExchange
//!       ClientChannel::new
//!       command(Initialize)              --------->    ConfigureAuthenticatedChannel
//!       open_command_answer              <---------      signed answer
//!       query(ChannelType)               --------->    QueryAuthenticatedChannel
//!       open_query_answer                <---------      signed answer: the type asked for?
//!       command(Protection), ...         --------->    ConfigureAuthenticatedChannel
//!
//!       then sessions
//!       CertificateChain::parse          <---------    GetCertificate of the crypto type
//!       CertificateChain::verify
//!       ClientSession::negotiate         --------->    NegotiateCryptoSessionKeyExchange
//!       command(CryptoSession)           --------->    ConfigureAuthenticatedChannel: for this decoder
//!
//!       wrap_content_key                 --------->    DecryptionBlt: content key,
//!       IvSequence, DataCipher           --------->      IV, enciphered buffer
//!
//!       start_refresh                    <---------    StartSessionKeyRefresh: random number
//!       finish_refresh                   --------->    FinishSessionKeyRefresh
//!
//!       read_back_key                    <---------    GetEncryptionBltKey: wrapped key
//!       DataCipher::decrypt_rows         <---------    EncryptionBlt: IV, enciphered surface
//! ```
//!
//! # A session from end to end
//!
//! ```
//! # use std::time::Duration;
//! use softcp_client::{CertificateChain, ClientSession, ContentKey, IvSequence, SystemRandom, TrustAnchors, UnixTime};
//!
//! # const CERTIFICATE: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/chain.p7b"));
//! # const ROOT: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/root.pem"));
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let now = UnixTime::since_unix_epoch(Duration::from_secs(1_800_000_000));
//! // `CERTIFICATE` is what the driver's GetCertificate wrote, `ROOT` the PEM file of the root the application trusts.
//! let roots = TrustAnchors::from_pem(ROOT)?;
//! let driver = CertificateChain::parse(CERTIFICATE)?.verify(&roots, now)?;
//!
//! // `message` goes to NegotiateCryptoSessionKeyExchange.
//! let (mut session, message) = ClientSession::negotiate(&driver, &SystemRandom)?;
//! assert_eq!(message.as_bytes().len(), 256);
//!
//! // One buffer for DecryptionBlt: the wrapped content key, the IV and the enciphered bytes.
//! let content_key = ContentKey::generate(&SystemRandom)?;
//! let cipher = content_key.data_cipher();
//! let mut ivs = IvSequence::new(&SystemRandom)?;
//! let mut buffer = *b"sixteen or more bytes of a frame";
//! let iv = ivs.next_iv()?;
//! cipher.encrypt(iv, &mut buffer);
//! let wrapped = session.wrap_content_key(&content_key);
//!
//! // The driver's random number from StartSessionKeyRefresh; the old key stays in force until `finish_refresh`.
//! let number = [0x5a; 16];
//! session.start_refresh(number);
//! assert_eq!(session.wrap_content_key(&content_key), wrapped);
//! session.finish_refresh()?;
//! assert_ne!(session.wrap_content_key(&content_key), wrapped);
//! # Ok(())
//! # }
//! ```
//!
//! # A channel
//!
//! ```
//! # use std::time::Duration;
//! use softcp_client::{AnswerError, ChannelError, ClientChannel, Command, KeyExchange, Query, SystemRandom};
//! # use softcp_client::{CertificateChain, TrustAnchors, UnixTime};
//!
//! # const CERTIFICATE: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/chain.p7b"));
//! # const ROOT: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/root.pem"));
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let now = UnixTime::since_unix_epoch(Duration::from_secs(1_800_000_000));
//! # let driver = CertificateChain::parse(CERTIFICATE)?.verify(&TrustAnchors::from_pem(ROOT)?, now)?;
//! # let handle = 0x1234;
//! // `driver` is the accepted certificate of the channel's type, `handle` what CreateAuthenticatedChannel wrote.
//! let exchange = KeyExchange::new(&driver, &SystemRandom)?;
//! // ... NegotiateAuthenticatedChannelKeyExchange with exchange.message().as_bytes() ...
//! let mut channel = ClientChannel::new(exchange, handle, &SystemRandom)?;
//! assert_eq!(channel.query(Query::ChannelType).unwrap_err(), ChannelError::NotInitialized);
//!
//! let message = channel.command(Command::Initialize)?;
//! let output = vec![0; message.answer_size()];
//! // ... ConfigureAuthenticatedChannel with message.bytes() and output ...
//! let opened = channel.open_command_answer(&message, &output);
//! // Here no driver has signed it, so nothing of it is believed.
//! assert_eq!(opened, Err(AnswerError::NotAuthentic));
//! # Ok(())
//! # }
//! ```
//!
//! # Samples for decoders
//!
//! [`SampleCipher`] encrypts samples in the four schemes of Common Encryption (`cenc`, `cens`, `cbc1`, `cbcs`), with
//! subsamples and stripes, as a decoder's buffers take them; [`Scheme`] says what to create the decoder with.
//!
//! # A secure environment
//!
//! [`clear_key`] has the messages by which keys come from a licence, as sealed keys, and not from the application.
//!
//! # Independence
//!
//! This crate shares no code with the driver's side, so that each checks the other: it has its own certificate
//! reader, its own key types, its own AES and CMAC (the `aes`, `ctr` and `cmac` crates of `RustCrypto`) and its own
//! messages. RSA, SHA-256 and random numbers come from AWS-LC. What both sides have in common is the contract: the
//! structures and constants of `softcp-abi`, which hold no code.
//!
//! # Numbers in the documentation
//!
//! `D1` to `D30` are this project's recorded decisions on questions that the Direct3D reference leaves open.

#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion"))]

mod certificate;
mod chain;
mod channel;
mod cipher;
pub mod clear_key;
mod iv;
mod key_exchange;
mod keys;
mod pattern;
mod random;
mod revocation;
mod rows;
mod sample;
mod session;
mod signed_data;
mod trust;

pub use certificate::{Certificate, CertificateDescription};
pub use chain::{CertificateChain, CertificateError};
pub use channel::{
    Accessibility, Answer, AnswerError, BusType, ChannelError, ChannelMessage, ChannelType, ClientChannel, Command,
    Process, ProtectionFlags, Query,
};
pub use cipher::{CipherStream, DataCipher};
pub use iv::{AesCtrIv, IvError, IvSequence};
pub use key_exchange::{KeyExchange, KeyExchangeError, KeyExchangeMessage};
pub use keys::{ContentKey, KEY_SIZE, ReadBackKey, WrappedContentKey};
pub use pattern::EncryptedBlockInfo;
pub use random::{FixedRandom, Random, RandomError, SystemRandom};
pub use revocation::{RevocationList, RevocationListError};
pub use rows::{RowsError, RowsMut};
pub use rustls_pki_types::UnixTime;
pub use sample::{SampleCipher, SampleError, Scheme, Stripes, Subsample};
pub use session::{ClientSession, SessionError};
pub use softcp_abi::GUID;
pub use trust::{ChainError, TrustAnchorError, TrustAnchors, UnverifiedCertificate, VerifiedCertificate};
