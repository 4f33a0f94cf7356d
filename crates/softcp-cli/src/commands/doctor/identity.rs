//! The driver's certificate and key: those that are configured, or those that this command keeps.

use std::path::Path;

use softcp::config::Config;
use softcp::identity::{CHAIN_FILE, IdentityFiles, KEY_FILE};
use softcp::provider::Provider;
use softcp_client::CertificateChain;
use softcp_files::{check_private, path_text, read_input};

use super::{Findings, Subject::Identity, counted};
use crate::driver::Trust;
use crate::identity_cache::{self, CacheState};

/// More than any chain of certificates has.
const LARGEST_CHAIN: u64 = 16 << 20;

pub(super) fn check(findings: &mut Findings, config: &Config) {
    match &config.identity.directory {
        Some(directory) => check_directory(findings, directory),
        None if !config.identity.cache => {
            findings.ok(Identity, "none is configured, and none is kept: each run makes its own");
        }
        None => check_cache(findings),
    }
}

fn check_directory(findings: &mut Findings, directory: &Path) {
    const MAKE: &str = "make a new identity with: softcp cert new DIR";
    let trust = match Trust::directory(directory) {
        Ok(trust) => trust,
        Err(failure) => return findings.failure(Identity, &failure),
    };
    let files = IdentityFiles::read(directory).and_then(|files| files.open(&Provider::aws_lc()).map(|_| files));
    if let Err(error) = files {
        return findings.problem(Identity, format!("{} cannot be used: {error}", path_text(directory)), MAKE);
    }
    let chain = read_input(&directory.join(CHAIN_FILE), LARGEST_CHAIN)
        .map_err(|error| error.to_string())
        .and_then(|bytes| CertificateChain::from_pem(&bytes).map_err(|error| error.to_string()));
    let chain = match chain {
        Ok(chain) => chain,
        Err(error) => return findings.problem(Identity, format!("{CHAIN_FILE} cannot be used: {error}"), MAKE),
    };
    if let Err(error) = trust.check(&chain) {
        let what = format!("the certificate in {} is not trusted: {error}", path_text(directory));
        return findings.problem(Identity, what, trust.help(&error));
    }
    let ends = chain.certificates().first().map(|certificate| certificate.describe().not_after);
    let until = ends.map_or(String::new(), |ends| format!(", valid until {ends}"));
    findings.ok(Identity, format!("{} is used{until}", path_text(directory)));
    let key = directory.join(KEY_FILE);
    if check_private(&key, false).is_err() {
        findings.warning(
            Identity,
            format!("{} is not this user's alone", path_text(&key)),
            "let nobody else read the driver's private key: chmod 600, and be its owner",
        );
    }
}

fn check_cache(findings: &mut Findings) {
    const MADE_EACH_TIME: &str = "an identity is made for each run, which takes a moment";
    match identity_cache::look() {
        CacheState::None(reason) => {
            findings.warning(
                Identity,
                format!("none is configured, and none can be kept: {reason}; {MADE_EACH_TIME}"),
                "name a directory of this user with XDG_CACHE_HOME, or an identity with identity.directory",
            );
        }
        CacheState::NotPrivate { path, error } => {
            findings.warning(
                Identity,
                format!("{} is not used: {error}; {MADE_EACH_TIME}", path_text(&path)),
                "let nobody else read or write it: chmod 700, and be its owner; or remove it",
            );
        }
        CacheState::Empty { path } => {
            let path = path_text(&path);
            findings.ok(Identity, format!("none is configured; the first run makes one and keeps it in {path}"));
        }
        CacheState::Kept { directory, days } => {
            let age = counted(usize::try_from(days).unwrap_or_default(), "day");
            let path = path_text(&directory);
            findings.ok(Identity, format!("none is configured; the kept one is used: {path}, {age} old of at most 30"));
        }
        CacheState::Unusable { directory, error } => {
            findings.warning(
                Identity,
                format!("the kept identity {} cannot be used: {error}", path_text(&directory)),
                "nothing needs to be done: the next run makes a new one in its place",
            );
        }
    }
}
