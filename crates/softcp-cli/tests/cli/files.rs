//! Files in every condition: links, pipes, devices, names that are not text, full disks, signals. Nothing is destroyed, waited
//! for, or left behind.

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, symlink};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{KEY, LICENCE, Sandbox, limited_softcp_in, names, softcp_in, vector};

/// Far longer than anything here takes.
const DEADLINE: Duration = Duration::from_secs(60);

const VIDEO: &str = "ff-cenc-frag-video.mp4";

/// Waits for a process that must not wait for anybody.
fn finish(mut child: Child, what: &str) -> Output {
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > DEADLINE {
            child.kill().unwrap();
            panic!("{what}: it hangs");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap()
}

fn run(command: &mut Command) -> Output {
    let what = format!("{command:?}");
    finish(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap(), &what)
}

fn decrypt(directory: &Path, rest: &[&str]) -> Output {
    run(softcp_in(directory).args(["decrypt", &vector(VIDEO), "--key", KEY]).args(rest))
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn expected(sandbox: &Sandbox) -> Vec<u8> {
    assert!(decrypt(&sandbox.path(""), &["-o", "expected.mp4"]).status.success());
    let bytes = std::fs::read(sandbox.path("expected.mp4")).unwrap();
    std::fs::remove_file(sandbox.path("expected.mp4")).unwrap();
    bytes
}

fn make_fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn link_keeps_leading_where_it_leads() {
    let sandbox = Sandbox::new();
    let directory = sandbox.path("");
    std::fs::create_dir(sandbox.path("real")).unwrap();
    sandbox.write("real/out.mp4", "old");
    symlink("real/out.mp4", sandbox.path("out.mp4")).unwrap();
    let refused = decrypt(&directory, &["-o", "out.mp4"]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(errors(&refused).contains("out.mp4 exists already"));
    assert!(decrypt(&directory, &["-f", "-o", "out.mp4"]).status.success());
    assert_eq!(std::fs::read_link(sandbox.path("out.mp4")).unwrap(), Path::new("real/out.mp4"));
    assert!(std::fs::read(sandbox.path("real/out.mp4")).unwrap() == expected(&sandbox));
    assert_eq!(names(&sandbox.path("real")), ["out.mp4"]);
}

#[test]
fn link_to_nothing_and_link_to_a_device_are_refused_and_stay() {
    let sandbox = Sandbox::new();
    symlink("nowhere.mp4", sandbox.path("dangling")).unwrap();
    symlink("/dev/zero", sandbox.path("device")).unwrap();
    symlink(".", sandbox.path("directory")).unwrap();
    symlink("loop", sandbox.path("loop")).unwrap();
    let before = names(&sandbox.path(""));
    for (name, told) in [
        ("dangling", "is a link to nowhere.mp4, which does not exist"),
        ("device", "is a device"),
        ("directory", "is a directory"),
        ("loop", "cannot write loop"),
        ("/dev/zero", "is a device"),
        ("/dev/full", "is a device"),
    ] {
        let output = decrypt(&sandbox.path(""), &["-f", "-o", name]);
        assert_eq!(output.status.code(), Some(3), "{name}: {}", errors(&output));
        assert!(errors(&output).contains(told), "{name}: {}", errors(&output));
    }
    assert_eq!(names(&sandbox.path("")), before);
    assert!(std::fs::metadata("/dev/zero").unwrap().file_type().is_char_device());
}

#[test]
fn default_picture_of_the_demo_replaces_a_file_and_no_link() {
    let sandbox = Sandbox::new();
    sandbox.write("precious", "dear");
    symlink("precious", sandbox.path("softcp-demo.png")).unwrap();
    let output = run(softcp_in(&sandbox.path("")).arg("demo"));
    assert_eq!(output.status.code(), Some(3), "{}", errors(&output));
    assert_eq!(std::fs::read(sandbox.path("precious")).unwrap(), b"dear");
}

#[test]
fn standard_output_by_any_name_has_the_clear_bytes_and_nothing_else() {
    let sandbox = Sandbox::new();
    let expected = expected(&sandbox);
    for name in ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        let output = decrypt(&sandbox.path(""), &["-f", "-o", name]);
        assert!(output.status.success(), "{name}: {}", errors(&output));
        assert!(output.stdout == expected, "{name}");
        assert!(errors(&output).contains("30 samples") || errors(&output).contains("crypto session"), "{name}");
    }
    let output = run(softcp_in(&sandbox.path("")).args(["--json", "decrypt", &vector(VIDEO), "--key", KEY, "-o", "-"]));
    let report: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(report["output"], "standard output");
    assert_eq!(names(&sandbox.path("")), [""; 0]);
}

#[test]
fn standard_output_that_is_a_file_is_written_where_it_stands() {
    let sandbox = Sandbox::new();
    let file = std::fs::File::create(sandbox.path("out.mp4")).unwrap();
    let status = softcp_in(&sandbox.path(""))
        .args(["decrypt", &vector(VIDEO), "--key", KEY, "-f", "-o", "/dev/stdout"])
        .stdout(file.try_clone().unwrap())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    let bytes = std::fs::read(sandbox.path("out.mp4")).unwrap();
    assert_eq!(bytes.len() as u64, file.metadata().unwrap().len());
    assert!(bytes == expected(&sandbox));
}

#[test]
fn standard_input_is_read_as_a_file_or_as_a_stream() {
    let sandbox = Sandbox::new();
    for name in [VIDEO, "ff-cenc-faststart.mp4", "ff-cenc-moov-last.mp4"] {
        let args = ["decrypt", "-", "--key", KEY, "-f", "-o", "out.mp4"];
        let mut whole = softcp_in(&sandbox.path(""));
        let args_of_file = ["decrypt", &vector(name), "--key", KEY, "-f", "-o", "expected.mp4"];
        assert!(run(whole.args(args_of_file)).status.success());
        let expected = std::fs::read(sandbox.path("expected.mp4")).unwrap();
        // A file can be read in any order, whatever its name is.
        let file = std::fs::File::open(vector(name)).unwrap();
        let status = softcp_in(&sandbox.path("")).args(args).stdin(file).stdout(Stdio::null()).status().unwrap();
        assert!(status.success() && std::fs::read(sandbox.path("out.mp4")).unwrap() == expected, "{name}");
        std::fs::remove_file(sandbox.path("out.mp4")).unwrap();
        let mut child = softcp_in(&sandbox.path(""))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A command that has had enough closes its end.
        let _ = stdin.write_all(&std::fs::read(vector(name)).unwrap());
        drop(stdin);
        let output = finish(child, name);
        // Of a small file the media data may come first.
        assert!(output.status.success(), "{name}: {}", errors(&output));
        assert!(std::fs::read(sandbox.path("out.mp4")).unwrap() == expected, "{name}");
        std::fs::remove_file(sandbox.path("expected.mp4")).unwrap();
    }
}

#[test]
fn stream_that_cannot_be_read_once_is_refused_with_the_reason() {
    let sandbox = Sandbox::new();
    let mut child = softcp_in(&sandbox.path(""))
        .args(["decrypt", "-", "--key", KEY, "-o", "out.mp4"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let media_data = [&(2_u32 << 20).to_be_bytes()[..], b"mdat", &vec![0; (2 << 20) - 8]].concat();
    // A command that has had enough closes its end.
    let _ = child.stdin.take().unwrap().write_all(&media_data);
    let output = finish(child, "moov last");
    assert_eq!(output.status.code(), Some(1));
    assert!(errors(&output).contains("its moov box lies behind the media data"), "{}", errors(&output));
    assert_eq!(names(&sandbox.path("")), [""; 0]);
}

#[test]
fn pipes_are_never_waited_for() {
    let sandbox = Sandbox::new();
    make_fifo(&sandbox.path("fifo"));
    make_fifo(&sandbox.path("fifo.svg"));
    sandbox.make_identity("identity");
    std::fs::create_dir(sandbox.path("strange")).unwrap();
    for name in ["root.pem", "chain.pem"] {
        std::fs::copy(sandbox.path("identity").join(name), sandbox.path("strange").join(name)).unwrap();
    }
    make_fifo(&sandbox.path("strange/key.pem"));
    let input = vector(VIDEO);
    let before = names(&sandbox.path(""));
    for args in [
        &["decrypt", "fifo", "--key", KEY, "-o", "out.mp4"][..],
        &["decrypt", &input, "--key", KEY, "-o", "fifo"],
        &["decrypt", &input, "--key", KEY, "-f", "-o", "fifo"],
        &["decrypt", &input, "--key-file", "fifo", "-o", "out.mp4"],
        &["decrypt", &input, "--licence", "fifo", "-o", "out.mp4"],
        &["decrypt", &input, "--key", KEY, "--init", "fifo", "-o", "out.mp4"],
        &["decrypt", &input, "--key", KEY, "--root", "fifo", "-o", "out.mp4"],
        &["decrypt", &input, "--key", KEY, "--driver", "fifo", "-o", "out.mp4"],
        &["decrypt", &input, "--key", KEY, "--output-dir", "fifo"],
        &["info", "fifo"],
        &["demo", "-o", "fifo"],
        &["demo", "--clip", "fifo"],
        &["bench", "--plot", "fifo.svg"],
        &["conform", "--junit", "fifo"],
        &["conform", "--expect", "fifo"],
        &["zoo", "--table", "fifo"],
        &["cert", "show", "fifo"],
        &["cert", "show", "strange"],
        &["cert", "new", "fifo"],
        &["man", "fifo"],
    ] {
        let output = run(softcp_in(&sandbox.path("")).args(args));
        assert_eq!(output.status.code(), Some(3), "{args:?}: {}", errors(&output));
        assert!(
            errors(&output).contains("fifo") || errors(&output).contains("key.pem"),
            "{args:?}: {}",
            errors(&output)
        );
        assert_eq!(names(&sandbox.path("")), before, "{args:?}");
    }
    for (variable, value) in [("SOFTCP_CONF", "fifo"), ("SOFTCP_OPTIONS", "identity.directory=strange")] {
        let output = run(softcp_in(&sandbox.path("")).args(["cert", "show"]).env(variable, value));
        assert_eq!(output.status.code(), Some(3), "{value}: {}", errors(&output));
    }
}

#[test]
fn pipe_with_somebody_at_its_other_end_is_used() {
    let sandbox = Sandbox::new();
    let expected = expected(&sandbox);
    let script = format!(
        r#"cat "$1" | "$0" decrypt - --key-file <(echo {KEY}) -o >(cat > copied.mp4; touch done) && while [ ! -e done ]; do sleep 0.01; done"#
    );
    let mut command = Command::new("bash");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_softcp"), &vector(VIDEO)]);
    command.current_dir(sandbox.path("")).env("XDG_CACHE_HOME", crate::support::cache_home());
    let output = run(&mut command);
    assert!(output.status.success(), "{}", errors(&output));
    assert!(std::fs::read(sandbox.path("copied.mp4")).unwrap() == expected);
}

#[test]
fn directories_sockets_devices_and_empty_files_are_named_for_what_they_are() {
    let sandbox = Sandbox::new();
    sandbox.write("empty.mp4", "");
    let _listener = std::os::unix::net::UnixListener::bind(sandbox.path("socket")).unwrap();
    for (name, code, told) in [
        (".", 3, ". is a directory"),
        ("socket", 3, "socket is a socket"),
        ("/dev/zero", 3, "/dev/zero is a device"),
        ("/dev/null", 3, "/dev/null is a device"),
        ("empty.mp4", 1, "empty.mp4 is empty"),
        ("https://example.org/a.mp4", 3, "is an address, not a file"),
    ] {
        for args in [&["info", name][..], &["decrypt", name, "--key", KEY, "-o", "out.mp4"]] {
            let output = run(softcp_in(&sandbox.path("")).args(args));
            assert_eq!(output.status.code(), Some(code), "{args:?}: {}", errors(&output));
            assert!(errors(&output).contains(told), "{args:?}: {}", errors(&output));
        }
    }
    assert_eq!(names(&sandbox.path("")), ["empty.mp4", "socket"]);
}

#[test]
fn names_that_are_not_text_are_files_like_others() {
    let sandbox = Sandbox::new();
    let directory = sandbox.path("");
    let name = |name: &[u8]| OsStr::from_bytes(name).to_owned();
    let (input, output, keys) = (name(b"in\xff.mp4"), name(b"out\xff\n.mp4"), name(b"keys\xfe"));
    std::fs::copy(vector(VIDEO), directory.join(&input)).unwrap();
    std::fs::write(directory.join(&keys), KEY).unwrap();
    std::fs::write(directory.join(name(b"licence\xff")), LICENCE).unwrap();
    let words = |args: &[&OsStr]| args.iter().map(|word| OsString::from(*word)).collect::<Vec<_>>();
    let s = OsStr::new;
    let commands = [
        words(&[s("decrypt"), &input, s("--key-file"), &keys, s("-o"), &output]),
        words(&[s("decrypt"), &input, s("--licence"), &name(b"licence\xff"), s("-f"), s("-o"), &output]),
        words(&[s("decrypt"), &input, s("--key-file"), &keys, s("--output-dir"), &name(b"dir\xff")]),
        words(&[s("info"), &input]),
        words(&[s("demo"), s("-o"), &name(b"picture\xff.png"), s("--clip"), &name(b"clip\xff")]),
        words(&[s("cert"), s("new"), &name(b"identity\xff")]),
        words(&[s("cert"), s("show"), &name(b"identity\xff")]),
        words(&[s("conform"), s("--filter"), s("caps*"), s("--junit"), &name(b"j\xff"), s("--html"), &name(b"h\xff")]),
    ];
    for args in &commands {
        for json in [true, false] {
            let mut command = softcp_in(&directory);
            if json {
                command.arg("--json");
            }
            command.args(args);
            if !json && args[0] == "decrypt" && !args.iter().any(|word| word == "-f") {
                command.arg("--force");
            }
            let output = run(&mut command);
            let told = errors(&output);
            assert!(!told.contains("panicked"), "{args:?}: {told}");
            // What is there now is not replaced.
            let is_second = !json && ["cert", "demo"].iter().any(|word| args[0] == *word) && args[1] != "show";
            assert!(output.status.success() || is_second, "{args:?}: {told}");
            if json {
                let report: Value = serde_json::from_slice(&output.stdout).unwrap();
                assert!(report.to_string().contains('\u{fffd}') || args[0] == "conform", "{args:?}: {report}");
            }
            assert!(!output.stdout.contains(&0xff));
        }
    }
    // Errors show them too.
    let none = run(softcp_in(&directory).args(["--json", "info"]).arg(name(b"none\xff\x1b[31m")));
    let report: Value = serde_json::from_slice(&none.stderr).unwrap();
    assert_eq!((none.status.code(), report["exit_code"].as_i64()), (Some(3), Some(3)));
    assert!(!none.stderr.contains(&0x1b));
}

#[test]
fn full_disk_is_told_and_leaves_nothing_whatever_is_written() {
    let sandbox = Sandbox::new();
    // In a cache of their own these would not fit into the limit.
    assert!(run(softcp_in(&sandbox.path("")).args(["cert", "show"])).status.success());
    for (blocks, args) in [
        (16, &["demo", "-o", "a.png"][..]),
        (16, &["demo", "--clip", "clip.mp4"]),
        (4, &["conform", "--filter", "caps*", "--html", "a.html"]),
        (1, &["cert", "new", "identity"]),
        (1, &["man", "pages"]),
    ] {
        let output = run(limited_softcp_in(&sandbox.path(""), blocks).args(args));
        assert_eq!(output.status.code(), Some(3), "{args:?}: {}", errors(&output));
        assert!(errors(&output).contains("file too large"), "{args:?}: {}", errors(&output));
        let left = names(&sandbox.path(""));
        let pages = sandbox.path("pages");
        assert!(left.is_empty() || left == ["pages"] && names(&pages).is_empty(), "{args:?}: {left:?}");
    }
}

#[test]
fn identity_appears_whole_in_a_directory_that_exists_or_does_not() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("old")).unwrap();
    sandbox.write("old/mine", "mine");
    for directory in ["old", "new", "a/b/c"] {
        assert!(run(softcp_in(&sandbox.path("")).args(["cert", "new", directory])).status.success(), "{directory}");
        let written = names(&sandbox.path(directory));
        let expected = ["chain.pem", "crl.pem", "key.pem", "mine", "root.pem"];
        assert!(expected.iter().filter(|name| directory == "old" || **name != "mine").eq(&written), "{written:?}");
    }
    assert_eq!(names(&sandbox.path("")), ["a", "new", "old"]);
}

#[test]
fn directory_that_cannot_be_written_into_is_told_before_the_work() {
    let sandbox = Sandbox::new();
    // Nobody can make files there, not even who may everything.
    for args in [
        &["decrypt", &vector(VIDEO), "--key", KEY, "-o", "/proc/out.mp4"][..],
        &["demo", "-o", "/proc/a.png"],
        &["bench", "--plot", "/proc/a.svg"],
        &["conform", "--junit", "/proc/a.xml"],
        &["zoo", "--table", "/proc/a.md"],
        &["cert", "new", "/proc/identity"],
    ] {
        let start = Instant::now();
        let output = run(softcp_in(&sandbox.path("")).args(args));
        assert_eq!(output.status.code(), Some(3), "{args:?}: {}", errors(&output));
        assert!(errors(&output).contains("/proc"), "{args:?}: {}", errors(&output));
        assert!(start.elapsed() < Duration::from_secs(20), "{args:?}");
    }
}

/// Begins to decrypt a stream that does not end, and waits until the output has been begun.
fn begun(sandbox: &Sandbox, output: &str) -> Child {
    let mut child = softcp_in(&sandbox.path(""))
        .args(["decrypt", "-", "--key", KEY, "-f", "-o", output])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let bytes = std::fs::read(vector(VIDEO)).unwrap();
    // The rest never comes: standard input stays open as long as the child is here.
    child.stdin.as_mut().unwrap().write_all(&bytes[..bytes.len() / 2]).unwrap();
    let directory = std::fs::canonicalize(sandbox.path("")).unwrap();
    let start = Instant::now();
    let is_open = |child: &Child| {
        let files = std::fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap();
        files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok()).any(|file| file.starts_with(&directory))
    };
    while !is_open(&child) {
        assert!(start.elapsed() < DEADLINE && child.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(2));
    }
    child
}

#[cfg(target_os = "linux")]
#[test]
fn signals_in_the_middle_leave_nothing_and_end_the_process_as_they_do() {
    for (name, signal) in [("INT", 2), ("TERM", 15), ("HUP", 1), ("KILL", 9)] {
        let sandbox = Sandbox::new();
        sandbox.write("old.mp4", "old");
        for output in ["new.mp4", "old.mp4"] {
            let child = begun(&sandbox, output);
            assert!(Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap().success());
            let ended = finish(child, name);
            assert_eq!(ended.status.signal(), Some(signal), "{name}: {}", errors(&ended));
            assert_eq!(names(&sandbox.path("")), ["old.mp4"], "{name}");
            assert_eq!(std::fs::read(sandbox.path("old.mp4")).unwrap(), b"old");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn hangup_that_is_ignored_stays_ignored() {
    let sandbox = Sandbox::new();
    let script = r#"trap "" HUP; exec "$@""#;
    let mut child = Command::new("sh")
        .args(["-c", script, "sh", env!("CARGO_BIN_EXE_softcp"), "decrypt", "-", "--key", KEY, "-o", "out.mp4"])
        .current_dir(sandbox.path(""))
        .env("XDG_CACHE_HOME", crate::support::cache_home())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let bytes = std::fs::read(vector(VIDEO)).unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&bytes[..bytes.len() / 2]).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(Command::new("kill").args(["-s", "HUP", &child.id().to_string()]).status().unwrap().success());
    std::thread::sleep(Duration::from_millis(100));
    stdin.write_all(&bytes[bytes.len() / 2..]).unwrap();
    drop(stdin);
    assert!(finish(child, "HUP").status.success());
    assert_eq!(names(&sandbox.path("")), ["out.mp4"]);
}

#[test]
fn other_commands_that_are_interrupted_at_any_moment_leave_nothing_half() {
    let whole = [&["identity"][..], &["chain.pem", "crl.pem", "key.pem", "root.pem"]];
    for delay in [0, 3, 10, 30, 100, 300] {
        let sandbox = Sandbox::new();
        for args in [
            &["demo", "-o", "a.png", "--clip", "clip.mp4"][..],
            &["conform", "--filter", "session*", "--html", "a.html"],
            &["cert", "new", "identity"],
        ] {
            let mut child = softcp_in(&sandbox.path(""))
                .args(args)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            std::thread::sleep(Duration::from_millis(delay));
            // It may have ended by itself.
            let _ = Command::new("kill").args(["-s", "INT", &child.id().to_string()]).stderr(Stdio::null()).status();
            child.wait().unwrap();
            let left = names(&sandbox.path(""));
            assert!(left.iter().all(|name| !name.starts_with('.')), "{args:?} after {delay} ms: {left:?}");
            if left.contains(&"identity".to_owned()) {
                assert_eq!(names(&sandbox.path("identity")), whole[1], "{delay}");
            }
            for name in left {
                let path = sandbox.path(&name);
                if path.is_file() {
                    assert!(std::fs::metadata(&path).unwrap().len() > 1000, "{name} after {delay} ms");
                    std::fs::remove_file(path).unwrap();
                }
            }
            let _ = std::fs::remove_dir_all(sandbox.path("identity"));
        }
    }
}

#[test]
fn reader_of_standard_output_that_goes_away_is_told() {
    let sandbox = Sandbox::new();
    let long = vector(VIDEO);
    let mut child = softcp_in(&sandbox.path(""))
        .args(["decrypt", &long, "--key", KEY, "-o", "-"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = finish(child, "closed pipe");
    assert_eq!(output.status.code(), Some(3), "{}", errors(&output));
    assert!(errors(&output).contains("broken pipe"), "{}", errors(&output));
}

/// Wherever a file is cut off, `--partial` writes the same samples from a stream as from the file: those that are whole.
#[test]
fn cut_off_streams_are_written_as_far_as_they_are_whole() {
    for (name, is_fragmented) in [("short-frag.mp4", true), ("short-faststart.mp4", false)] {
        let whole = std::fs::read(vector(name)).unwrap();
        let sandbox = Sandbox::new();
        let read = |name: &str| std::fs::read(sandbox.path(name)).unwrap();
        let count = |report: &Value| -> u64 { report["samples"].as_u64().unwrap() };
        let mut counts = Vec::new();
        for len in (1500..=whole.len()).step_by(389).chain([whole.len()]) {
            let cut = &whole[..len];
            sandbox.write("cut.mp4", cut);
            let from_file = ["--json", "decrypt", "cut.mp4", "--key", KEY, "--partial", "-f", "-o", "file.mp4"];
            let of_file = sandbox.softcp(from_file).output().unwrap();
            let from_stream = ["--json", "decrypt", "-", "--key", KEY, "--partial", "-f", "-o", "stream.mp4"];
            let of_stream = sandbox.softcp(from_stream).stdin(cut).output().unwrap();
            assert_eq!(of_file.status.code(), of_stream.status.code(), "{name} {len}");
            if !of_file.status.success() {
                let error = String::from_utf8(of_stream.stderr).unwrap();
                assert!(!error.contains("damaged"), "{name} {len}: {error}");
                continue;
            }
            let [of_file, of_stream]: [Value; 2] =
                [of_file, of_stream].map(|output| serde_json::from_slice(&output.stdout).unwrap());
            assert_eq!(count(&of_file), count(&of_stream), "{name} {len}");
            assert_eq!(of_stream["file_notes"][0]["kind"] == "partial", of_file["file_notes"][0]["kind"] == "partial");
            counts.push(count(&of_stream));
            let (file, stream) = (read("file.mp4"), read("stream.mp4"));
            if is_fragmented {
                assert!(file == stream, "{name} {len}");
            } else {
                // The boxes in front have gone out before the end was known.
                assert_eq!(file.len(), stream.len(), "{name} {len}");
                assert!(file[2500..] == stream[2500..], "{name} {len}");
            }
        }
        assert!(counts.first() < counts.last(), "{counts:?}");
    }
}
