//! Opens the driver, and decides whom to trust when it shows its certificate.
//!
//! Trust, in this order: `--any-root`, `--root FILE`, `root.pem` of the identity directory that the configuration names,
//! and else an identity made for this run, which the driver is told to use. The last one is a real check too: only a
//! driver that holds the key of the new certificate passes it.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use softcp::capability::Capability;
use softcp::config::{CONF_VARIABLE, Config, ConfigError};
use softcp::identity::{CHAIN_FILE, CRL_FILE, IdentityFiles, IdentityOptions, KEY_FILE, ROOT_FILE};
use softcp::provider::Provider;
use softcp_client::{CertificateChain, ChainError, TrustAnchors, VerifiedCertificate};
use softcp_files::{FileKind, InputError, TemporaryDirectory, path_text, read_input};
use softcp_runtime::{Driver, Error};

use crate::args::{DriverArgs, TrustArgs};
use crate::failure::{Failure, plain};
use crate::identity_cache::{self, CachedIdentity};
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
    _identity: Option<MadeIdentity>,
}

/// Which driver a report is about.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct DriverInfo {
    /// Its name for itself.
    pub(crate) name: String,
    /// Its version of itself.
    pub(crate) version: String,
    /// The library it was loaded from; none: it is built in.
    #[serde(serialize_with = "softcp_files::serialize_optional_path")]
    pub(crate) library: Option<PathBuf>,
}

impl fmt::Display for DriverInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} (", self.name, self.version)?;
        match &self.library {
            Some(path) => write!(f, "{})", path_text(path)),
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
    /// Made by this command.
    Made {
        /// Whether the driver was loaded with `--driver` and may not know the option that names the identity.
        loaded: bool,
        /// Whether it is kept in the user's cache, or made for this run alone.
        cached: bool,
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
            let identity = made_identity(config.identity.cache)?;
            (Trust::made(&identity, args.driver.is_some()), Some(identity))
        }
    };
    let identity_option = identity.as_ref().map(MadeIdentity::option);
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
        for name in [CHAIN_FILE, KEY_FILE, CRL_FILE] {
            let path = directory.join(name);
            if let Ok(metadata) = std::fs::metadata(&path)
                && !metadata.is_file()
            {
                // The driver would wait for the writer of a pipe.
                let kind = FileKind::of(&metadata);
                return Err(Failure::input("read", &InputError::NotAFile { path, kind }));
            }
        }
        let path = directory.join(ROOT_FILE);
        let anchors = Some(read_root(&path)?);
        Ok(Self { origin: Origin::Directory(path), anchors })
    }

    /// The root of an identity that this command has made.
    fn made(identity: &MadeIdentity, loaded: bool) -> Self {
        let anchors =
            TrustAnchors::from_pem(identity.root.as_bytes()).expect("the root has been read as a certificate");
        let cached = identity.temporary.is_none();
        Self { origin: Origin::Made { loaded, cached }, anchors: Some(anchors) }
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
            (Origin::Made { loaded: true, .. }, ChainError::UnknownIssuer { .. } | ChainError::BadSignature { .. }) => {
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
            Self::Named(path) | Self::Directory(path) => f.write_str(&path_text(path)),
            Self::Made { cached: true, .. } => f.write_str("the root of this user's cached identity"),
            Self::Made { cached: false, .. } => f.write_str("the root made for this run"),
            Self::Anyone => f.write_str("any root"),
        }
    }
}

/// An identity that this command has made: in the user's cache, or in a temporary directory that goes when it is dropped.
pub(crate) struct MadeIdentity {
    directory: PathBuf,
    /// The certificate to trust, as PEM.
    root: String,
    temporary: Option<TemporaryDirectory>,
}

impl MadeIdentity {
    /// The option that names it.
    pub(crate) fn option(&self) -> String {
        identity_option(&self.directory)
    }
}

