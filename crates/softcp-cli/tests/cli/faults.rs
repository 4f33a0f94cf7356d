//! `softcp faults`: the command is the other process, this test the program whose calls go wrong.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use softcp_abi::{D3D11_CRYPTO_TYPE_AES128_CTR, D3D11_KEY_EXCHANGE_RSAES_OAEP, GUID_NULL};
use softcp_runtime::{CryptoSessionDesc, Device, Driver};

use crate::schema::check_report;
use crate::support::{Expect as _, Sandbox};

/// Not to wait: no process obeys while nothing is called.
const NO_WAIT: [&str; 2] = ["--wait", "0"];

/// Longer than an adapter lets pass between two looks.
const INTERVAL: Duration = Duration::from_millis(60);

/// A program that is controlled by a directory, as far as calls of its driver go.
pub(crate) fn program(control: &Path, list: &str) -> Device {
    let options = format!("faults.control={};faults.list={list}", control.display());
    let driver = Driver::from_entry(softcp_ddi::softcp_open_reference_driver, &options).unwrap();
    driver.create_device().unwrap()
}

/// A call that counts for `unsupported-crypto` and `out-of-memory`; whether it succeeds.
pub(crate) fn call(device: &Device) -> bool {
    std::thread::sleep(INTERVAL);
    let desc = CryptoSessionDesc {
        crypto_type: D3D11_CRYPTO_TYPE_AES128_CTR,
        decode_profile: GUID_NULL,
        key_exchange_type: D3D11_KEY_EXCHANGE_RSAES_OAEP,
    };
    device.create_session(&desc).is_ok()
}

/// Prints the report of `softcp --json faults ARGS` after a look at its schema.
fn report(sandbox: &Sandbox, args: &[&str], code: i32) -> Value {
    let args = ["--json", "faults"].iter().chain(args).copied();
    let output = sandbox.softcp(args).args(["--control", "control"]).output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    check_report(report["report"].as_str().unwrap(), &output.stdout);
    report
}

fn state_file(sandbox: &Sandbox, name: &str) -> PathBuf {
    sandbox.path("control").join(name)
}

fn own_state_file(sandbox: &Sandbox) -> PathBuf {
    state_file(sandbox, &format!("{}-1.toml", std::process::id()))
}

/// Leaves a state file as of a program.
fn leave(path: &Path, process: u32, more: &str) {
    let faults = "[[faults]]\nfault = \"key-lost at=9\"\ncounted = 4\noccurred = 0\n";
    let head = format!("process = {process}\nadapter = 1\nprogram = \"player\"\nserial = 3\n");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, head + more + faults).unwrap();
}

#[test]
fn fault_set_from_outside_occurs_and_is_counted() {
    let sandbox = Sandbox::new();
    let device = program(&sandbox.path("control"), "");
    assert!(call(&device));
    let set = report(&sandbox, &["set", "unsupported-crypto at=2", "out-of-memory at=9", "--wait", "0"], 0);
    assert_eq!(set["adapters"][0]["answer"], "pending");
    assert_eq!([(); 3].map(|()| call(&device)), [true, false, true]);
    let list = report(&sandbox, &["list"], 0);
    let adapter = &list["adapters"][0];
    assert_eq!((&adapter["process"], &adapter["error"]), (&std::process::id().into(), &Value::Null));
    let faults = adapter["faults"].as_array().unwrap();
    let counts = |index: usize| {
        let fault = &faults[index];
        (fault["fault"].as_str().unwrap(), fault["when"].as_str().unwrap(), fault["occurred"].as_u64().unwrap())
    };
    assert_eq!(faults.len(), 2);
    assert_eq!(counts(0), ("unsupported-crypto", "at=2", 1));
    assert_eq!(counts(1), ("out-of-memory", "at=9", 0));
}

