//! A progress bar on standard error: on a terminal, for files that take a while.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Files smaller than this are done before a bar could be read.
const SMALLEST: u64 = 64 << 20;

/// A bar for `total` bytes, which shows nothing when standard error is no terminal or the file is small.
pub(crate) fn bar(total: u64) -> ProgressBar {
    let target = if total < SMALLEST { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let style = ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {binary_bytes_per_sec}, {eta} left")
        .expect("the template is a constant");
    let bar = ProgressBar::with_draw_target(Some(total), target);
    bar.with_style(style)
}
