//! `softcp demo`.

use std::collections::HashSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde_json::Value;
use snapbox::cmd::Command;

use crate::support::{Expect as _, Sandbox, driver};

/// A picture: width and RGB pixels.
struct Picture {
    width: usize,
    pixels: Vec<u8>,
}

impl Picture {
    fn read(path: &Path) -> Self {
        let mut reader = png::Decoder::new(BufReader::new(File::open(path).unwrap())).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgb, png::BitDepth::Eight));
        Self { width: usize::try_from(info.width).unwrap(), pixels }
    }

    /// The pixels of a panel of the report.
    fn panel(&self, area: &Value) -> Vec<[u8; 3]> {
        let [x, y, width, height] =
            ["x", "y", "width", "height"].map(|member| usize::try_from(area[member].as_u64().unwrap()).unwrap());
        let at = |row: usize, column: usize| (row * self.width + column) * 3;
        let rows = (y..y + height).flat_map(|row| self.pixels[at(row, x)..at(row, x + width)].chunks_exact(3));
        rows.map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect()
    }
}

/// How many different colours there are, and which share of neighbours in a row of frame pixels has the same one.
fn texture(panel: &[[u8; 3]]) -> (usize, f64) {
    // The frame is shown at twice its size.
    let pixels: Vec<_> = panel.iter().step_by(2).collect();
    let colours = pixels.iter().collect::<HashSet<_>>().len();
    let same = pixels.windows(2).filter(|pair| pair[0] == pair[1]).count();
    #[expect(clippy::cast_precision_loss, reason = "pictures have far fewer than 2^52 pixels")]
    let share = same as f64 / pixels.len() as f64;
    (colours, share)
}

fn report(sandbox: &Sandbox, args: &[&str], code: i32) -> Value {
    let all = ["demo", "--json"].iter().chain(args).copied();
    let output = sandbox.softcp(all).assert().code(code);
    serde_json::from_slice(&output.get_output().stdout).unwrap()
}

#[test]
fn demo_reports_what_happened() {
    let sandbox = Sandbox::new();
    sandbox.softcp(["demo", "--clip", "clear.mp4"]).expect(0, "demo");
    let clip = std::fs::read(sandbox.path("clear.mp4")).unwrap();
    assert!(clip.windows(4).any(|kind| kind == b"avc1") && !clip.windows(4).any(|kind| kind == b"encv"));
}

#[test]
fn panels_show_frame_noise_noise_frame() {
    let sandbox = Sandbox::new();
    let report = report(&sandbox, &[], 0);
    let picture = Picture::read(&sandbox.path("softcp-demo.png"));
    let panels: Vec<_> = report["panels"].as_array().unwrap().iter().map(|area| picture.panel(area)).collect();
    assert_eq!(panels.iter().map(Vec::len).collect::<Vec<_>>(), [640 * 360; 4]);
    assert_eq!(panels[0], panels[3]);
    assert_ne!(panels[1], panels[2]);
    let textures: Vec<_> = panels.iter().map(|panel| texture(panel)).collect();
    for (index, &(colours, same)) in textures.iter().enumerate() {
        let is_noise = index == 1 || index == 2;
        // Of noise in YCbCr about half is cut off to the edges of the colour space, so some neighbours are equal.
        assert_eq!(colours > 10_000 && same < 0.2, is_noise, "panel {}: {textures:?}", index + 1);
    }
}

#[test]
fn every_capability_profile_brings_the_frame_back() {
    for options in [
        "capabilities.profile=hardware-like",
        "capabilities.flags.protection_always_on=true",
        "capabilities.flags.encrypted_read_back_key=false;capabilities.flags.freshen_session_key=false",
        "identity.encoding=der",
    ] {
        let sandbox = Sandbox::new();
        let output = sandbox.softcp(["demo", "--json"]).env("SOFTCP_OPTIONS", options).assert().success();
        let report: Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
        assert_eq!(report["surface"]["read_back_identical"], true, "{options}");
    }
}

#[test]
fn driver_without_refresh_and_read_back_key_is_reported_so() {
    let options = "capabilities.flags.encrypted_read_back_key=false;capabilities.flags.freshen_session_key=false";
    Sandbox::new().softcp(["demo"]).env("SOFTCP_OPTIONS", options).expect(0, "demo-few-capabilities");
}

