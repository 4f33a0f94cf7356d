//! Help, usage errors, and the streams.

use std::process::{Command, Stdio};

use crate::support::{Expect as _, Sandbox, cache_home};

fn softcp() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_softcp"));
    command.env("XDG_CACHE_HOME", cache_home());
    command
}

#[test]
fn help_of_every_command() {
    let sandbox = Sandbox::new();
    for (name, args) in [
        ("help", &["help"][..]),
        ("help-demo", &["help", "demo"]),
        ("help-decrypt", &["help", "decrypt"]),
        ("help-info", &["help", "info"]),
        ("help-caps", &["help", "caps"]),
        ("help-channel", &["help", "channel"]),
        ("help-bench", &["help", "bench"]),
        ("help-conform", &["help", "conform"]),
        ("help-zoo", &["help", "zoo"]),
        ("help-faults", &["help", "faults"]),
        ("help-faults-list", &["help", "faults", "list"]),
        ("help-faults-set", &["help", "faults", "set"]),
        ("help-faults-clear", &["help", "faults", "clear"]),
        ("help-faults-names", &["help", "faults", "names"]),
        ("help-doctor", &["help", "doctor"]),
        ("help-cert", &["help", "cert"]),
        ("help-cert-new", &["help", "cert", "new"]),
        ("help-cert-show", &["help", "cert", "show"]),
        ("help-completions", &["help", "completions"]),
        ("help-man", &["help", "man"]),
        ("version", &["--version"]),
    ] {
        sandbox.softcp(args.iter().copied()).expect(0, name);
    }
}

#[test]
fn no_command_and_unknown_command_are_usage_errors() {
    let sandbox = Sandbox::new();
    sandbox.softcp([]).expect(2, "no-command");
    sandbox.softcp(["encrypt"]).expect(2, "unknown-command");
}

#[test]
fn completions_name_every_command() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = sandbox.softcp(["completions", shell]).assert().success();
        let script = String::from_utf8(output.get_output().stdout.clone()).unwrap();
        for command in [
            "demo",
            "decrypt",
            "info",
            "caps",
            "channel",
            "bench",
            "conform",
            "zoo",
            "faults",
            "doctor",
            "cert",
            "completions",
            "man",
        ] {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
    sandbox.softcp(["completions", "tcsh"]).expect(2, "completions-unknown-shell");
}

#[test]
fn completions_know_faults_cases_mutants_and_profiles() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "fish", "zsh"] {
        let output = sandbox.softcp(["completions", shell]).assert().success();
        let script = String::from_utf8(output.get_output().stdout.clone()).unwrap();
        for name in ["key-lost", "refresh/xor", "refresh-without-xor", "capabilities.profile=hardware-like"] {
            assert!(script.contains(name), "{shell}: {name}");
        }
    }
    // They are offered, and nothing else is refused for not being among them.
    sandbox.softcp(["conform", "--list", "--filter", "refresh/x*"]).assert().success();
}

#[test]
fn help_of_every_command_has_examples_that_begin_with_its_name() {
    let sandbox = Sandbox::new();
    for command in [
        "demo",
        "decrypt",
        "info",
        "caps",
        "channel",
        "bench",
        "conform",
        "zoo",
        "faults",
        "faults list",
        "faults set",
        "faults clear",
        "faults names",
        "doctor",
        "cert",
        "cert new",
        "cert show",
        "completions",
        "man",
    ] {
        let output = sandbox.softcp(["help"].into_iter().chain(command.split(' '))).assert().success();
        let help = String::from_utf8(output.get_output().stdout.clone()).unwrap();
        let (_, examples) = help.split_once("Examples:\n").unwrap_or_else(|| panic!("{command}: {help}"));
        let mut lines = examples.lines().take_while(|line| line.starts_with("  ")).peekable();
        assert!(lines.peek().is_some(), "{command}");
        assert!(lines.all(|line| line.contains(&format!("softcp {command}"))), "{command}: {examples}");
    }
}

/// Runs the command in a terminal of so many columns, which `script` of util-linux makes.
#[cfg(target_os = "linux")]
fn in_terminal(sandbox: &Sandbox, columns: u32, arguments: &str) -> Option<String> {
    let command = format!("stty cols {columns} rows 24; exec {} {arguments}", env!("CARGO_BIN_EXE_softcp"));
    let mut script = Command::new("script");
    script.args(["-qec", &command, "/dev/null"]).current_dir(sandbox.path("")).env("XDG_CACHE_HOME", cache_home());
    let output = script.env("NO_COLOR", "1").stdin(Stdio::null()).output().ok()?;
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stdout));
    Some(String::from_utf8(output.stdout).unwrap().replace('\r', ""))
}

