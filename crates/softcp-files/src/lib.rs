//! Files as a command handles them: outputs appear whole or not at all, inputs are never waited for.
//!
//! ```text
//!  Destination::check ──▶ create ──▶ OutputFile: a file without a name ──▶ commit: linked or renamed into its place
//!   before the work        │          (where the file system has none: a temporary name)
//!                          └─ a pipe, standard output, the null device: written as a stream
//!
//!  remove_temporaries_on_signals: Ctrl-C, SIGTERM, SIGHUP and SIGQUIT remove what has a temporary name, then end the process
//! ```
//!
//! # Outputs
//!
//! A [`Destination`] is found out before the work begins: links are followed, so that the file at their end is replaced
//! and not the link, and what is no regular file is refused. An [`OutputFile`] has no name while it is written (`O_TMPFILE`
//! of Linux), so that nothing is left of it however the process ends. Where the file system cannot do that, the file has a
//! temporary name beside its place; the name is known to [`remove_temporaries_on_signals`].
//!
//! # Inputs
//!
//! [`open_input`] opens regular files and nothing else: opening a pipe would wait for a writer, and devices may have no end.
//! [`read_input`] reads small files, and pipes that somebody writes to, such as `<(command)` of a shell.

#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion"))]

mod destination;
mod input;
mod kind;
mod path_text;
mod private;
mod signals;
mod sparse;
mod temporary;

pub use destination::{Destination, OutputError, OutputFile};
pub use input::{InputError, open_input, read_input};
pub use kind::FileKind;
pub use path_text::{path_text, serialize_optional_path, serialize_path};
pub use private::{check_private, is_own};
pub use signals::remove_temporaries_on_signals;
pub use sparse::{Extent, extent_at, is_sparse};
pub use temporary::TemporaryDirectory;
