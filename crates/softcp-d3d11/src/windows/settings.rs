//! The section `[d3d11]` of SoftCP's configuration, read at the first call.

use std::path::PathBuf;
use std::sync::OnceLock;

use softcp::config::{Config, D3d11Config};

use super::module;

/// The settings of this process, with absolute paths. Where the configuration cannot be read everything is forwarded to
/// the system's library, so that the program runs; the log says why.
pub(crate) fn get() -> &'static D3d11Config {
    static SETTINGS: OnceLock<D3d11Config> = OnceLock::new();
    SETTINGS.get_or_init(|| {
        if let Err(error) = softcp_ddi::init_logging() {
            // There is no log to say it in.
            eprintln!("softcp: {error}");
        }
        match Config::from_env() {
            Ok(config) => absolute(config.d3d11),
            Err(error) => {
                tracing::error!("{error}; calls are only forwarded");
                D3d11Config { enabled: false, ..D3d11Config::default() }
            }
        }
    })
}

fn absolute(mut section: D3d11Config) -> D3d11Config {
    // An absolute path replaces the directory that it is joined to; collecting the parts makes all separators `\`, which
    // LoadLibraryEx needs.
    let join = |path: PathBuf| match module::own_directory() {
        Some(directory) => directory.join(path).components().collect(),
        None => path,
    };
    section.real = section.real.map(join);
    section.driver = section.driver.map(join);
    section
}
