//! A protected player without a screen: Common Encryption files through a driver's protected path.
//!
//! ```text
//!  softcp-cenc: pieces of the file                         softcp-runtime: the driver's table
//!    Copy, Rewritten ───────────────────────────────▶ output
//!    Sample ──▶ ProtectedPath (one per track)            ▲
//!                 certificate check, key exchange        │
//!                 content keys wrapped by KID            │
//!                 staging ── DecryptionBlt ──▶ destination
//!                 session key refresh every N samples
//! ```
//!
//! [`decrypt`] turns an encrypted MP4 file into a clear one. [`ProtectedPath`] is the part that a player needs: it takes
//! encrypted samples of one stream and gives clear ones. Neither does AES on its own: every encrypted byte goes through
//! the driver, reached only by its function table. The one exception is a driver that keeps its output protected at all
//! times: there a sample is read back with `EncryptionBlt` and opened with the read-back key.
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
mod input;
mod keys;
mod output;
mod path;
mod report;
mod survey;
mod trust;

pub use channel::{ChannelFailure, MessageCounts, PlayerChannel};
pub use decrypt::{DecryptOptions, Progress, decrypt};
pub use error::DecryptError;
pub use keys::{KeyMap, KeyTextError, KidText};
pub use path::{PathError, PathOptions, PathStatistics, ProtectedPath, SampleError};
pub use report::{DecryptReport, TrackReport};
pub use softcp_cenc::KeyId;
pub use softcp_client::ContentKey;
pub use survey::{
    AnswerValue, ChannelCertificate, ChannelSurvey, HandleValue, Message, Outcome, Parameter, ParameterValue,
    SurveyOptions, survey,
};
pub use trust::{Trust, TrustError};
