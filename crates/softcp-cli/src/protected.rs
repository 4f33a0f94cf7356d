//! Failures of the protected path, for the commands that go through it.

use std::io;

use softcp::capability::Capability;
use softcp_files::{FileKind, InputError, OutputError, path_text};
use softcp_player::{ChannelFailure, DecryptError, KeyId, KidText, LicenceFailure, PathError};

use crate::driver::{self, Trust};
use crate::failure::Failure;
use crate::output::printable;

/// A file that could not be decrypted.
pub(crate) fn decrypt_failed(error: &DecryptError, trust: &Trust) -> Failure {
    match error {
        DecryptError::Licence { source } => licence_failed(source),
        DecryptError::NoChannel { source } => no_channel(source),
        DecryptError::Channel { source } => channel_failed(source, trust),
        DecryptError::Path { track_id, sample, source } => {
            let place = match sample {
                Some(sample) => format!("track {track_id}, sample {sample}"),
                None => format!("track {track_id}"),
            };
            path_failed(&place, source, trust)
        }
        error => file_failed(error),
    }
}

/// A failure that has nothing to do with the driver.
pub(crate) fn file_failed(error: &DecryptError) -> Failure {
    match error {
        DecryptError::OpenInput { path, source } => Failure::io("open", path, source),
        DecryptError::ReadInput { path, source } if source.kind() == io::ErrorKind::UnexpectedEof => Failure::check(
            format!("{} ends in the middle of what it says it has", path_text(path)),
            "it is cut short: get it again from where it came, or write what is there with --partial",
        ),
        DecryptError::ReadInput { path, source } => Failure::io("read", path, source),
        DecryptError::WriteOutput { path, source } => {
            let source = io::Error::new(source.kind(), source.to_string());
            Failure::output(&OutputError::Io { path: path.clone(), source }, "-o")
        }
        DecryptError::OutputIsInput { path } => {
            Failure::usage(format!("{} is input and output", path_text(path)), "choose another output with -o")
        }
        DecryptError::Output(error) => Failure::output(error, "-o"),
        DecryptError::Input(error) => input_failed(error),
        DecryptError::EmptyInput { path } => Failure::check(
            format!("{} is empty: it has 0 bytes", path_text(path)),
            "get it again from where it came, or check the path",
        ),
        DecryptError::NoSuchTrack { .. } => Failure::usage(error.to_string(), "give one of these to --track"),
        DecryptError::ClearTrack { track_id } => Failure::usage(
            format!("track {track_id} is not encrypted"),
            "leave it out of --track: it is copied as it is",
        ),
        _ => Failure::check(printable(&error.to_string()), error.advice().unwrap_or("run again with -v")),
    }
}

/// An encrypted input that is no file.
fn input_failed(error: &InputError) -> Failure {
    match error {
        InputError::NotAFile { kind: FileKind::Pipe, path } => Failure::environment(
            error.to_string(),
            format!("give it as standard input: softcp decrypt - … < {}", path_text(path)),
        ),
        InputError::Address { path } => Failure::environment(
            error.to_string(),
            format!("download it first, or pipe it: curl {} | softcp decrypt - …", path_text(path)),
        ),
        error => Failure::input("open", error),
    }
}

/// A protected path that could not be opened, or broke.
pub(crate) fn path_failed(place: &str, error: &PathError, trust: &Trust) -> Failure {
    match error {
        PathError::Driver(error) => driver::call_failed(error),
        PathError::NotOffered { .. } | PathError::NoKeyExchange => Failure::check(
            error.to_string(),
            "`softcp caps` shows what the driver offers; use another driver or profile",
        ),
        PathError::NoStripes { .. } | PathError::NoCbcDecoder(_) => Failure::check(
            printable(&format!("{place}: {error}")),
            "use a driver that has them; with --track N other tracks are decrypted, and this one is copied",
        ),
        PathError::CbcNeedsChannel => {
            Failure::check(format!("{place}: {error}"), "leave out --without-channel, or give a licence with --licence")
        }
        PathError::Untrusted(chain) => Failure::check(error.to_string(), trust.help(chain)),
        PathError::Channel(failure) => channel_failed(failure, trust),
        PathError::Licence(failure) => licence_failed(failure),
        PathError::MissingKey { kid } => missing_key(place, *kid),
        PathError::IvNotIncreasing { kid, refusal } => Failure::check(
            format!(
                "{place}: the driver takes only increasing IVs (SEQUENTIAL_CTR_IV), and those under KID {} do not \
                 increase: {refusal}",
                KidText(*kid)
            ),
            "the file is fine: use a driver or capability profile without that rule",
        ),
        _ => Failure::check(
            printable(&format!("{place}: {error}")),
            "this is a defect of the driver: report it to the driver's maker",
        ),
    }
}

/// A driver without channels, where there must be one.
fn no_channel(failure: &ChannelFailure) -> Failure {
    Failure::check(
        printable(&failure.to_string()),
        "use a driver that offers it, or do without protection with --without-channel",
    )
}

/// A channel that could not be opened, or did not do what it should.
pub(crate) fn channel_failed(failure: &ChannelFailure, trust: &Trust) -> Failure {
    match failure {
        ChannelFailure::Call(error) => driver::call_failed(error),
        ChannelFailure::NotOffered(_) => Failure::check(
            printable(&failure.to_string()),
            "use a driver that offers authenticated channels, or report it to the driver's maker",
        ),
        ChannelFailure::Untrusted(chain) => Failure::check(failure.to_string(), trust.help(chain)),
        _ => Failure::check(printable(&failure.to_string()), failure.advice()),
    }
}

/// A licence whose keys cannot be used.
fn licence_failed(failure: &LicenceFailure) -> Failure {
    let what = printable(&failure.to_string());
    match failure {
        LicenceFailure::Call(error) => driver::call_failed(error),
        LicenceFailure::NotOffered => Failure::check(
            what,
            format!(
                "a SoftCP driver has it with SOFTCP_OPTIONS={}; with others use --key or --key-file",
                driver::capability_option(Capability::HardwareDrmCommunication)
            ),
        ),
        LicenceFailure::TooLong { .. } => Failure::check(what, "leave out of the licence what this file does not need"),
        _ => Failure::check(what, "use a driver whose secure environment is SoftCP's clear key one, or --key"),
    }
}

fn missing_key(place: &str, kid: KeyId) -> Failure {
    let kid = KidText(kid);
    Failure::check(
        format!("no key for {place}: it is encrypted under KID {kid}"),
        format!("give its key with --key {kid}:KEY, or in a --key-file"),
    )
}
