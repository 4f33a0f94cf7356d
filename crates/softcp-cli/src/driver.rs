//! Opens the driver, and decides whom to trust when it shows its certificate.
//!
//! Trust, in this order: `--any-root`, `--root FILE`, `root.pem` of the identity directory that the configuration names,
//! and else an identity made for this run, which the driver is told to use. The last one is a real check too: only a
//! driver that holds the key of the new certificate passes it.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use softcp::capability::Capability;
use softcp::config::{Config, ConfigError};
use softcp::identity::{IdentityFiles, IdentityOptions, ROOT_FILE};
use softcp::provider::Provider;
use softcp_client::{CertificateChain, ChainError, TrustAnchors, VerifiedCertificate};
use softcp_runtime::{Driver, Error};
use tempfile::TempDir;

use crate::args::{DriverArgs, TrustArgs};
use crate::failure::{Failure, plain};
use crate::output::printable;

/// An open driver.
pub(crate) struct OpenedDriver {
    pub(crate) driver: Driver,
    pub(crate) info: DriverInfo,
}

/// An open driver and whom to trust.
pub(crate) struct TrustedDriver {
    pub(crate) opened: OpenedDriver,
    pub(crate) trust: Trust,
    /// The identity made for this run, as long as the driver may want to read it; its directory goes away with it.
    _identity: Option<TempDir>,
}

/// Which driver a report is about.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct DriverInfo {
    /// Its name for itself.
    pub(crate) name: String,
    /// Its version of itself.
    pub(crate) version: String,
    /// The library it was loaded from; none: it is built in.
    pub(crate) library: Option<PathBuf>,
}

impl fmt::Display for DriverInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} (", self.name, self.version)?;
        match &self.library {
            Some(path) => write!(f, "{})", path.display()),
            None => f.write_str("built in)"),
        }
    }
}

/// Whom to trust.
pub(crate) struct Trust {
    pub(crate) origin: Origin,
    /// None: anyone.
    pub(crate) anchors: Option<TrustAnchors>,
}

/// Where the trusted root comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// `--root FILE`.
    Named(PathBuf),
    /// `root.pem` of an identity directory: the configured one, or the one that is shown.
    Directory(PathBuf),
    /// Made for this run.
    ThisRun {
        /// Whether the driver was loaded with `--driver` and may not know the option that names the identity.
        loaded: bool,
    },
    /// `--any-root`.
    Anyone,
}

/// Opens a driver of which no certificate is asked for.
pub(crate) fn open(args: &DriverArgs) -> Result<OpenedDriver, Failure> {
    configuration()?;
    open_with(args, "")
}

/// Opens a driver whose certificate is to be checked.
pub(crate) fn open_trusted(args: &DriverArgs, trust: &TrustArgs) -> Result<TrustedDriver, Failure> {
    open_trusted_with(args, trust, |_| None)
}

/// The same with a capability for this run, for the built-in driver and where the configuration does not say whether it
/// has it.
pub(crate) fn open_trusted_having(
    args: &DriverArgs,
    trust: &TrustArgs,
    capability: Capability,
) -> Result<TrustedDriver, Failure> {
    open_trusted_with(args, trust, |config| {
        let is_free = args.driver.is_none() && !config.capabilities.flags.contains_key(&capability);
        is_free.then(|| capability_option(capability))
    })
}

/// The same with one more option of the driver, in the form of `SOFTCP_OPTIONS`, which may depend on the configuration.
pub(crate) fn open_trusted_with(
    args: &DriverArgs,
    trust: &TrustArgs,
    option: impl FnOnce(&Config) -> Option<String>,
) -> Result<TrustedDriver, Failure> {
    let config = configuration()?;
    let given = option(&config);
    let configured = config.identity.directory;
    let (trust, identity) = match (Trust::named(trust)?, configured) {
        (Some(trust), _) => (trust, None),
        (None, Some(directory)) => (Trust::directory(&directory)?, None),
        (None, None) => {
            let (trust, identity) = Trust::for_this_run(args.driver.is_some())?;
            (trust, Some(identity))
        }
    };
    let identity_option = identity.as_ref().map(|directory| identity_option(directory.path()));
    let options: Vec<_> = identity_option.into_iter().chain(given).collect();
    let opened = open_with(args, &options.join(";"))?;
    // The built-in driver has read its identity by now: the private key need not stay on the disk.
    let identity = identity.filter(|_| args.driver.is_some());
    Ok(TrustedDriver { opened, trust, _identity: identity })
}

