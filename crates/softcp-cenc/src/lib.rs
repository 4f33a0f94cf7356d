//! Common Encryption (ISO/IEC 23001-7) MP4 files: where the samples are and how each is encrypted.
//!
//! ```text
//!                    ┌───────────── pieces, in file order ─────────────┐
//!  encrypted file ──▶│ Copy │ Rewritten │ Copy │ Sample │ Sample │ Copy │──▶ clear file of the same length
//!                    └──────────────────────────────────────────────────┘
//!                      as it is  new bytes          to be decrypted
//! ```
//!
//! This crate reads metadata and does no cryptography. It finds every sample of an MP4 file (ISO/IEC 14496-12), plain
//! or fragmented, with key, initialization vector, subsamples and pattern, and rewrites the metadata so that they
//! describe the clear samples. Nothing in the file moves: a sample entry `encv` gets back its original type, and
//! boxes that are no longer true (`sinf`, `pssh`, `senc`, `saiz`, `saio`, the `seig` sample groups) become `free`
//! boxes of the same size. So a clear file comes out in one forward pass, and all offsets stay right.
//!
//! ```
//! use std::io::{Read, Seek, Write};
//! use softcp_cenc::{Movie, Piece, Selection};
//!
//! fn decrypt(
//!     mut input: impl Read,
//!     metadata: impl Read + Seek, // a second handle of the same file
//!     mut output: impl Write,
//!     cipher: impl Fn(&softcp_cenc::SampleEncryption, &mut [u8]),
//! ) -> Result<(), Box<dyn std::error::Error>> {
//!     let movie = Movie::open(metadata)?;
//!     let mut buffer = Vec::new();
//!     for piece in movie.into_pieces(&Selection::All)? {
//!         let piece = piece?;
//!         buffer.resize(usize::try_from(piece.len())?, 0);
//!         input.read_exact(&mut buffer)?;
//!         match piece {
//!             Piece::Copy { .. } => {}
//!             Piece::Rewritten { bytes, .. } => buffer = bytes,
//!             Piece::Sample(sample) => {
//!                 if let Some(encryption) = &sample.encryption {
//!                     for run in encryption.encrypted_runs(sample.len) {
//!                         cipher(encryption, &mut buffer[run]);
//!                     }
//!                 }
//!             }
//!         }
//!         output.write_all(&buffer)?;
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # What is read
//!
//! Progressive files (`moov` before or after the media data, tracks interleaved, chunks in any order) and fragmented
//! ones; several `moov` boxes; 64-bit sizes and offsets; several sample entries per track, clear and protected; the
//! schemes `cenc`, `cens`, `cbc1`, `cbcs` and `piff`; `tenc` versions 0 and 1, constant initialization vectors, key
//! rotation by `seig` groups (`sbgp` and `csgp`); auxiliary information in `senc` (in `stbl`, `trak` or `traf`, or the
//! PIFF form) or where `saiz` and `saio` point. Samples of a fragment may lie in front of it.
//!
//! What is odd and does not keep samples from being found is a [`Note`]. A file that ends too early is read as far as it
//! goes with [`Options::partial`].
//!
//! # What is refused
//!
//! Several keys per sample (`senc` of version 1). Samples that share bytes in part, lie outside of the media data or are
//! more than the file has bytes; boxes that do not fit their container. Every [`Error`] says which box or sample and
//! where, and by its [class](Error::class) whose fault it is.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod auxiliary;
mod error;
mod file_kind;
mod fourcc;
mod fragment;
mod header;
mod key_system;
mod meta;
mod movie;
mod note;
mod pass;
mod pieces;
mod protection;
mod rewrite;
mod run;
mod sample;
mod sample_entry;
mod sample_group;
mod sample_size;
mod sample_table;
mod shorten;
mod source;
mod syntax;
#[cfg(test)]
mod testing;
mod track;

pub use error::{BoxDefect, Error, ErrorClass, SampleDefect};
pub use file_kind::FileKind;
pub use fourcc::FourCc;
pub use key_system::SystemHeader;
pub use movie::{Limits, Movie, Options, Selection};
pub use note::{Note, NoteKind};
pub use pieces::{Piece, Pieces};
pub use protection::{Algorithm, KeyId, Pattern, Scheme};
pub use sample::{EncryptedRuns, Ranges, Sample, SampleEncryption, Subsample};
pub use sample_entry::{Protection, SampleEntry};
pub use syntax::{Evidence, Syntax};
pub use track::Track;
