//! A protected player without a screen: Common Encryption files through a driver's protected path.
//!
//! ```text
//!  softcp-cenc: pieces of the file                         softcp-runtime: the driver's table
//!    ProtectedDevice (one per file)
//!      authenticated channel, PROTECTION on
//!    Copy, Rewritten ───────────────────────────────▶ output
//!    Sample ──▶ ProtectedPath (one per track)            ▲
//!                 certificate check, key exchange        │
//!                 CONFIGURE_CRYPTO_SESSION: decoder      │
//!                 content keys by KID: wrapped, or       │ opened with the read-back key
//!                   sealed, from a licence               │
//!                 staging ── DecryptionBlt ──▶ protected ── EncryptionBlt ──▶ read-back
//!                 session key refresh every N samples
//!    ProtectedDevice: PROTECTION off
//! ```
//!
//! [`decrypt`] turns an encrypted MP4 file into a clear one. [`ProtectedPath`] is the part that a player needs: it takes
//! encrypted samples of one stream and gives clear ones. Neither does AES on its own: every encrypted byte of the file
//! goes through the driver, reached only by its function table. What the application deciphers is the driver's own
//! output: under protection that leaves the driver only as `EncryptionBlt` writes it, and is opened with the read-back
//! key, on a second thread that also writes the file. [`Protection::Without`] is for drivers without channels: their output is read where it lies.
//!
//! Content keys are given by the application ([`KeyMap`]) or come from a clear key licence ([`LicensedKeys`]): then the
//! driver's secure environment has the keys, and the application passes sealed ones on. Keys that the driver loses on the
//! way, by a teardown, are set up anew, and the blit is repeated: no sample is lost. With [`DecryptOptions::restarts`] a
//! player also survives what a new key does not mend, as a device that is removed: everything is opened anew, and the next
//! sample goes on where the last one ended. Each [`Incident`] is in the report.
//!
//! [`ProtectedDevice`] is the start-up of a protected player and its end, [`PlayerChannel`] the channel that it talks
//! over, and [`OpenSession`] a session with both its halves.
//!
//! # Example
//!
//! ```no_run
//! use softcp_player::{DecryptOptions, Trust, decrypt};
//! use softcp_runtime::Driver;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let driver = Driver::load("libsoftcp.so", "")?;
//! let mut options = DecryptOptions::new("in.mp4", "out.mp4", Trust::root_file("root.pem")?);
//! options.keys.insert_text("00112233445566778899aabbccddeeff:0123456789abcdef0123456789abcdef")?;
//! let report = decrypt(&driver, &options, &mut |_| {})?;
//! println!("{} samples, {} refreshes", report.samples, report.refreshes);
//! # Ok(())
//! # }
//! ```
//!
//! Numbers as D12 name entries of the project's list of decisions on questions that the reference leaves open.

#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion"))]

mod channel;
mod decrypt;
mod error;
mod incident;
mod info;
mod input;
mod key_text;
mod key_watch;
mod keys;
mod licence;
mod output;
mod pass;
mod path;
mod plan;
mod protected;
mod report;
mod scan;
mod session;
mod source;
mod stream;
mod survey;
mod trial;
mod trust;

pub use channel::{ChannelFailure, MessageCounts, PlayerChannel};
pub use decrypt::{DecryptOptions, Progress, Sink, check_output, decrypt, decrypt_from_to};
pub use error::{DecryptError, WantedKey};
pub use incident::{Incident, Remedy};
pub use info::{FileInfo, KeySystemInfo, TrackDecryption, TrackInfo, info};
pub use key_text::{KeyTextError, KidText};
pub use keys::{ContentKeys, KeyMap};
pub use licence::{LicenceFailure, LicensedKeys};
pub use path::{CipherModes, PathError, PathOptions, PathStatistics, ProtectedPath, SampleError};
pub use plan::CensTail;
pub use protected::{Binding, ProtectedDevice, Protection};
pub use report::{ChannelReport, DecryptReport, FileNote, LicenceReport, TrackReport, WrongKey};
pub use session::OpenSession;
pub use softcp_cenc::KeyId;
pub use softcp_client::ContentKey;
pub use softcp_client::clear_key::{Licence, LicenceError, LicenceKind};
pub use source::{InitSegment, Source};
pub use survey::{
    AnswerValue, ChannelCertificate, ChannelSurvey, HandleValue, Message, Outcome, Parameter, ParameterValue,
    SurveyOptions, survey,
};
pub use trust::{Trust, TrustError};