impl Trust {
    /// What `--root` or `--any-root` says, if one of them is given.
    pub(crate) fn named(args: &TrustArgs) -> Result<Option<Self>, Failure> {
        Ok(match &args.root {
            _ if args.any_root => Some(Self { origin: Origin::Anyone, anchors: None }),
            Some(path) => Some(Self { origin: Origin::Named(path.clone()), anchors: Some(read_root(path)?) }),
            None => None,
        })
    }

    /// `root.pem` of an identity directory.
    pub(crate) fn directory(directory: &Path) -> Result<Self, Failure> {
        let path = directory.join(ROOT_FILE);
        let anchors = Some(read_root(&path)?);
        Ok(Self { origin: Origin::Directory(path), anchors })
    }

    /// A new identity in a temporary directory, and its root.
    fn for_this_run(loaded: bool) -> Result<(Self, TempDir), Failure> {
        let (files, directory) = temporary_identity()?;
        let anchors = TrustAnchors::from_pem(files.root().as_bytes()).expect("a new root is a certificate");
        Ok((Self { origin: Origin::ThisRun { loaded }, anchors: Some(anchors) }, directory))
    }

    /// Checks a chain now.
    pub(crate) fn check(&self, chain: &CertificateChain) -> Result<VerifiedCertificate, ChainError> {
        self.for_player().check(chain)
    }

    /// The same for the libraries.
    pub(crate) fn for_player(&self) -> softcp_player::Trust {
        self.anchors.clone().map_or(softcp_player::Trust::Anyone, softcp_player::Trust::Roots)
    }

    /// What to do when the check has failed.
    pub(crate) fn help(&self, error: &ChainError) -> &'static str {
        match (&self.origin, error) {
            (_, ChainError::NotYetValid { .. } | ChainError::Expired { .. }) => {
                "check the clock, or make a new identity with: softcp cert new DIR"
            }
            (_, ChainError::Revoked { .. }) => {
                "the driver needs another certificate: make a new identity with: softcp cert new DIR"
            }
            (Origin::ThisRun { loaded: true }, ChainError::UnknownIssuer { .. } | ChainError::BadSignature { .. }) => {
                "the driver has an identity of its own: name its root certificate with --root FILE, or accept any with \
                 --any-root"
            }
            (_, ChainError::UnknownIssuer { .. } | ChainError::BadSignature { .. }) => {
                "name the root certificate of this driver with --root FILE, or accept any with --any-root"
            }
            _ => "use a driver with a proper certificate, as `softcp cert new DIR` makes them",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(path) | Self::Directory(path) => write!(f, "{}", path.display()),
            Self::ThisRun { .. } => f.write_str("the root made for this run"),
            Self::Anyone => f.write_str("any root"),
        }
    }
}

/// A new identity, in a temporary directory that goes when it is dropped.
pub(crate) fn temporary_identity() -> Result<(IdentityFiles, TempDir), Failure> {
    let temporary = |error: &std::io::Error| {
        Failure::environment(
            format!("cannot write a temporary identity: {}", plain(error)),
            "set TMPDIR to a directory with space, or name an identity with SOFTCP_OPTIONS=identity.directory=DIR",
        )
    };
    let directory = tempfile::Builder::new().prefix("softcp-").tempdir().map_err(|error| temporary(&error))?;
    if directory.path().to_str().is_none_or(|path| path.contains(';')) {
        return Err(Failure::environment(
            format!("the temporary directory {} cannot be written in a driver option", directory.path().display()),
            "set TMPDIR to a directory whose name is UTF-8 without a semicolon",
        ));
    }
    let files = new_identity(&IdentityOptions::default())?;
    files.write(directory.path()).map_err(|error| temporary(&error))?;
    tracing::info!(directory = %directory.path().display(), "made an identity for this run");
    Ok((files, directory))
}

/// Makes the files of a new identity.
pub(crate) fn new_identity(options: &IdentityOptions) -> Result<IdentityFiles, Failure> {
    IdentityFiles::generate(&Provider::aws_lc(), options).map_err(|error| {
        Failure::environment(format!("no identity could be made: {error}"), "try again; this needs random numbers")
    })
}

/// A call of an open driver that failed.
pub(crate) fn call_failed(error: &Error) -> Failure {
    let help = match error {
        Error::MissingEntry { .. } => "use a driver that offers this entry, or report it to the driver's maker",
        Error::BadAnswer { .. } => "this is a defect of the driver: report it to the driver's maker",
        _ => "run again with -v, or with SOFTCP_LOG=debug, to see what the driver did",
    };
    Failure::check(printable(&error.to_string()), help)
}

