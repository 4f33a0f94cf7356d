//! Configuration from the environment: `SOFTCP_CONF` and `SOFTCP_OPTIONS`.
//!
//! A program's environment is its own, so each test runs this program again with the variables it is about.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

use std::ffi::OsStr;
use std::process::Command;

use softcp::capability::ProfileName;
use softcp::config::{CONF_VARIABLE, Config, OPTIONS_VARIABLE};

/// What stands before the answer in the output of the program that is run again.
const ANSWER: &str = "from_env: ";

#[test]
#[ignore = "run by the other tests, with an environment of their choice"]
#[expect(clippy::print_stdout, reason = "the answer to the test that runs this")]
fn answer() {
    match Config::from_env() {
        Ok(config) => println!("\n{ANSWER}{}", format_args!("{config:?}")),
        Err(error) => println!("\n{ANSWER}error: {error}"),
    }
}

/// What `Config::from_env` answers when the two variables are as given.
fn from_env(conf: Option<&OsStr>, options: Option<&OsStr>) -> String {
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.args(["answer", "--exact", "--ignored", "--nocapture"]);
    for (variable, value) in [(CONF_VARIABLE, conf), (OPTIONS_VARIABLE, options)] {
        match value {
            Some(value) => program.env(variable, value),
            None => program.env_remove(variable),
        };
    }
    let output = program.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let output = String::from_utf8(output.stdout).unwrap();
    let (_, answer) = output.split_once(ANSWER).unwrap();
    answer.to_owned()
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

#[test]
fn neither_variable_is_the_default() {
    assert!(from_env(None, None).starts_with(&format!("{:?}", Config::default())));
}

#[test]
fn options_win_over_the_file_that_conf_names() {
    let file = file("[memory]\nprotected = 7\n[capabilities]\nprofile = \"permissive\"\n");
    let mut expected = Config::default();
    expected.memory.protected = 9;
    expected.capabilities.profile = ProfileName::Permissive;
    let answer = from_env(Some(file.path().as_os_str()), Some(OsStr::new("memory.protected=9")));
    assert!(answer.starts_with(&format!("{expected:?}")), "{answer}");
}

#[test]
fn missing_file_is_an_error_that_names_it() {
    let answer = from_env(Some(OsStr::new("/no/such/softcp.toml")), None);
    assert!(answer.starts_with("error: ") && answer.contains("/no/such/softcp.toml"), "{answer}");
}

#[test]
fn bad_option_is_an_error_that_names_variable_and_key() {
    let answer = from_env(None, Some(OsStr::new("memory.protectd=9")));
    assert!(
        answer.starts_with("error: ") && answer.contains(OPTIONS_VARIABLE) && answer.contains("protectd"),
        "{answer}"
    );
}

/// Such options were ignored, all of them, and the driver ran with the default.
#[cfg(unix)]
#[test]
fn options_that_are_no_unicode_are_an_error() {
    use std::os::unix::ffi::OsStrExt as _;
    let answer = from_env(None, Some(OsStr::from_bytes(b"memory.protected=9;identity.directory=/\xFF")));
    assert!(answer.starts_with("error: ") && answer.contains(OPTIONS_VARIABLE), "{answer}");
}
