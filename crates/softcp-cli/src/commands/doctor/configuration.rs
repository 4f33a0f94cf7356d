//! The configuration file, the inline options, and both together.

use std::path::{Path, PathBuf};

use softcp::config::{CONF_VARIABLE, Config, ConfigError, OPTIONS_VARIABLE, environment};
use softcp_files::path_text;

use super::{Findings, Subject::Configuration};
use crate::driver;

/// The configuration, if it can be used; `for_windows`: by a program of Windows.
pub(super) fn check(findings: &mut Findings, for_windows: bool) -> Option<Config> {
    let (file, options) = match environment() {
        Ok(sources) => sources,
        Err(error) => {
            findings.failure(Configuration, &driver::cannot_configure(&error));
            return None;
        }
    };
    let under_wine = for_windows && !cfg!(windows);
    let file = if under_wine { file.map(|path| on_drive_z(findings, path)) } else { file };
    let file_is_good = match &file {
        None => {
            findings.ok(Configuration, format!("no file: {CONF_VARIABLE} is not set"));
            true
        }
        Some(path) => check_file(findings, path),
    };
    let options_are_good = match options.as_deref().filter(|options| !options.trim().is_empty()) {
        None => {
            findings.ok(Configuration, format!("no inline options: {OPTIONS_VARIABLE} is not set"));
            true
        }
        Some(options) => check_options(findings, options, file_is_good.then_some(file.as_deref()).flatten()),
    };
    if !(file_is_good && options_are_good) {
        return None;
    }
    match Config::from_sources(file.as_deref(), options.as_deref()) {
        Ok(config) => Some(config),
        Err(error) => {
            findings.failure(Configuration, &driver::cannot_configure(&error));
            None
        }
    }
}

/// A path as a program under Wine has to be told it, on drive Z, which is all of this machine's.
fn on_drive_z(findings: &mut Findings, path: PathBuf) -> PathBuf {
    let text = path.to_string_lossy();
    if let Some(rest) = text.strip_prefix(['Z', 'z']).and_then(|rest| rest.strip_prefix(':')) {
        return PathBuf::from(rest.replace('\\', "/"));
    }
    if path.is_absolute() {
        findings.warning(
            Configuration,
            format!(
                "{CONF_VARIABLE} is {}, which a program under Wine looks for on its current drive",
                path_text(&path)
            ),
            format!("name it with its drive: Z:{}", path_text(&path)),
        );
    }
    path
}

fn check_file(findings: &mut Findings, path: &Path) -> bool {
    if let Err(failure) = driver::check_configuration_file(path) {
        findings.failure(Configuration, &failure);
        return false;
    }
    if let Err(error) = Config::from_file(path) {
        findings.failure(Configuration, &driver::cannot_configure(&error));
        return false;
    }
    if path.is_absolute() {
        findings.ok(Configuration, format!("the file {} is read", path_text(path)));
    } else {
        findings.warning(
            Configuration,
            format!("the file {} is read, by a path that depends on the working directory", path_text(path)),
            format!("set {CONF_VARIABLE} to an absolute path, so that programs elsewhere find it, too"),
        );
    }
    true
}

/// Whether the options can be used by themselves, or with the file, if that can be.
fn check_options(findings: &mut Findings, options: &str, file: Option<&Path>) -> bool {
    let used = Config::from_sources(file, Some(options));
    if let Err(error @ (ConfigError::Invalid { .. } | ConfigError::NoValue { .. } | ConfigError::Contradiction(_))) =
        &used
    {
        findings.failure(Configuration, &driver::cannot_configure(error));
        return false;
    }
    findings.ok(Configuration, format!("{OPTIONS_VARIABLE} is read, and overrides the file"));
    true
}