/// The configuration of the driver, which says where its identity is, and where its faults are controlled.
pub(crate) fn configuration() -> Result<Config, Failure> {
    Config::from_env().map_err(|error| match &error {
        ConfigError::Unreadable { path, source } => Failure::environment(
            format!("cannot read the configuration {}: {}", path.display(), plain(source)),
            "name another file with SOFTCP_CONF, or unset it",
        ),
        _ => Failure::environment(
            without_excerpt(&error.to_string()),
            "correct it, or unset SOFTCP_CONF and SOFTCP_OPTIONS",
        ),
    })
}

/// The text of a TOML error in one line, without the excerpt of the file: its place is also given in numbers.
pub(crate) fn without_excerpt(text: &str) -> String {
    let is_excerpt =
        |line: &str| line.trim_start().trim_start_matches(|c: char| c.is_ascii_digit()).trim_start().starts_with('|');
    let mut joined = String::new();
    let mut separator = "";
    for line in text.lines() {
        if is_excerpt(line) {
            separator = ": ";
        } else {
            joined = joined + separator + line.trim();
            separator = " ";
        }
    }
    joined
}

/// The option that switches a capability on, as `SOFTCP_OPTIONS` takes it.
pub(crate) fn capability_option(capability: Capability) -> String {
    format!("capabilities.flags.{}=true", capability.name().to_lowercase())
}

/// The option that names an identity directory.
pub(crate) fn identity_option(directory: &Path) -> String {
    format!("identity.directory={}", directory.display())
}

fn open_with(args: &DriverArgs, options: &str) -> Result<OpenedDriver, Failure> {
    let driver = match &args.driver {
        Some(path) => Driver::load(path, options),
        None => Driver::from_entry(softcp_ddi::softcp_open_reference_driver, options),
    };
    let driver = driver.map_err(|error| cannot_open(&error))?;
    let info = DriverInfo {
        name: printable(driver.name()),
        version: printable(driver.version()),
        library: args.driver.clone(),
    };
    tracing::info!(name = info.name, version = info.version, "opened the driver");
    Ok(OpenedDriver { driver, info })
}

fn cannot_open(error: &Error) -> Failure {
    let help = match error {
        Error::Load { path, .. } if !path.exists() => "check the path given to --driver",
        Error::Load { .. } => "name a shared library for this processor whose dependencies are installed",
        Error::NoEntry { .. } => "name a library that exports one of them, as libsoftcp.so does the second",
        Error::WrongInterfaceVersion { .. } => "use a driver and a softcp command of the same release",
        _ => "check SOFTCP_CONF and SOFTCP_OPTIONS; SOFTCP_LOG=debug shows what the driver says",
    };
    // The loader of the system says more than that it failed.
    let cause = match std::error::Error::source(error) {
        Some(cause) => format!(" ({})", deepest(cause)),
        None => String::new(),
    };
    Failure::environment(printable(&format!("{error}{cause}")), help)
}

/// The cause behind all others.
fn deepest<'a>(mut error: &'a (dyn std::error::Error + 'static)) -> &'a (dyn std::error::Error + 'static) {
    while let Some(source) = error.source() {
        error = source;
    }
    error
}

fn read_root(path: &Path) -> Result<TrustAnchors, Failure> {
    let bytes = std::fs::read(path).map_err(|error| Failure::io("read the trusted root", path, &error))?;
    // DER of a certificate begins with the tag of a SEQUENCE, which begins no PEM text.
    let is_der = bytes.first() == Some(&0x30);
    let anchors = if is_der { TrustAnchors::from_der(&bytes) } else { TrustAnchors::from_pem(&bytes) };
    anchors.map_err(|error| {
        Failure::environment(
            format!("{} is no trusted root: {error}", path.display()),
            "name a file with the root certificate, as root.pem of an identity directory",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toml_error_becomes_one_line_without_excerpt() {
        let text = "f.toml: TOML parse error at line 2, column 5\n  |\n2 | a = |\n  |     ^\nno value\nin `b`";
        assert_eq!(without_excerpt(text), "f.toml: TOML parse error at line 2, column 5: no value in `b`");
        assert_eq!(without_excerpt("unknown field\nin `b`"), "unknown field in `b`");
    }
}
