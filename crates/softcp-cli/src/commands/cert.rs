//! `softcp cert new` and `softcp cert show`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use softcp::identity::{CHAIN_FILE, CRL_FILE, IdentityFiles, IdentityOptions, KEY_FILE, ROOT_FILE};
use softcp_abi::D3D11_CRYPTO_TYPE_AES128_CTR;
use softcp_client::{Certificate, CertificateChain, CertificateDescription};
use softcp_files::{TemporaryDirectory, path_text, read_input};
use softcp_runtime::CertificateOf;

use crate::args::{CertNewArgs, CertShowArgs};
use crate::driver::{self, DriverInfo, Trust};
use crate::failure::{Exit, Failure, plain};
use crate::output::{self, Report};
use crate::table;

/// `softcp cert new DIR`.
pub(crate) fn new(args: &CertNewArgs, json: bool) -> Result<Exit, Failure> {
    let directory = &args.directory;
    // Validity begins a day early, because clocks differ; the days are counted from now.
    let options = IdentityOptions { common_name: args.name.clone(), days: args.days + 1, ..IdentityOptions::default() };
    let files = driver::new_identity(&options)?;
    write_identity(&files, directory).map_err(|error| match error.kind() {
        // This one names the file itself.
        io::ErrorKind::AlreadyExists if error.get_ref().is_some() => {
            Failure::environment(plain(&error), "name a new directory: an identity is never overwritten")
        }
        _ => Failure::io("write an identity into", directory, &error),
    })?;
    let report = IdentityReport {
        directory: directory.clone(),
        files: [ROOT_FILE, CHAIN_FILE, KEY_FILE, CRL_FILE],
        certificates: read_chain(&directory.join(CHAIN_FILE))?.certificates().iter().map(Into::into).collect(),
    };
    output::print(&report, json)?;
    Ok(Exit::Ok)
}

/// Writes an identity into a directory, which is made if needed: all of it or nothing.
fn write_identity(files: &IdentityFiles, directory: &Path) -> io::Result<()> {
    const NAMES: [&str; 4] = [ROOT_FILE, CHAIN_FILE, KEY_FILE, CRL_FILE];
    if directory.exists() {
        for path in NAMES.map(|name| directory.join(name)) {
            if path.symlink_metadata().is_ok() {
                return Err(io::Error::new(
                    io::ErrorKind::AlreadyExists,
                    format!("{} exists already", path_text(&path)),
                ));
            }
        }
        let staging = TemporaryDirectory::new_in(directory)?;
        files.write(staging.path())?;
        return staging.move_files_into(directory, &NAMES);
    }
    let parent = directory.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent)?;
    let staging = TemporaryDirectory::new_in(parent)?;
    // Inside, so that it has the permissions of any new directory.
    let new = staging.path().join("identity");
    files.write(&new)?;
    std::fs::rename(new, directory)
}

/// `softcp cert show [PATH]`.
pub(crate) fn show(args: &CertShowArgs, json: bool) -> Result<Exit, Failure> {
    let shown = match &args.path {
        Some(path) if path.is_dir() => Shown {
            chain: read_chain(&path.join(CHAIN_FILE))?,
            trust: match Trust::named(&args.trust)? {
                None => Some(Trust::directory(path)?),
                named => named,
            },
            source: Source::Directory { path: path.clone() },
        },
        Some(path) => Shown {
            chain: read_chain(path)?,
            trust: Trust::named(&args.trust)?,
            source: Source::File { path: path.clone() },
        },
        None => {
            let trusted = driver::open_trusted(&args.driver, &args.trust)?;
            let device = trusted.opened.driver.create_device().map_err(|error| driver::call_failed(&error))?;
            let chain = device
                .certificate(CertificateOf::CryptoSession(D3D11_CRYPTO_TYPE_AES128_CTR))
                .map_err(|error| driver::call_failed(&error))?;
            let chain = CertificateChain::parse(&chain).map_err(|error| {
                Failure::check(
                    format!("the driver's certificate is malformed: {error}"),
                    "this is a defect of the driver: report it to the driver's maker",
                )
            })?;
            Shown { chain, trust: Some(trusted.trust), source: Source::Driver(trusted.opened.info) }
        }
    };
    let report = shown.into_report();
    output::print(&report, json)?;
    Ok(if report.verdict.is_trusted == Some(false) { Exit::CheckFailed } else { Exit::Ok })
}

/// A chain, where it is from, and whom to trust.
struct Shown {
    source: Source,
    chain: CertificateChain,
    trust: Option<Trust>,
}

impl Shown {
    fn into_report(self) -> ChainReport {
        let verdict = match self.trust {
            None => Verdict { root: None, is_trusted: None, reason: None, help: None },
            Some(Trust { anchors: None, .. }) => {
                Verdict { root: None, is_trusted: None, reason: Some("any root was accepted".to_owned()), help: None }
            }
            Some(trust) => {
                let error = trust.check(&self.chain).err();
                Verdict {
                    root: Some(trust.origin.to_string()),
                    is_trusted: Some(error.is_none()),
                    reason: error.as_ref().map(ToString::to_string),
                    help: error.as_ref().map(|error| trust.help(error)),
                }
            }
        };
        let certificates = self.chain.certificates().iter().map(Into::into).collect();
        ChainReport { source: self.source, certificates, verdict }
    }
}