/// An identity for drivers whose user has named none. `cache`: whether it may be one of the user's cache.
pub(crate) fn made_identity(cache: bool) -> Result<MadeIdentity, Failure> {
    if cache && let Some(CachedIdentity { directory, root }) = identity_cache::get() {
        return Ok(MadeIdentity { directory, root, temporary: None });
    }
    let temporary = |error: &std::io::Error| {
        Failure::environment(
            format!("cannot write a temporary identity: {}", plain(error)),
            "set TMPDIR to a directory with space, or name an identity with SOFTCP_OPTIONS=identity.directory=DIR",
        )
    };
    let directory = TemporaryDirectory::new().map_err(|error| temporary(&error))?;
    if !is_option(directory.path()) {
        return Err(Failure::environment(
            format!("the temporary directory {} cannot be written in a driver option", path_text(directory.path())),
            "set TMPDIR to a directory whose name is UTF-8 without a semicolon",
        ));
    }
    let files = new_identity(&IdentityOptions::default())?;
    files.write(directory.path()).map_err(|error| temporary(&error))?;
    tracing::info!(directory = %path_text(directory.path()), "made an identity for this run");
    let path = directory.path().to_owned();
    Ok(MadeIdentity { directory: path, root: files.root().to_owned(), temporary: Some(directory) })
}

/// Whether a path can be the value of a driver option.
pub(crate) fn is_option(path: &Path) -> bool {
    path.to_str().is_some_and(|path| !path.contains(';'))
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
    if let Some(path) = std::env::var_os(CONF_VARIABLE).map(PathBuf::from) {
        check_configuration_file(&path)?;
    }
    Config::from_env().map_err(|error| cannot_configure(&error))
}

/// Whether a configuration file can be read without waiting: a pipe would wait for a writer.
pub(crate) fn check_configuration_file(path: &Path) -> Result<(), Failure> {
    match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => Err(Failure::environment(
            format!("the configuration {} is {}", path_text(path), FileKind::of(&metadata)),
            "name a file with SOFTCP_CONF, or unset it",
        )),
        _ => Ok(()),
    }
}

/// A configuration that cannot be used.
pub(crate) fn cannot_configure(error: &ConfigError) -> Failure {
    match error {
        ConfigError::Unreadable { path, source } => Failure::environment(
            format!("cannot read the configuration {}: {}", path_text(path), plain(source)),
            "name another file with SOFTCP_CONF, or unset it",
        ),
        _ => Failure::environment(
            without_excerpt(&error.to_string()),
            "correct it, or unset SOFTCP_CONF and SOFTCP_OPTIONS",
        ),
    }
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

/// Opens a driver with options in the form of `SOFTCP_OPTIONS`.
pub(crate) fn open_with(args: &DriverArgs, options: &str) -> Result<OpenedDriver, Failure> {
    if let Some(path) = &args.driver
        && let Ok(metadata) = std::fs::metadata(path)
        && !metadata.is_file()
    {
        // The loader would wait for the writer of a pipe.
        return Err(Failure::environment(
            format!("{} is {}, not a library", path_text(path), FileKind::of(&metadata)),
            "check the path of the library",
        ));
    }
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
        Error::Load { path, .. } if !path.exists() => "check the path of the library",
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

/// More than any file of root certificates has.
const LARGEST_ROOT: u64 = 16 << 20;

fn read_root(path: &Path) -> Result<TrustAnchors, Failure> {
    let bytes = read_input(path, LARGEST_ROOT).map_err(|error| Failure::input("read the trusted root", &error))?;
    // DER of a certificate begins with the tag of a SEQUENCE, which begins no PEM text.
    let is_der = bytes.first() == Some(&0x30);
    let anchors = if is_der { TrustAnchors::from_der(&bytes) } else { TrustAnchors::from_pem(&bytes) };
    anchors.map_err(|error| {
        Failure::environment(
            format!("{} is no trusted root: {error}", path_text(path)),
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
