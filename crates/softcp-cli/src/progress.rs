//! Progress bars on standard error: on a terminal, for what takes a while.

use std::fmt::Write;

use indicatif::{BinaryBytes, FormattedDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// Files smaller than this are done before a bar could be read.
const SMALLEST: u64 = 64 << 20;

/// Columns below which there is no room for a bar beside the words.
const BAR: usize = 10;

/// A bar for `total` bytes, if that is known, which shows nothing when standard error is no terminal or the file is small.
pub(crate) fn bar(total: Option<u64>) -> ProgressBar {
    let is_small = total.is_some_and(|total| total < SMALLEST);
    let target = if is_small { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    ProgressBar::with_draw_target(total, target).with_style(style(if total.is_some() { bytes } else { bytes_so_far }))
}

/// A bar for measurements, of which one at a time is named; it shows nothing when standard error is no terminal.
pub(crate) fn measurements() -> ProgressBar {
    let style = ProgressStyle::with_template("{steps}{wide_msg}").expect("the template is a constant");
    let style = style.with_key("steps", |state: &ProgressState, out: &mut dyn Write| {
        // Nothing but a text takes it.
        let _ = out.write_str(&steps(state.pos(), state.len().unwrap_or_default(), columns().saturating_sub(1)));
    });
    ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style)
}

/// A bar as wide as the terminal leaves room for beside `words`, which are given the columns that there are.
fn style(words: fn(&ProgressState, usize) -> String) -> ProgressStyle {
    let style = ProgressStyle::with_template("{wide_bar}{words}").expect("the template is a constant");
    style.with_key("words", move |state: &ProgressState, out: &mut dyn Write| {
        // The column before the last: some terminals wrap when the last is written to.
        let columns = columns().saturating_sub(1);
        let text = words(state, columns);
        let gap = if text.chars().count() + BAR <= columns { " " } else { "" };
        // Nothing but a text takes it.
        let _ = out.write_str(gap).and_then(|()| out.write_str(&text));
    })
}

/// How wide standard error is.
fn columns() -> usize {
    terminal_size::terminal_size_of(std::io::stderr()).map_or(80, |(width, _)| usize::from(width.0))
}

/// The longest text that fits, or as much of the shortest as does.
fn fitting(texts: &[String], columns: usize) -> String {
    let fits = texts.iter().find(|text| text.chars().count() <= columns);
    fits.cloned().unwrap_or_else(|| texts.last().map(|text| text.chars().take(columns).collect()).unwrap_or_default())
}

fn bytes(state: &ProgressState, columns: usize) -> String {
    let total = state.len().unwrap_or_default();
    let (done, all) = (BinaryBytes(state.pos()), BinaryBytes(total));
    let (rate, left) = (rate(state), FormattedDuration(state.eta()));
    let percent = format!("{:.0}%", state.fraction() * 100.0);
    let texts = [format!("{done} of {all}, {rate}, {left} left"), format!("{percent}, {left} left"), percent];
    fitting(&texts, columns)
}

fn bytes_so_far(state: &ProgressState, columns: usize) -> String {
    let done = BinaryBytes(state.pos());
    fitting(&[format!("{done}, {}", rate(state)), done.to_string()], columns)
}

/// What stands before the name of a step, which takes the rest of the line.
fn steps(done: u64, all: u64, columns: usize) -> String {
    const CELLS: u64 = 40;
    let count = format!("{done} of {all}");
    let filled = usize::try_from(CELLS * done.min(all) / all.max(1)).unwrap_or_default();
    let bar = format!("{}{} {count}: ", "█".repeat(filled), "░".repeat(40 - filled));
    fitting(&[bar, format!("{count}: "), count], columns)
}

/// Bytes per second.
fn rate(state: &ProgressState) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate for people to read")]
    let rate = state.per_sec() as u64;
    format!("{}/s", BinaryBytes(rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_fit_whatever_the_width() {
        for columns in 0..100 {
            assert!(steps(3, 336, columns).chars().count() <= columns, "{columns}");
        }
        assert!(steps(336, 336, 80).starts_with(&"█".repeat(40)));
    }

    #[test]
    fn words_fit_whatever_the_width() {
        let texts = ["all of it, and more".to_owned(), "all of it".to_owned(), "all".to_owned()];
        for columns in 0..40 {
            let text = fitting(&texts, columns);
            assert!(text.chars().count() <= columns, "{columns}: {text}");
            assert!(columns < 3 || texts.contains(&text), "{columns}: {text}");
        }
    }
}
