//! AES-128 copy kernels, CTR and CBC: from source rows to destination rows.
//!
//! ```text
//!  Key ──▶ Keystream::new(counter block) ──▶ copy / in_place / apply ──▶ destination rows
//!                                                  ▲
//!  source rows (any pitch), range of visible bytes ┘
//!
//!  DecryptionKey ──▶ CbcDecryption::new(IV, chain, pattern) ──▶ copy / in_place ──▶ destination planes
//!                                                                     ▲
//!  source planes, regions of the sample that they hold ───────────────┘
//! ```
//!
//! A surface is a set of rows ([`Rows`], [`RowsMut`]); its *visible bytes* are the bytes of its rows, row after row, without the
//! padding between them, numbered from 0 (D9). One call encrypts one range of them; the next call goes on in the keystream
//! where the last one ended, also inside a block, so bytes left out in between cost no keystream (D6). Bytes that are not
//! encrypted are copied with [`copy()`].
//!
//! The schemes of Common Encryption (ISO/IEC 23001-7) encrypt regions of a sample, all of each or in a [`Pattern`] of blocks:
//! [`CbcDecryption`] decrypts `cbc1` and `cbcs`, [`Keystream::copy_regions`] `cens`. Regions run over the visible bytes of all
//! planes; a block may go over the end of a row.
//!
//! In counter mode encryption and decryption are the same operation. Time depends only on sizes, never on data or keys, and nothing here
//! allocates, but [`Workers`] when they start threads. The fastest [`Kernel`] that the processor has is chosen at run time.
//!
//! Intrinsics are behind values that exist only where the processor has them (`kernel/engine.rs`), so that the `unsafe` code is
//! single instructions, and the lifetime of a job that threads share (`workers.rs`).
//!
//! ```
//! use softcp_aes::{Key, Keystream, Rows, RowsMut};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = Key::new(&[7; 16]);
//! let clear = [1; 6];
//!
//! // Two rows of three bytes: packed in the source, four bytes apart in the destination.
//! let mut pitched = [0; 7];
//! let source = Rows::new(&clear, 3, 3, 2)?;
//! let mut destination = RowsMut::new(&mut pitched, 4, 3, 2)?;
//! Keystream::new(&key, [0; 16]).copy(&source, &mut destination, 0..6)?;
//! Keystream::new(&key, [0; 16]).in_place(&mut destination, 0..6)?;
//! assert_eq!(pitched, [1, 1, 1, 0, 1, 1, 1]);
//! # Ok(())
//! # }
//! ```

#![deny(missing_docs)]

mod caches;
mod cbc;
mod copy;
mod counter;
mod decryption_key;
mod kernel;
mod key;
mod keystream;
mod parts;
mod region;
mod row_iter;
mod rows;
mod schedule;
mod section;
mod workers;

pub use cbc::CbcDecryption;
pub use copy::{CopyError, copy};
pub use decryption_key::DecryptionKey;
pub use kernel::Kernel;
pub use key::Key;
pub use keystream::Keystream;
pub use region::{Alternation, Chain, Pattern, Region};
pub use row_iter::Run;
pub use rows::{Rows, RowsError, RowsMut};
pub use workers::Workers;

/// Size of an AES block, of a key and of a counter block, in bytes.
pub const BLOCK: usize = 16;