#[test]
fn every_fault_happens_and_is_recovered_from() {
    for (fault, remedy) in [
        ("key-lost", "new-keys"),
        ("key-and-content-lost", "new-keys"),
        ("device-removed", "start-over"),
        ("protected-memory-exhausted", "start-over"),
        ("out-of-memory", "start-over"),
        ("unsupported-crypto", "start-over"),
        ("certificate-expired", "start-over"),
        ("certificate-wrong-root", "start-over"),
        ("certificate-wrong-key", "start-over"),
        ("certificate-revoked", "start-over"),
        ("slow-key-exchange", "wait"),
        ("wrong-mac", "start-over"),
        ("repeated-random-number", "refresh-again"),
        ("refresh-refused", "refresh-later"),
    ] {
        let report = report(&Sandbox::new(), &["--fault", fault], 0);
        let incidents = report["incidents"].as_array().unwrap();
        assert!(incidents.len() == 1 && incidents[0]["remedy"] == remedy, "{fault}: {report}");
        assert_eq!(
            (&report["clip"]["is_identical"], &report["surface"]["read_back_identical"]),
            (&true.into(), &true.into())
        );
    }
    assert_eq!(softcp_faults().len(), 14, "each has its line above");
}

#[test]
fn revocation_that_the_driver_cannot_show_is_an_error_that_says_what_to_do() {
    let sandbox = Sandbox::new();
    sandbox.make_identity("identity");
    std::fs::remove_file(sandbox.path("identity/crl.pem")).unwrap();
    for (options, golden) in [
        ("identity.encoding=der", "demo-fault-no-place-for-list"),
        ("identity.directory=identity", "demo-fault-no-list"),
    ] {
        let command = sandbox.softcp(["demo", "--fault", "certificate-revoked"]);
        command.env("SOFTCP_OPTIONS", options).expect(3, golden);
    }
}

/// The names of all faults.
fn softcp_faults() -> Vec<&'static str> {
    softcp::faults::Fault::ALL.iter().map(|fault| fault.name()).collect()
}

#[test]
fn fault_that_hits_the_frame_is_recovered_from_too() {
    let report = report(&Sandbox::new(), &["--fault", "device-removed at=162"], 0);
    let incidents = report["incidents"].as_array().unwrap();
    assert!(incidents.iter().any(|incident| incident["track_id"].is_null()), "{report}");
}

#[test]
fn fault_is_shown_and_one_that_does_not_occur_fails_the_check() {
    let sandbox = Sandbox::new();
    sandbox.softcp(["demo", "--fault", "key-lost"]).expect(0, "demo-fault");
    sandbox.softcp(["demo", "--fault", "key-lost at=100000"]).expect(1, "demo-fault-never");
    sandbox.softcp(["demo", "--fault", "key-lots"]).expect(2, "demo-fault-unknown");
}

/// The command on a driver with a defect.
fn broken(sandbox: &Sandbox, defect: &str, args: &[&str]) -> Command {
    sandbox
        .softcp(["demo", "--any-root", "--driver", &driver("foreign_driver")])
        .args(args)
        .env("SOFTCP_TEST_INNER_DRIVER", driver("driver"))
        .env("SOFTCP_TEST_DEFECT", defect)
}

#[test]
fn driver_that_reads_back_nothing_fails_the_check() {
    let sandbox = Sandbox::new();
    broken(&sandbox, "read-back", &["--without-channel"]).expect(1, "demo-broken-driver");
    assert!(sandbox.path("softcp-demo.png").exists());
}

#[test]
fn driver_that_reads_back_nothing_under_protection_gives_no_clip() {
    let sandbox = Sandbox::new();
    let output = broken(&sandbox, "read-back", &[]).assert().code(1);
    let stderr = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    assert!(stderr.starts_with("error: the driver did not give the clip back as it was: "), "{stderr}");
    assert!(!sandbox.path("softcp-demo.png").exists());
}

#[test]
fn protection_forbids_what_it_should_while_it_is_on_and_nothing_after() {
    for (options, always_on) in [("", false), ("capabilities.flags.protection_always_on=true", true)] {
        let output = Sandbox::new().softcp(["demo", "--json"]).env("SOFTCP_OPTIONS", options).assert().success();
        let report: Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
        let protection = &report["protection"];
        assert_eq!(protection["always_on"], always_on);
        for attempt in ["map", "blit"] {
            assert_eq!(protection["while_on"][attempt]["allowed"], false, "{report}");
            assert_eq!(protection["after_off"][attempt]["allowed"], !always_on, "{report}");
        }
        assert_eq!(report["channel"]["protection_off_again"], !always_on);
    }
}

