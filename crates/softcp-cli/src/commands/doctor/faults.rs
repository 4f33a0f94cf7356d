//! Injected faults: those of the configuration, and the directory by which other processes set them.

use std::io::ErrorKind;
use std::path::Path;

use softcp::config::Config;
use softcp::faults::files::State;
use softcp_files::{FileKind, path_text};

use super::{Findings, Subject::Faults, counted};
use crate::failure::plain;

pub(super) fn check(findings: &mut Findings, config: &Config) {
    let set: Vec<_> = config.faults.list.iter().map(ToString::to_string).collect();
    if !set.is_empty() {
        findings.warning(
            Faults,
            format!("{} from the start: {}", counted(set.len(), "fault"), set.join(", ")),
            "calls will fail; take faults.list out of the configuration where that is not wanted",
        );
    }
    match &config.faults.control {
        Some(directory) => check_control(findings, directory),
        None if set.is_empty() => findings.ok(Faults, "none is injected, and no other process can inject any"),
        None => {}
    }
}

fn check_control(findings: &mut Findings, directory: &Path) {
    let path = path_text(directory);
    match std::fs::metadata(directory) {
        Ok(metadata) if !metadata.is_dir() => {
            let kind = FileKind::of(&metadata);
            return findings.problem(
                Faults,
                format!("faults.control: {path} is {kind}; no driver can be opened"),
                "name a directory that programs may write into, or leave faults.control out",
            );
        }
        Ok(metadata) if metadata.permissions().readonly() => {
            return findings.problem(
                Faults,
                format!("faults.control: {path} may not be written into; no driver can be opened"),
                "give this user the permission to write there, or leave faults.control out",
            );
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return findings
                .ok(Faults, format!("other processes can inject faults by {path}, which the next program makes"));
        }
        _ => {}
    }
    let states = match State::read_all(directory) {
        Ok(states) => states,
        Err(error) => {
            let what = format!("faults.control: {path} cannot be read: {}", plain(&error));
            return findings.problem(Faults, what, "give this user the permission to read it");
        }
    };
    let mut users = 0;
    for state in states {
        match state {
            Ok(state) if state.is_gone() == Some(true) => findings.warning(
                Faults,
                format!("process {} has ended and left {} behind", state.process, state.file_name()),
                format!("remove it from {path}; nothing else depends on it"),
            ),
            Ok(state) => {
                users += 1;
                if let Some(error) = &state.error {
                    let what = format!("process {} has refused the last request: {error}", state.process);
                    findings.warning(Faults, what, "see softcp faults list");
                }
            }
            Err(error) => findings.warning(Faults, error.to_string(), format!("remove the file from {path}")),
        }
    }
    findings.ok(
        Faults,
        format!(
            "other processes can inject faults by {path}, which {} in use",
            match users {
                0 => "no program has".to_owned(),
                1 => "1 program has".to_owned(),
                count => format!("{count} programs have"),
            }
        ),
    );
}
