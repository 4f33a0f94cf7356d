//! Logging, set up by three variables of the environment:
//!
//! - `SOFTCP_LOG`: a level (`error`, `warn`, `info`, `debug`, `trace`, `off`) or a list of `target=level` such as
//!   `warn,softcp_ddi=debug`. Without it nothing is set up, and a host written in Rust may install a subscriber of its own.
//! - `SOFTCP_LOG_PATH`: a file to append to instead of standard error.
//! - `SOFTCP_LOG_FORMAT`: `text` (the default) or `json`, one object on each line.
//!
//! What a level shows is in `docs/logging.md`. What is wrong with the variables is an error of the call that opens an adapter
//! or a driver.

use std::env::VarError;
use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

/// Sets logging up at the first call, as `SOFTCP_LOG`, `SOFTCP_LOG_PATH` and `SOFTCP_LOG_FORMAT` say. Adapters and the
/// reference driver do so by themselves; for layers that have something to say before they open one.
///
/// # Errors
/// What is wrong with a variable, the same at each call; then nothing is logged.
pub fn init_logging() -> Result<(), &'static str> {
    static INIT: OnceLock<Result<(), String>> = OnceLock::new();
    INIT.get_or_init(|| {
        let Some(settings) = Settings::read(|name| std::env::var_os(name))? else { return Ok(()) };
        let writer = match settings.file {
            Some(file) => BoxMakeWriter::new(Mutex::new(file)),
            None => BoxMakeWriter::new(std::io::stderr),
        };
        let subscriber =
            tracing_subscriber::fmt().with_env_filter(settings.filter).with_ansi(false).with_writer(writer);
        // A subscriber that is there already is the host's, and stays.
        let _ = if settings.is_json { subscriber.json().flatten_event(true).try_init() } else { subscriber.try_init() };
        Ok(())
    })
    .as_ref()
    .copied()
    .map_err(String::as_str)
}

struct Settings {
    filter: EnvFilter,
    file: Option<File>,
    is_json: bool,
}

impl Settings {
    /// None: nothing is to be logged.
    fn read(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Result<Option<Self>, String> {
        let text = |name: &str| {
            let value = variable(name).map(|value| value.into_string().map_err(VarError::NotUnicode)).transpose();
            value.map_err(|_| format!("{name} is not UTF-8"))
        };
        let Some(filter) = text("SOFTCP_LOG")? else { return Ok(None) };
        let is_json = match text("SOFTCP_LOG_FORMAT")?.as_deref() {
            None | Some("" | "text") => false,
            Some("json") => true,
            Some(other) => return Err(format!("SOFTCP_LOG_FORMAT is {other:?}; use text or json")),
        };
        let filter = parse_filter(&filter)?;
        let path = variable("SOFTCP_LOG_PATH").filter(|path| !path.is_empty()).map(PathBuf::from);
        let open = |path: PathBuf| {
            OpenOptions::new().create(true).append(true).open(&path).map_err(|error| {
                format!("SOFTCP_LOG_PATH: the file {} cannot be written: {error}; name another", path.display())
            })
        };
        Ok(Some(Self { filter, file: path.map(open).transpose()?, is_json }))
    }
}

/// A word without `=` is a level, or a part of this project. `tracing` itself would take a misspelled level for the name of a
/// part, and log nothing.
fn parse_filter(text: &str) -> Result<EnvFilter, String> {
    let bad = |what: &str| {
        format!(
            "SOFTCP_LOG: {what:?} is not a filter; use error, warn, info, debug, trace or off, or a list such as \
             warn,softcp_ddi=debug"
        )
    };
    let parts = || text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let is_known = |part: &str| {
        part.contains(['=', '['])
            || part.starts_with("softcp")
            || part.starts_with("d3d11")
            || part.parse::<LevelFilter>().is_ok()
    };
    if let Some(part) = parts().find(|part| !text.contains('[') && !is_known(part)) {
        return Err(bad(part));
    }
    EnvFilter::builder().parse(text).map_err(|_| bad(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<Settings>, String> {
        Settings::read(|name| variables.iter().find(|(of, _)| *of == name).map(|(_, value)| (*value).into()))
    }

    #[test]
    fn filters_are_levels_and_lists() {
        for filter in ["error", "warn", "info", "debug", "trace", "off", "WARN", "warn,softcp_ddi=debug", "softcp_ddi"]
        {
            assert!(read(&[("SOFTCP_LOG", filter)]).unwrap().is_some(), "{filter}");
        }
        assert!(read(&[("SOFTCP_LOG_FORMAT", "json")]).unwrap().is_none());
    }

    #[test]
    fn wrong_variables_are_errors_that_name_them() {
        for (variables, expected) in [
            (&[("SOFTCP_LOG", "inof")][..], "SOFTCP_LOG: \"inof\""),
            (&[("SOFTCP_LOG", "warn,softcp_ddi=loud")], "SOFTCP_LOG: "),
            (&[("SOFTCP_LOG", "info"), ("SOFTCP_LOG_FORMAT", "xml")], "SOFTCP_LOG_FORMAT is \"xml\""),
            (&[("SOFTCP_LOG", "info"), ("SOFTCP_LOG_PATH", "/nowhere/at/all")], "SOFTCP_LOG_PATH: the file /nowhere"),
        ] {
            let error = read(variables).err().unwrap_or_default();
            assert!(error.starts_with(expected), "{variables:?}: {error}");
        }
    }
}