#[test]
fn driver_that_protects_at_all_times_stays_protected() {
    let options = "capabilities.flags.protection_always_on=true";
    Sandbox::new().softcp(["demo"]).env("SOFTCP_OPTIONS", options).expect(0, "demo-always-on");
}

#[test]
fn demo_without_channel_is_reported_so() {
    Sandbox::new().softcp(["demo", "--without-channel"]).expect(0, "demo-without-channel");
}

#[test]
fn driver_that_lacks_channels_or_decoders_is_shown_without_them_only() {
    let sandbox = Sandbox::new();
    for (defect, golden) in [("no-channels", "demo-no-channels"), ("no-decoders", "demo-no-decoders")] {
        broken(&sandbox, defect, &[]).expect(1, golden);
        assert!(!sandbox.path("softcp-demo.png").exists(), "{defect}");
        broken(&sandbox, defect, &["--without-channel"]).assert().success();
        std::fs::remove_file(sandbox.path("softcp-demo.png")).unwrap();
    }
}

#[test]
fn driver_whose_channel_cannot_be_believed_is_refused() {
    let sandbox = Sandbox::new();
    broken(&sandbox, "omac-command", &[]).expect(1, "demo-forged-answer");
    assert!(!sandbox.path("softcp-demo.png").exists());
}

#[test]
fn driver_without_read_back_is_refused() {
    let sandbox = Sandbox::new();
    let options = "capabilities.flags.encrypted_read_back=false;capabilities.flags.encrypted_read_back_key=false";
    sandbox.softcp(["demo"]).env("SOFTCP_OPTIONS", options).expect(1, "demo-no-read-back");
    let without_channel = sandbox.softcp(["demo", "--without-channel"]).env("SOFTCP_OPTIONS", options);
    without_channel.expect(1, "demo-not-offered");
}

#[test]
fn default_picture_is_replaced_and_a_named_one_is_not() {
    let sandbox = Sandbox::new();
    sandbox.write("softcp-demo.png", "old");
    sandbox.write("mine.png", "mine");
    sandbox.softcp(["demo"]).assert().success();
    assert_ne!(std::fs::read(sandbox.path("softcp-demo.png")).unwrap(), b"old");
    sandbox.softcp(["demo", "-o", "mine.png"]).expect(3, "demo-exists");
    assert_eq!(std::fs::read(sandbox.path("mine.png")).unwrap(), b"mine");
    sandbox.softcp(["demo", "-o", "mine.png", "--force"]).assert().success();
    assert_ne!(std::fs::read(sandbox.path("mine.png")).unwrap(), b"mine");
}

#[test]
fn picture_that_cannot_be_written_is_named() {
    Sandbox::new().softcp(["demo", "-o", "none/demo.png"]).expect(3, "demo-no-directory");
}

#[test]
fn untrusted_driver_is_refused() {
    let sandbox = Sandbox::new();
    sandbox
        .softcp(["demo", "--driver", &driver("foreign_driver")])
        .env("SOFTCP_TEST_INNER_DRIVER", driver("driver"))
        .expect(1, "demo-foreign-driver");
    assert!(!sandbox.path("softcp-demo.png").exists());
}

#[cfg(unix)]
#[test]
fn sample_is_decrypted_by_the_printed_command_as_typed() {
    let sandbox = Sandbox::new();
    for directory in ["sample", "my sample's"] {
        let output = sandbox.softcp(["demo", "--write-sample", directory]).assert().success();
        let command = String::from_utf8(output.get_output().stdout.clone()).unwrap();
        assert_eq!(command.lines().count(), 1, "{command}");
        let bin = Path::new(env!("CARGO_BIN_EXE_softcp")).parent().unwrap();
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let mut shell = std::process::Command::new("sh");
        crate::support::without_configuration(&mut shell, &sandbox.path(""));
        let ran = shell.args(["-c", &command]).env("PATH", path).output().unwrap();
        assert!(ran.status.success(), "{command}: {}", String::from_utf8_lossy(&ran.stderr));
        let clear = sandbox.path(directory).join("softcp-sample-clear.mp4");
        assert!(std::fs::metadata(clear).unwrap().len() > 1000);
    }
    // What is there is not replaced without being asked.
    sandbox.softcp(["demo", "--write-sample", "sample"]).expect(3, "demo-sample-exists");
    sandbox.softcp(["demo", "--write-sample", "sample", "--force"]).expect(0, "demo-sample");
    sandbox.softcp(["demo", "--write-sample", "sample", "--clip", "a.mp4"]).expect(2, "demo-sample-clip");
}