#[cfg(target_os = "linux")]
#[test]
fn tables_fit_terminals_of_80_and_40_columns() {
    let sandbox = Sandbox::new();
    let file = crate::support::vector("ff-cenc-frag-video.mp4");
    // `cert show` of a file says below its table where it is, in a line as long as the path.
    for arguments in ["caps", "caps --all", "channel", "faults names", "cert show", "demo -f", &format!("info {file}")]
    {
        for columns in [80, 40] {
            let Some(text) = in_terminal(&sandbox, columns, arguments) else {
                eprintln!("skipped: there is no script(1)");
                return;
            };
            // Sentences are the terminal's to wrap; a table's lines are told by the gap between two cells.
            let is_row = |line: &&str| line.trim_start().contains("  ") || line.contains('─');
            let wide: Vec<_> = text.lines().filter(is_row).filter(|l| l.chars().count() > columns as usize).collect();
            assert!(wide.is_empty(), "{arguments} at {columns}: {wide:#?}");
            assert!(text.lines().any(|line| is_row(&line)), "{arguments}: {text}");
        }
    }
}

#[test]
fn man_pages_pass_the_lint_of_mandoc() {
    let sandbox = Sandbox::new();
    sandbox.softcp(["man", "pages"]).assert().success();
    let mut pages: Vec<_> =
        std::fs::read_dir(sandbox.path("pages")).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    let Ok(output) = Command::new("mandoc").args(["-T", "lint"]).args(&pages).output() else {
        eprintln!("skipped: there is no mandoc");
        return;
    };
    let messages = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.success(), messages.as_str()), (true, ""));
}

#[test]
fn man_writes_a_page_per_command() {
    let sandbox = Sandbox::new();
    sandbox.softcp(["man", "pages/man1"]).assert().success().stdout_eq("").stderr_eq("");
    let page = |name: &str| std::fs::read_to_string(sandbox.path("pages/man1").join(name)).unwrap();
    assert!(page("softcp.1").contains("EXIT STATUS"));
    for command in [
        "demo",
        "decrypt",
        "info",
        "caps",
        "channel",
        "bench",
        "faults",
        "faults-set",
        "doctor",
        "cert",
        "cert-new",
        "cert-show",
        "completions",
        "man",
    ] {
        assert!(page(&format!("softcp-{command}.1")).contains(".SH NAME"), "{command}");
    }
    sandbox.write("file", "");
    sandbox.softcp(["man", "file"]).expect(3, "man-file");
}

#[test]
fn json_error_is_an_object_on_standard_error() {
    Sandbox::new().softcp(["--json", "cert", "show", "none.pem"]).expect(3, "json-error");
}

#[test]
fn verbose_says_what_is_done() {
    let output = Sandbox::new().softcp(["caps", "-v"]).assert().success();
    let stderr = String::from_utf8(output.get_output().stderr.clone()).unwrap();
    assert!(stderr.contains("opened the driver"), "{stderr}");
}

#[test]
fn reader_that_goes_away_is_no_error() {
    let mut child = softcp().args(["caps", "--all"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[cfg(target_os = "linux")]
#[test]
fn full_disk_is_an_error_of_the_environment() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = softcp().arg("caps").stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("free some space"));
}

#[test]
fn no_escape_sequence_reaches_a_pipe() {
    let output = softcp().args(["cert", "show", "none.pem"]).output().unwrap();
    assert!(!output.stderr.contains(&0x1b), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn wrong_log_variables_are_usage_errors() {
    let sandbox = Sandbox::new();
    for (variable, value, expected) in [
        ("SOFTCP_LOG", "inof", "SOFTCP_LOG: \"inof\" is not a filter"),
        ("SOFTCP_LOG_FORMAT", "xml", "SOFTCP_LOG_FORMAT is \"xml\""),
        ("SOFTCP_LOG_PATH", "none/log", "SOFTCP_LOG_PATH: the file none/log cannot be written"),
    ] {
        let command = sandbox.softcp(["caps"]).env("SOFTCP_LOG", "warn").env(variable, value);
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn correct_run_logs_no_warning_and_each_line_is_json() {
    let sandbox = Sandbox::new();
    let input = crate::support::vector("ff-cenc-faststart.mp4");
    let args = ["decrypt", &input, "--key", crate::support::KEY, "-o", "clear.mp4"];
    let command = sandbox.softcp(args).env("SOFTCP_LOG", "debug").env("SOFTCP_LOG_FORMAT", "json");
    let output = command.env("SOFTCP_LOG_PATH", "log.json").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let log = std::fs::read_to_string(sandbox.path("log.json")).unwrap();
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| line["level"] != "WARN" && line["level"] != "ERROR"), "{log}");
    assert!(lines.iter().any(|line| line["function"] == "DecryptionBlt"));
    assert!(lines.iter().any(|line| line["message"] == "session created" && line["level"] == "INFO"));
    let key = crate::support::KEY.split_once(':').unwrap().1;
    assert!(!log.to_lowercase().contains(key));
}