/// What `softcp cert new` reports.
#[derive(Serialize)]
struct IdentityReport {
    #[serde(serialize_with = "softcp_files::serialize_path")]
    directory: PathBuf,
    files: [&'static str; 4],
    certificates: Vec<CertificateReport>,
}

impl Report for IdentityReport {
    const NAME: &'static str = "cert-new";

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let directory = path_text(&self.directory);
        writeln!(out, "New identity in {directory}:")?;
        writeln!(out, "  {ROOT_FILE:<10} what applications trust")?;
        writeln!(out, "  {CHAIN_FILE:<10} the driver's certificate, then the root's")?;
        writeln!(out, "  {KEY_FILE:<10} the driver's private key: keep it secret")?;
        writeln!(
            out,
            "  {CRL_FILE:<10} the root's list that revokes the driver, for the fault certificate-revoked only"
        )?;
        writeln!(out)?;
        write_certificates(&self.certificates, out)?;
        writeln!(out, "Let the driver use it: SOFTCP_OPTIONS=\"identity.directory={directory}\"")
    }
}

/// What `softcp cert show` reports.
#[derive(Serialize)]
struct ChainReport {
    source: Source,
    certificates: Vec<CertificateReport>,
    verdict: Verdict,
}

/// Where a chain is from.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Source {
    File {
        #[serde(serialize_with = "softcp_files::serialize_path")]
        path: PathBuf,
    },
    Directory {
        #[serde(serialize_with = "softcp_files::serialize_path")]
        path: PathBuf,
    },
    Driver(DriverInfo),
}

/// Whether the chain leads to a trusted root.
#[derive(Serialize)]
struct Verdict {
    /// The root it was checked against.
    root: Option<String>,
    /// None: it was not checked.
    is_trusted: Option<bool>,
    /// Why not.
    reason: Option<String>,
    /// What to do.
    help: Option<&'static str>,
}

/// One certificate of a chain.
#[derive(Serialize)]
struct CertificateReport {
    subject: String,
    issuer: String,
    serial: String,
    not_before: String,
    not_after: String,
    key_algorithm: String,
    key_bits: Option<usize>,
    /// None: the certificate does not restrict its key.
    key_usages: Option<Vec<&'static str>>,
    is_ca: bool,
    sha256_fingerprint: String,
}

impl From<&Certificate> for CertificateReport {
    fn from(certificate: &Certificate) -> Self {
        let CertificateDescription {
            subject,
            issuer,
            serial,
            not_before,
            not_after,
            key_algorithm,
            key_bits,
            key_usages,
            is_ca,
            sha256_fingerprint,
        } = certificate.describe();
        Self {
            subject,
            issuer,
            serial,
            not_before,
            not_after,
            key_algorithm,
            key_bits,
            key_usages,
            is_ca,
            sha256_fingerprint,
        }
    }
}

impl Report for ChainReport {
    const NAME: &'static str = "cert-show";

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        match &self.source {
            Source::File { path } | Source::Directory { path } => writeln!(out, "{}", path_text(path))?,
            Source::Driver(info) => writeln!(out, "{info}")?,
        }
        writeln!(out)?;
        write_certificates(&self.certificates, out)?;
        match &self.verdict {
            Verdict { is_trusted: Some(true), root: Some(root), .. } => {
                writeln!(out, "Trusted: the chain leads to {root}.")
            }
            Verdict { reason: Some(reason), help, .. } => {
                let verdict = if self.verdict.is_trusted.is_some() { "Not trusted" } else { "Not checked" };
                writeln!(out, "{verdict}: {reason}.")?;
                help.iter().try_for_each(|help| writeln!(out, "  help: {help}"))
            }
            _ => writeln!(out, "Not checked: no root was given; --root FILE checks the chain."),
        }
    }
}

fn write_certificates(certificates: &[CertificateReport], out: &mut dyn Write) -> io::Result<()> {
    for (index, certificate) in certificates.iter().enumerate() {
        let role = if index == 0 { "the driver's own" } else { "its issuer's" };
        writeln!(out, "Certificate {} of {}, {role}", index + 1, certificates.len())?;
        let key = match certificate.key_bits {
            Some(bits) => format!("{}, {bits} bits", certificate.key_algorithm),
            None => certificate.key_algorithm.clone(),
        };
        let usage = certificate.key_usages.as_ref().map_or("anything".to_owned(), |usages| usages.join(", "));
        let mut table = table::plain();
        table
            .add_row(["Subject", &certificate.subject])
            .add_row(["Issuer", &certificate.issuer])
            .add_row(["Serial", &certificate.serial])
            .add_row(["Valid", &format!("{} to {}", certificate.not_before, certificate.not_after)])
            .add_row(["Key", &key])
            .add_row(["Key usage", &usage])
            .add_row(["Authority", if certificate.is_ca { "yes" } else { "no" }])
            .add_row(["SHA-256", &certificate.sha256_fingerprint]);
        writeln!(out, "{}\n", table::text(&table))?;
    }
    Ok(())
}

/// More than any chain of certificates has.
const LARGEST_CHAIN: u64 = 16 << 20;

/// Reads a chain from a PEM file, or from DER as a driver hands it out.
fn read_chain(path: &Path) -> Result<CertificateChain, Failure> {
    let bytes = read_input(path, LARGEST_CHAIN).map_err(|error| Failure::input("read", &error))?;
    // DER of a chain begins with the tag of a SEQUENCE, which begins no PEM text.
    let chain =
        if bytes.first() == Some(&0x30) { CertificateChain::parse(&bytes) } else { CertificateChain::from_pem(&bytes) };
    chain.map_err(|error| {
        Failure::check(
            format!("{} is no certificate chain: {error}", path_text(path)),
            "name a PEM file with CERTIFICATE sections, leaf first, or what a driver's GetCertificate wrote",
        )
    })
}