#[test]
fn process_that_calls_obeys_while_the_command_waits() {
    let sandbox = Sandbox::new();
    let device = program(&sandbox.path("control"), "out-of-memory every=1");
    assert!(!call(&device));
    let clear = std::thread::scope(|scope| {
        let clear = scope.spawn(|| report(&sandbox, &["clear", "--wait", "60"], 0));
        while !clear.is_finished() {
            call(&device);
        }
        clear.join().unwrap()
    });
    assert_eq!(clear["adapters"][0]["answer"], "obeyed");
    assert!(call(&device));
    assert_eq!(report(&sandbox, &[], 0)["adapters"][0]["faults"].as_array().unwrap().len(), 0);
}

#[test]
fn added_fault_leaves_the_one_that_is_set() {
    let sandbox = Sandbox::new();
    let device = program(&sandbox.path("control"), "unsupported-crypto at=3");
    assert!(call(&device));
    report(&sandbox, &["set", "--add", "out-of-memory at=3", "--wait", "0"], 0);
    // The one that was set has counted a call more; its own call does not get as far as to count for the other.
    assert_eq!([(); 4].map(|()| call(&device)), [true, false, true, false]);
    let list = report(&sandbox, &["list"], 0);
    assert_eq!(list["adapters"][0]["faults"].as_array().unwrap().len(), 2);
    // What was obeyed is not lost by the next request.
    let set = report(&sandbox, &["set", "--add", "out-of-memory", "--wait", "0"], 0);
    assert_eq!(set["dropped"].as_array().unwrap().len(), 0);
}

#[cfg(unix)]
#[test]
fn request_for_one_process_leaves_others_alone() {
    let sandbox = Sandbox::new();
    let device = program(&sandbox.path("control"), "");
    // Another process that lives: the one that started this test.
    let other = std::os::unix::process::parent_id();
    leave(&state_file(&sandbox, &format!("{other}-1.toml")), other, "");
    let other = other.to_string();
    let set = report(&sandbox, &["set", "out-of-memory", "--process", &other, "--wait", "0"], 0);
    assert_eq!(set["adapters"].as_array().unwrap().len(), 1);
    assert_eq!(set["adapters"][0]["process"].to_string(), other);
    assert!(call(&device));
    // The other has not come to its request, and the next one takes its place.
    let set =
        report(&sandbox, &["set", "out-of-memory", "--process", &std::process::id().to_string(), "--wait", "0"], 0);
    assert_eq!(set["dropped"][0]["process"].to_string(), other);
    assert!(!call(&device));
}

#[test]
fn refused_request_fails_the_check_and_stays_in_the_list() {
    let sandbox = Sandbox::new();
    let device = program(&sandbox.path("control"), "");
    let many = vec!["out-of-memory at=1000"; 200];
    let add: Vec<_> = ["set", "--add"].iter().chain(&many).chain(&NO_WAIT).copied().collect();
    report(&sandbox, &add, 0);
    assert!(call(&device));
    let refused = std::thread::scope(|scope| {
        let add: Vec<_> = ["set", "--add", "--wait", "60"].iter().chain(&many).copied().collect();
        let sandbox = &sandbox;
        let refused = scope.spawn(move || report(sandbox, &add, 1));
        while !refused.is_finished() {
            call(&device);
        }
        refused.join().unwrap()
    });
    assert_eq!(refused["adapters"][0]["answer"], "refused");
    let list = report(&sandbox, &["list"], 0);
    assert!(list["adapters"][0]["error"].as_str().unwrap().contains("256 faults"), "{list}");
    assert_eq!(list["adapters"][0]["faults"].as_array().unwrap().len(), 200);
}

#[test]
fn adapter_removes_its_file() {
    let sandbox = Sandbox::new();
    let device = program(&sandbox.path("control"), "");
    assert!(own_state_file(&sandbox).exists());
    drop(device);
    assert!(!own_state_file(&sandbox).exists());
    sandbox.softcp(["faults", "--control", "control"]).expect(0, "faults-list-nobody");
}

