//! What `--verbose` shows: events of the libraries and of the command, on standard error.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Sets logging up for `-v` (what is done), `-vv` (how) and `-vvv` (everything). Without it, `SOFTCP_LOG` decides.
///
/// # Errors
/// What is wrong with `SOFTCP_LOG`, `SOFTCP_LOG_PATH` or `SOFTCP_LOG_FORMAT`.
pub(crate) fn init(verbose: u8) -> Result<(), &'static str> {
    let level = match verbose {
        0 => return softcp_ddi::init_logging(),
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let ansi = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    // Fails only when a subscriber is set, and this is the first.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(level))
        .with_ansi(ansi)
        .without_time()
        .with_writer(std::io::stderr)
        .try_init();
    // The one that was set up stays.
    softcp_ddi::init_logging()
}
