//! Every command of docs/faults.md is run as it stands there, with `softcp decrypt` in place of a player.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::faults::{call, program};
use crate::support::{KEY, Sandbox, cache_home, vector};

const PAGE: &str = include_str!("../../../../docs/faults.md");

/// The shell blocks of the page.
fn blocks() -> Vec<&'static str> {
    PAGE.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

fn input() -> String {
    vector("ff-cenc-faststart.mp4")
}

/// Runs a script with `softcp` and `player` in the path, and the control directories below the sandbox's; its exit code and
/// all that it has said.
fn run(sandbox: &Sandbox, script: &str) -> (Option<i32>, String) {
    let bin = sandbox.path("bin");
    fs::create_dir_all(&bin).unwrap();
    let softcp = env!("CARGO_BIN_EXE_softcp");
    for (name, text) in [
        ("softcp", format!("#!/bin/sh\nexec '{softcp}' \"$@\"\n")),
        (
            "player",
            format!("#!/bin/sh\nexec '{softcp}' decrypt '{}' --key {KEY} -f -o out.mp4 --restarts 3\n", input()),
        ),
    ] {
        let path = bin.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let script = script.replace("/tmp/", &format!("{}/", sandbox.path("").display().to_string().trim_end_matches('/')));
    let path = std::env::var_os("PATH").unwrap();
    let path = std::env::join_paths(std::iter::once(bin).chain(std::env::split_paths(&path))).unwrap();
    let output = Command::new("sh")
        .args(["-ec", &format!("{script}\nwait || true\n")])
        .current_dir(sandbox.path(""))
        .env("PATH", path)
        .env("NO_COLOR", "1")
        .env("XDG_CACHE_HOME", cache_home())
        .env_remove("SOFTCP_CONF")
        .env_remove("SOFTCP_LOG")
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    (output.status.code(), text)
}

#[test]
fn commands_for_running_programs_do_what_the_page_says() {
    let sandbox = Sandbox::new();
    let block = blocks().into_iter().find(|block| block.contains("--wait-for-program")).unwrap();
    // A program that runs for as long as the commands do, next to the player, which may be through before.
    let is_over = AtomicBool::new(false);
    let (code, text) = std::thread::scope(|scope| {
        scope.spawn(|| {
            let device = program(&sandbox.path("softcp-faults"), "");
            while !is_over.load(Ordering::Relaxed) {
                call(&device);
            }
        });
        let result = run(&sandbox, &block.replace("player film.mp4 &", ":"));
        is_over.store(true, Ordering::Relaxed);
        result
    });
    assert_eq!(code, Some(0), "{text}");
    for expected in ["Set key-lost at=100, wrong-mac at=1", "Add refresh-refused at=9", "Clear all faults"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn commands_for_ci_leave_a_fault_and_see_that_it_happened() {
    let sandbox = Sandbox::new();
    let block = blocks().into_iter().find(|block| block.contains("--next")).unwrap();
    let (code, text) = run(&sandbox, block);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("(gone)") && text.contains("key-lost"), "{text}");
    let not = block.replace("--occurred key-lost", "--occurred device-removed");
    let (code, text) = run(&sandbox, &not);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("device-removed has not occurred"), "{text}");
}

#[test]
fn decryption_survives_the_faults_of_the_page() {
    let sandbox = Sandbox::new();
    let (_, rest) = PAGE.split_once("    SOFTCP_OPTIONS=\"faults.list=device-removed").unwrap();
    let command = format!("SOFTCP_OPTIONS=\"faults.list=device-removed{}", rest.split("\n\n").next().unwrap());
    let script = command.replace("in.mp4", &input()).replace("KID:KEY", KEY);
    let (code, text) = run(&sandbox, &script);
    assert_eq!(code, Some(0), "{text}");
    assert!(sandbox.path("out.mp4").exists());
}
