//! Progress bars on standard error: on a terminal, for what takes a while.

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

/// A bar for measurements, of which one at a time is named; it shows nothing when standard error is no terminal.
pub(crate) fn measurements() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len}: {msg}").expect("the template is a constant");
    ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style)
}