#[test]
fn list_is_a_table() {
    let sandbox = Sandbox::new();
    leave(&state_file(&sandbox, "7-1.toml"), 7, "");
    fs::write(
        state_file(&sandbox, "7-2.toml"),
        "process = 7\nadapter = 2\nprogram = \"player\\u001b[31m\"\nserial = 0\n",
    )
    .unwrap();
    let error = "error = \"fault \\\"x\\\"\\nis none\"\n";
    // Linux gives no process so large a number.
    leave(&state_file(&sandbox, "1073741824-1.toml"), 1 << 30, error);
    fs::write(state_file(&sandbox, "9-1.toml"), "process = \"nine\"").unwrap();
    fs::write(state_file(&sandbox, "10-1.toml"), vec![b'#'; 300 << 10]).unwrap();
    let output = sandbox.softcp(["faults", "--control", "control"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    for expected in [
        "7-1",
        "7-2",
        "player\u{fffd}[31m",
        "1073741824 (gone)",
        "key-lost",
        "at=9",
        "has refused the last request: fault \"x\"\u{fffd}is none",
        "is gone; it has left control/1073741824-1.toml",
        "Left out: control/9-1.toml: line 1",
        "Left out: control/10-1.toml: refused",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let list = report(&sandbox, &["list"], 0);
    assert_eq!(list["adapters"][2]["is_gone"], true);
}

#[cfg(target_os = "linux")]
#[test]
fn process_that_is_gone_is_not_asked() {
    let sandbox = Sandbox::new();
    // The identifier is this process's now; the file is of one that started earlier.
    let process = std::process::id();
    leave(&own_state_file(&sandbox), process, "started = 1\n");
    let list = report(&sandbox, &["list"], 0);
    assert_eq!(list["adapters"][0]["is_gone"], true);
    sandbox.softcp(["faults", "set", "key-lost", "--control", "control"]).expect(3, "faults-set-nobody");
    assert!(!state_file(&sandbox, "request.toml").exists());
    // A new adapter of this process leaves the file alone, is asked, and obeys.
    let device = program(&sandbox.path("control"), "");
    let set = report(&sandbox, &["set", "out-of-memory", "--wait", "0"], 0);
    assert_eq!(set["adapters"].as_array().unwrap().len(), 1);
    assert_eq!(set["adapters"][0]["adapter"], 2);
    assert!(!call(&device));
}

#[test]
fn names_are_listed_with_what_happens() {
    Sandbox::new().softcp(["faults", "names"]).expect(0, "faults-names");
    let names = report(&Sandbox::new(), &["names"], 0);
    assert_eq!(names["faults"].as_array().unwrap().len(), softcp::faults::Fault::ALL.len());
}

#[test]
fn directory_comes_from_the_configuration_too() {
    let sandbox = Sandbox::new();
    let _device = program(&sandbox.path("control"), "key-lost at=100");
    let options = "faults.control=control";
    let output = sandbox.softcp(["faults", "list"]).env("SOFTCP_OPTIONS", options).output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("key-lost"));
    sandbox.softcp(["faults"]).expect(2, "faults-no-directory");
}

#[test]
fn text_says_what_was_asked_and_who_obeys() {
    let sandbox = Sandbox::new();
    let _device = program(&sandbox.path("control"), "");
    let text = |args: &[&str]| {
        let args = ["faults"].iter().chain(args).chain(&NO_WAIT).chain(&["--control", "control"]);
        let output = sandbox.softcp(args.copied()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let set = text(&["set", "key-lost at=3", "wrong-mac every=2"]);
    assert!(set.contains("Set key-lost at=3, wrong-mac every=2\n") && set.contains("will at its next call"), "{set}");
    let add = text(&["set", "--add", "key-lost"]);
    assert!(add.contains("Add key-lost at=1\n") && add.contains("no longer will"), "{add}");
    let clear = text(&["clear"]);
    assert!(clear.contains("Clear all faults\n") && !clear.contains("no longer will"), "{clear}");
}

#[test]
fn bad_input_is_named() {
    let sandbox = Sandbox::new();
    let control = ["--control", "control"];
    sandbox.softcp(["faults", "list"]).args(control).expect(3, "faults-no-such-directory");
    sandbox.softcp(["faults", "set", "key-lots"]).args(control).expect(2, "faults-set-unknown");
    sandbox.softcp(["faults", "set", "key-lost at=0"]).args(control).expect(2, "faults-set-bad-schedule");
    sandbox.softcp(["faults", "set"]).args(control).expect(2, "faults-set-nothing");
    sandbox.softcp(["faults", "set"]).args(["key-lost"; 257]).args(control).expect(2, "faults-set-too-many");
    sandbox.write("control", "");
    sandbox.softcp(["faults", "list"]).args(control).expect(3, "faults-directory-is-a-file");
    let output = sandbox.softcp(["caps"]).env("SOFTCP_OPTIONS", "faults.control=control").output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr.contains("faults.control: the directory control cannot be used"), "{stderr}");
}

#[test]
fn serial_number_after_the_last_is_refused() {
    let sandbox = Sandbox::new();
    leave(&own_state_file(&sandbox), std::process::id(), "");
    fs::write(state_file(&sandbox, "request.toml"), format!("serial = {}\nlist = []", u64::MAX)).unwrap();
    sandbox.softcp(["faults", "clear", "--control", "control"]).expect(3, "faults-clear-no-serial");
}

#[test]
fn huge_request_is_replaced() {
    let sandbox = Sandbox::new();
    let device = program(&sandbox.path("control"), "");
    fs::write(state_file(&sandbox, "request.toml"), vec![b'#'; 1 << 20]).unwrap();
    assert!(call(&device));
    let list = report(&sandbox, &["list"], 0);
    assert!(list["adapters"][0]["error"].as_str().unwrap().contains("65536 bytes"), "{list}");
    report(&sandbox, &["set", "out-of-memory", "--wait", "0"], 0);
    assert!(!call(&device));
    assert_eq!(report(&sandbox, &["list"], 0)["adapters"][0]["error"], Value::Null);
}

#[test]
fn command_waits_for_a_program_that_starts_later() {
    let sandbox = Sandbox::new();
    let set = std::thread::scope(|scope| {
        let set = scope.spawn(|| report(&sandbox, &["set", "out-of-memory", "--wait-for-program", "--wait", "60"], 0));
        std::thread::sleep(INTERVAL);
        assert!(!state_file(&sandbox, "request.toml").exists());
        let device = program(&sandbox.path("control"), "");
        while !set.is_finished() {
            call(&device);
        }
        set.join().unwrap()
    });
    assert_eq!(set["adapters"][0]["answer"], "obeyed");
    let args = ["faults", "set", "out-of-memory", "--wait-for-program=0", "--control", "none"];
    assert_eq!(sandbox.softcp(args).output().unwrap().status.code(), Some(3));
}

#[test]
fn fault_left_for_the_next_program_is_read_after_its_end() {
    let sandbox = Sandbox::new();
    assert_eq!(report(&sandbox, &["set", "--next", "out-of-memory at=2"], 0)["next"], true);
    let occurred = ["list", "--occurred", "out-of-memory"];
    assert_eq!(report(&sandbox, &occurred, 1)["not_occurred"][0], "out-of-memory");
    let device = program(&sandbox.path("control"), "");
    assert_eq!([call(&device), call(&device)], [true, false]);
    drop(device);
    let list = report(&sandbox, &occurred, 0);
    assert_eq!(list["adapters"][0]["is_gone"], true);
    assert_eq!(list["adapters"][0]["faults"][0]["occurred"], 1);
    let both = ["list", "--occurred", "out-of-memory", "--occurred", "key-lost"];
    assert_eq!(report(&sandbox, &both, 1)["not_occurred"].as_array().unwrap().len(), 1);
}
