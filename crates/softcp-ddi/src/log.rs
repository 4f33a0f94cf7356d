//! Logging: `SOFTCP_LOG` takes a `tracing` filter such as `warn` or `softcp_ddi=debug`; `SOFTCP_LOG_PATH` a file to
//! append to instead of standard error. Without `SOFTCP_LOG` nothing is set up, and a host written in Rust may install
//! a subscriber of its own.

use std::fs::OpenOptions;
use std::sync::{Mutex, Once};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

/// Sets logging up at the first call, as `SOFTCP_LOG` and `SOFTCP_LOG_PATH` say. Adapters and the reference driver do so by
/// themselves; for layers that have something to say before they open one.
pub fn init_logging() {
    static INIT: Once = Once::new();
    INIT.call_once(|| {
        let Ok(filter) = std::env::var("SOFTCP_LOG") else { return };
        let file = std::env::var_os("SOFTCP_LOG_PATH")
            .and_then(|path| OpenOptions::new().create(true).append(true).open(path).ok());
        let writer = match file {
            Some(file) => BoxMakeWriter::new(Mutex::new(file)),
            None => BoxMakeWriter::new(std::io::stderr),
        };
        // A subscriber that is there already is the host's, and stays.
        let _ = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(filter))
            .with_ansi(false)
            .with_writer(writer)
            .try_init();
    });
}
