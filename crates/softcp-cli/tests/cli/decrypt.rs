//! `softcp decrypt`.

use crate::support::{Expect as _, KEY, LICENCE, Sandbox, driver, limited_softcp_in, names, vector};

/// The clear bytes of a file, made here; everything else is the player's affair and tested there.
fn decrypted(name: &str, args: &[&str]) -> Vec<u8> {
    let sandbox = Sandbox::new();
    let input = vector(name);
    let command = sandbox.softcp(["decrypt", &input, "-o", "out.mp4"]).args(args);
    command.assert().success();
    std::fs::read(sandbox.path("out.mp4")).unwrap()
}

#[test]
fn file_of_two_tracks_is_reported_track_by_track() {
    let sandbox = Sandbox::new();
    let input = vector("ff-cenc-faststart.mp4");
    sandbox.softcp(["decrypt", &input, "--key", KEY, "-o", "clear.mp4"]).expect(0, "decrypt");
    let (encrypted, clear) = (std::fs::read(input).unwrap(), std::fs::read(sandbox.path("clear.mp4")).unwrap());
    assert_eq!(encrypted.len(), clear.len());
    assert_ne!(encrypted, clear);
    assert!(!clear.windows(4).any(|kind| kind == b"encv" || kind == b"senc"));
}

#[test]
fn refresh_interval_changes_no_byte() {
    let every = |n| decrypted("ff-cenc-faststart.mp4", &["--key", KEY, "--refresh-every", n]);
    assert_eq!(every("0"), every("1"));
}

#[test]
fn driver_from_a_library_gives_the_same_bytes() {
    let name = "gpac-cens-1-9.mp4";
    let built_in = decrypted(name, &["--key", KEY]);
    assert_eq!(built_in, decrypted(name, &["--key", KEY, "--driver", &driver("driver")]));
}

#[test]
fn key_file_is_as_good_as_keys_on_the_command_line() {
    let sandbox = Sandbox::new();
    sandbox.write("keys.txt", format!("# keys\n\n{KEY}\n"));
    let file = sandbox.path("keys.txt");
    let from_file = decrypted("ff-cenc-faststart.mp4", &["--key-file", file.to_str().unwrap()]);
    assert_eq!(from_file, decrypted("ff-cenc-faststart.mp4", &["--key", KEY]));
}

#[test]
fn licence_is_as_good_as_keys() {
    let sandbox = Sandbox::new();
    sandbox.write("licence.json", LICENCE);
    let input = vector("ff-cenc-faststart.mp4");
    let args = ["decrypt", &input, "--licence", "licence.json", "-o", "clear.mp4"];
    sandbox.softcp(args).expect(0, "decrypt-licence");
    let by_licence = std::fs::read(sandbox.path("clear.mp4")).unwrap();
    assert_eq!(by_licence, decrypted("ff-cenc-faststart.mp4", &["--key", KEY]));
}

#[test]
fn faults_are_survived_and_told() {
    let sandbox = Sandbox::new();
    let faults = "faults.list=device-removed at=200,refresh-refused at=1,key-lost at=70 times=2";
    let input = vector("ff-cenc-faststart.mp4");
    let args = ["decrypt", &input, "--key", KEY, "-o", "clear.mp4", "--restarts", "1"];
    sandbox.softcp(args).env("SOFTCP_OPTIONS", faults).expect(0, "decrypt-faults");
    assert_eq!(std::fs::read(sandbox.path("clear.mp4")).unwrap(), decrypted("ff-cenc-faststart.mp4", &["--key", KEY]));
    let args = ["decrypt", &input, "--key", KEY, "-o", "again.mp4"];
    sandbox.softcp(args).env("SOFTCP_OPTIONS", faults).expect(1, "decrypt-device-removed");
    assert!(!sandbox.path("again.mp4").exists());
}

#[test]
fn licence_needs_a_secure_environment() {
    const ON: &str = "capabilities.flags.hardware_drm_communication=true";
    let sandbox = Sandbox::new();
    sandbox.write("licence.json", LICENCE);
    let input = vector("ff-cenc-audio.mp4");
    let args = ["decrypt", &input, "--licence", "licence.json", "-o", "out.mp4"];
    let with = |args: &[&str], options: &str| sandbox.softcp(args.iter().copied()).env("SOFTCP_OPTIONS", options);
    // What the configuration says about it holds.
    with(&args, "capabilities.flags.hardware_drm_communication=false").expect(1, "decrypt-licence-not-offered");
    let library = driver("driver");
    let loaded = [&args[..], &["--driver", &library]].concat();
    with(&loaded, "").expect(1, "decrypt-licence-not-offered");
    assert!(!sandbox.path("out.mp4").exists());
    with(&loaded, ON).assert().success();
}

#[test]
fn licence_that_cannot_be_used_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("licence.json", LICENCE);
    let input = vector("gpac-cenc-two-keys.mp4");
    let decrypt = |licence| sandbox.softcp(["decrypt", &input, "-o", "out.mp4", "--licence", licence]);
    decrypt("licence.json").expect(1, "decrypt-licence-lacks-key");
    decrypt("none.json").expect(3, "decrypt-no-licence");
    sandbox.write("licence.json", LICENCE.replace("\"k\"", "\"key\""));
    decrypt("licence.json").expect(2, "decrypt-licence-no-k");
    sandbox.write("licence.json", &LICENCE[1..]);
    decrypt("licence.json").expect(2, "decrypt-licence-no-json");
    let longer = format!("{LICENCE}{}", " ".repeat(65_536));
    sandbox.write("licence.json", longer);
    let one_key = vector("ff-cenc-audio.mp4");
    sandbox
        .softcp(["decrypt", &one_key, "-o", "out.mp4", "--licence", "licence.json"])
        .expect(1, "decrypt-licence-too-long");
    assert!(!sandbox.path("out.mp4").exists());
}

#[test]
fn licence_excludes_keys() {
    let sandbox = Sandbox::new();
    sandbox
        .softcp(["decrypt", "in.mp4", "-o", "out.mp4", "--licence", "licence.json", "--key", KEY])
        .expect(2, "decrypt-licence-and-key");
    let with_file = ["decrypt", "in.mp4", "-o", "out.mp4", "--licence", "licence.json", "--key-file", "keys.txt"];
    sandbox.softcp(with_file).expect(2, "decrypt-licence-and-key-file");
}

#[test]
fn clear_track_is_copied() {
    let input = vector("gpac-cenc-clear-audio.mp4");
    Sandbox::new().softcp(["decrypt", &input, "--key", KEY, "-o", "clear.mp4"]).expect(0, "decrypt-clear-audio");
}

#[test]
fn selected_track_is_decrypted_and_the_other_copied() {
    let input = vector("ff-cenc-faststart.mp4");
    let args = ["decrypt", &input, "--key", KEY, "-o", "clear.mp4", "--track", "2"];
    Sandbox::new().softcp(args).expect(0, "decrypt-one-track");
}

#[test]
fn driver_without_key_refresh_is_noted() {
    let input = vector("ff-cenc-audio.mp4");
    Sandbox::new()
        .softcp(["decrypt", &input, "--key", KEY, "-o", "clear.mp4"])
        .env("SOFTCP_OPTIONS", "capabilities.flags.freshen_session_key=false")
        .expect(0, "decrypt-no-refresh");
}

#[test]
fn channel_or_none_changes_no_byte() {
    let name = "ff-cenc-faststart.mp4";
    assert_eq!(decrypted(name, &["--key", KEY]), decrypted(name, &["--key", KEY, "--without-channel"]));
}

#[test]
fn file_without_channel_is_reported_so() {
    let input = vector("ff-cenc-audio.mp4");
    let args = ["decrypt", &input, "--key", KEY, "-o", "clear.mp4", "--without-channel"];
    Sandbox::new().softcp(args).expect(0, "decrypt-without-channel");
}

#[test]
fn driver_that_protects_at_all_times_stays_protected() {
    let input = vector("ff-cenc-audio.mp4");
    let args = ["decrypt", &input, "--key", KEY, "-o", "clear.mp4"];
    Sandbox::new()
        .softcp(args)
        .env("SOFTCP_OPTIONS", "capabilities.flags.protection_always_on=true")
        .expect(0, "decrypt-always-on");
}

#[test]
fn driver_that_lacks_channels_or_decoders_decrypts_without_them_only() {
    let sandbox = Sandbox::new();
    let input = vector("ff-cenc-audio.mp4");
    let foreign = driver("foreign_driver");
    let args = ["decrypt", &input, "--key", KEY, "-o", "out.mp4", "--any-root", "--driver", &foreign];
    for (defect, golden) in [("no-channels", "decrypt-no-channels"), ("no-decoders", "decrypt-no-decoders")] {
        let with_defect = |args: &[&str]| {
            let command = sandbox.softcp(args.iter().copied()).env("SOFTCP_TEST_INNER_DRIVER", driver("driver"));
            command.env("SOFTCP_TEST_DEFECT", defect)
        };
        with_defect(&args).expect(1, golden);
        assert!(!sandbox.path("out.mp4").exists(), "{defect}");
        with_defect(&[&args[..], &["--without-channel"]].concat()).assert().success();
        std::fs::remove_file(sandbox.path("out.mp4")).unwrap();
    }
}

#[test]
fn driver_whose_channel_cannot_be_believed_is_refused() {
    let sandbox = Sandbox::new();
    let input = vector("ff-cenc-audio.mp4");
    let foreign = driver("foreign_driver");
    let args = ["decrypt", &input, "--key", KEY, "-o", "out.mp4", "--any-root", "--driver", &foreign];
    for (defect, golden) in [("omac-command", "decrypt-forged-answer"), ("unbound", "decrypt-not-bound")] {
        let command = sandbox.softcp(args).env("SOFTCP_TEST_INNER_DRIVER", driver("driver"));
        command.env("SOFTCP_TEST_DEFECT", defect).expect(1, golden);
        assert!(!sandbox.path("out.mp4").exists(), "{defect}");
    }
}

#[test]
fn driver_without_read_back_decrypts_without_channel_only() {
    let sandbox = Sandbox::new();
    let input = vector("ff-cenc-audio.mp4");
    let options = "capabilities.flags.encrypted_read_back=false;capabilities.flags.encrypted_read_back_key=false";
    let args = ["decrypt", &input, "--key", KEY, "-o", "out.mp4"];
    let without_read_back = |args: &[&str]| sandbox.softcp(args.iter().copied()).env("SOFTCP_OPTIONS", options);
    without_read_back(&args).expect(1, "decrypt-no-read-back");
    assert!(!sandbox.path("out.mp4").exists());
    without_read_back(&[&args[..], &["--without-channel"]].concat()).assert().success();
}

#[test]
fn existing_output_needs_force() {
    let sandbox = Sandbox::new();
    let input = vector("ff-cenc-audio.mp4");
    sandbox.write("clear.mp4", "mine");
    sandbox.softcp(["decrypt", &input, "--key", KEY, "-o", "clear.mp4"]).expect(3, "decrypt-exists");
    assert_eq!(std::fs::read(sandbox.path("clear.mp4")).unwrap(), b"mine");
    sandbox.softcp(["decrypt", &input, "--key", KEY, "-o", "clear.mp4", "--force"]).assert().success();
    assert_ne!(std::fs::read(sandbox.path("clear.mp4")).unwrap(), b"mine");
}

#[test]
fn missing_key_is_named_with_its_track() {
    let sandbox = Sandbox::new();
    let input = vector("gpac-cenc-two-keys.mp4");
    sandbox.softcp(["decrypt", &input, "--key", KEY, "-o", "clear.mp4"]).expect(1, "decrypt-missing-key");
    assert!(!sandbox.path("clear.mp4").exists());
}

#[test]
fn file_of_cbcs_is_decrypted_by_the_decoder() {
    let input = vector("pk-cbcs-v.mp4");
    Sandbox::new().softcp(["decrypt", &input, "--key", KEY, "-o", "clear.mp4"]).expect(0, "decrypt-cbcs");
}

#[test]
fn file_of_cbcs_without_a_channel_takes_a_licence() {
    let input = vector("pk-cbcs-v.mp4");
    let args = ["decrypt", &input, "--key", KEY, "-o", "clear.mp4", "--without-channel"];
    Sandbox::new().softcp(args).expect(1, "decrypt-cbcs-without-channel");
}

#[test]
fn clear_file_is_refused() {
    let input = vector("clear.mp4");
    Sandbox::new().softcp(["decrypt", &input, "--key", KEY, "-o", "out.mp4"]).expect(1, "decrypt-clear");
}

#[test]
fn file_that_is_no_mp4_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("in.mp4", "This is a text file that happens to be called MP4.");
    sandbox.softcp(["decrypt", "in.mp4", "--key", KEY, "-o", "out.mp4"]).expect(1, "decrypt-no-mp4");
}

#[test]
fn truncated_file_is_refused_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    let whole = std::fs::read(vector("ff-cenc-faststart.mp4")).unwrap();
    sandbox.write("in.mp4", &whole[..whole.len() / 2]);
    sandbox.softcp(["decrypt", "in.mp4", "--key", KEY, "-o", "out.mp4"]).expect(1, "decrypt-truncated");
    assert_eq!(std::fs::read_dir(sandbox.path("")).unwrap().count(), 1);
}

#[test]
fn missing_input_and_unwritable_output_are_named() {
    let sandbox = Sandbox::new();
    sandbox.softcp(["decrypt", "none.mp4", "--key", KEY, "-o", "out.mp4"]).expect(3, "decrypt-no-input");
    let input = vector("ff-cenc-audio.mp4");
    sandbox.softcp(["decrypt", &input, "--key", KEY, "-o", "none/out.mp4"]).expect(3, "decrypt-no-directory");
    sandbox.softcp(["decrypt", &input, "--key", KEY, "-o", "."]).expect(3, "decrypt-output-directory");
}

#[test]
fn input_as_output_is_refused() {
    let sandbox = Sandbox::new();
    let bytes = std::fs::read(vector("ff-cenc-audio.mp4")).unwrap();
    sandbox.write("in.mp4", &bytes);
    sandbox.softcp(["decrypt", "in.mp4", "--key", KEY, "-o", "./in.mp4", "--force"]).expect(2, "decrypt-onto-itself");
    assert_eq!(std::fs::read(sandbox.path("in.mp4")).unwrap(), bytes);
}

#[test]
fn bad_keys_are_refused_and_not_repeated() {
    let sandbox = Sandbox::new();
    let (kid, key) = KEY.split_once(':').unwrap();
    for (name, text) in [
        ("decrypt-key-no-colon", "nonsense".to_owned()),
        ("decrypt-key-short", format!("{kid}:{}", &key[..30])),
        ("decrypt-kid-not-hexadecimal", format!("{}zz:{key}", &kid[..30])),
    ] {
        let output = sandbox.softcp(["decrypt", "in.mp4", "-o", "out.mp4", "--key", &text]).assert();
        assert!(!String::from_utf8_lossy(&output.get_output().stderr).contains(&key[..30]), "{name}");
        output.expect(2, name);
    }
    sandbox.write("keys.txt", format!("{KEY}\nnonsense\n"));
    sandbox.softcp(["decrypt", "in.mp4", "-o", "out.mp4", "--key-file", "keys.txt"]).expect(2, "decrypt-key-file");
    sandbox.softcp(["decrypt", "in.mp4", "-o", "out.mp4", "--key-file", "none.txt"]).expect(3, "decrypt-no-key-file");
    sandbox.softcp(["decrypt", "in.mp4", "-o", "out.mp4"]).expect(2, "decrypt-no-key");
}

#[test]
fn tracks_that_cannot_be_selected_are_refused() {
    let sandbox = Sandbox::new();
    let input = vector("gpac-cenc-clear-audio.mp4");
    let args = |track| ["decrypt", &input, "--key", KEY, "-o", "out.mp4", "--track", track];
    sandbox.softcp(args("9")).expect(2, "decrypt-no-such-track");
    sandbox.softcp(args("2")).expect(2, "decrypt-clear-track");
}

#[test]
fn untrusted_driver_is_refused_before_anything_is_written() {
    let sandbox = Sandbox::new();
    let input = vector("ff-cenc-audio.mp4");
    let foreign = driver("foreign_driver");
    let args = ["decrypt", &input, "--key", KEY, "-o", "out.mp4", "--driver", &foreign];
    let with_inner =
        |args: &[&str]| sandbox.softcp(args.iter().copied()).env("SOFTCP_TEST_INNER_DRIVER", driver("driver"));
    with_inner(&args).expect(1, "decrypt-foreign-driver");
    assert!(!sandbox.path("out.mp4").exists());
    with_inner(&[&args[..], &["--any-root"]].concat()).expect(0, "decrypt-any-root");
}

#[test]
fn driver_that_cannot_decrypt_is_refused() {
    let input = vector("ff-cenc-audio.mp4");
    Sandbox::new()
        .softcp(["decrypt", &input, "--key", KEY, "-o", "out.mp4"])
        .env("SOFTCP_OPTIONS", "capabilities.flags.content_key=false")
        .expect(1, "decrypt-not-offered");
}

/// The shell's limit on the size of files stands for a disk that is full: writing fails half-way.
#[cfg(target_os = "linux")]
#[test]
fn output_that_does_not_fit_is_an_error_of_the_environment_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    let directory = sandbox.path("");
    // Identities are small; the file is larger.
    let run = |rest: &[&str]| {
        limited_softcp_in(&directory, 16)
            .arg("decrypt")
            .args([&vector("ff-cenc-frag-video.mp4"), "--key", KEY, "-o", "out.mp4"])
            .args(rest)
            .output()
            .unwrap()
    };
    for rest in [&[][..], &["--without-channel"], &["--restarts", "9"]] {
        let output = run(rest);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{errors}");
        assert!(errors.contains("cannot write out.mp4: file too large"), "{errors}");
        assert!(errors.contains("ulimit"), "{errors}");
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 0);
    }
}

#[test]
fn two_keys_for_one_kid_are_a_usage_error_that_names_it() {
    let sandbox = Sandbox::new();
    let (kid, _) = KEY.split_once(':').unwrap();
    let other = format!("{kid}:00000000000000000000000000000000");
    let input = vector("ff-cenc-audio.mp4");
    let args = ["decrypt", &input, "-o", "out.mp4", "--key", KEY];
    sandbox.softcp(args).args(["--key", &other]).expect(2, "decrypt-two-keys");
    sandbox.write("keys.txt", &other);
    sandbox.softcp(args).args(["--key-file", "keys.txt"]).expect(2, "decrypt-two-keys");
    assert!(!sandbox.path("out.mp4").exists());
    sandbox.write("keys.txt", format!("\u{feff}{KEY}\r\n"));
    sandbox.softcp(args).args(["--key-file", "keys.txt"]).assert().success();
}

#[test]
fn key_of_a_track_and_key_for_everything_are_as_good_as_that_of_the_kid() {
    let (_, key) = KEY.split_once(':').unwrap();
    let name = "ff-cenc-faststart.mp4";
    let expected = decrypted(name, &["--key", KEY]);
    assert_eq!(decrypted(name, &["--key", key]), expected);
    assert_eq!(decrypted(name, &["--key", &format!("1:{key}"), "--key", &format!("2:0x{key}")]), expected);
}

#[test]
fn keys_in_other_forms_are_told() {
    let input = vector("ff-cenc-audio.mp4");
    let guid = "4d3c2b1a-6f5e-8170-9203-142536475869:0x0f1e2d3c4b5a69788796a5b4c3d2e1f0";
    Sandbox::new().softcp(["decrypt", &input, "--key", guid, "-o", "clear.mp4"]).expect(0, "decrypt-guid-order");
}

#[test]
fn several_inputs_have_their_outputs_in_a_directory() {
    let sandbox = Sandbox::new();
    let inputs = [vector("ff-cenc-audio.mp4"), vector("ff-cenc-faststart.mp4")];
    let args = ["decrypt", &inputs[0], &inputs[1], "--key", KEY];
    sandbox.softcp(args).args(["--output-dir", "new/clear"]).assert().success().stderr_eq("");
    assert_eq!(names(&sandbox.path("new/clear")), ["ff-cenc-audio.mp4", "ff-cenc-faststart.mp4"]);
    for name in names(&sandbox.path("new/clear")) {
        assert_eq!(std::fs::read(sandbox.path("new/clear").join(&name)).unwrap(), decrypted(&name, &["--key", KEY]));
    }
    sandbox.softcp(args).args(["-o", "out.mp4"]).expect(2, "decrypt-two-inputs");
    sandbox.softcp(args).args(["--output-dir", "new/clear"]).assert().code(3);
    sandbox.softcp(["decrypt", &inputs[0], &inputs[0], "--key", KEY, "--output-dir", "x"]).assert().code(2);
    // The inputs' own directory would replace them.
    std::fs::copy(&inputs[0], sandbox.path("in.mp4")).unwrap();
    let own = ["decrypt", "in.mp4", "--key", KEY, "--output-dir", ".", "--force"];
    sandbox.softcp(own).expect(2, "decrypt-own-directory");
    assert_eq!(std::fs::read(sandbox.path("in.mp4")).unwrap(), std::fs::read(&inputs[0]).unwrap());
}

#[test]
fn input_that_is_bad_does_not_stop_the_others() {
    let sandbox = Sandbox::new();
    sandbox.write("bad.mp4", "This is a text file that happens to be called MP4.");
    let good = vector("ff-cenc-audio.mp4");
    let command = sandbox.softcp(["decrypt", "bad.mp4", &good, "--key", KEY, "--output-dir", "clear"]);
    let output = command.assert().code(1);
    assert!(String::from_utf8_lossy(&output.get_output().stderr).contains("bad.mp4"));
    assert_eq!(names(&sandbox.path("clear")), ["ff-cenc-audio.mp4"]);
    // And a directory in which nothing is goes again.
    sandbox.softcp(["decrypt", "bad.mp4", "--key", KEY, "--output-dir", "new"]).assert().code(1);
    assert!(!sandbox.path("new").exists());
}

#[test]
fn media_segments_come_out_one_by_one() {
    let sandbox = Sandbox::new();
    let whole = std::fs::read(vector("ff-cenc-frag-video.mp4")).unwrap();
    let clear = decrypted("ff-cenc-frag-video.mp4", &["--key", KEY]);
    let is = |at: usize, kind: &[u8]| whole.get(at + 4..at + 8) == Some(kind);
    let (mut at, mut cuts) = (0, Vec::new());
    while at < whole.len() {
        if is(at, b"moof") {
            cuts.push(at);
        }
        at += u32::from_be_bytes(whole[at..at + 4].try_into().unwrap()) as usize;
    }
    assert!(cuts.len() > 1);
    sandbox.write("init.mp4", &whole[..cuts[0]]);
    let mut inputs = Vec::new();
    for (number, cut) in cuts.iter().enumerate() {
        let end = cuts.get(number + 1).copied().unwrap_or(whole.len());
        sandbox.write(&format!("{number}.m4s"), &whole[*cut..end]);
        inputs.push((format!("{number}.m4s"), *cut..end));
    }
    let names = inputs.iter().map(|(name, _)| name.as_str());
    let args = ["decrypt", "--init", "init.mp4", "--key", KEY, "--output-dir", "clear"].into_iter().chain(names);
    sandbox.softcp(args).assert().success().stderr_eq("");
    for (name, range) in inputs {
        assert!(std::fs::read(sandbox.path("clear").join(&name)).unwrap() == clear[range], "{name}");
    }
    // Without it a segment is not understood, and the error says what is missing.
    sandbox.softcp(["decrypt", "0.m4s", "--key", KEY, "-o", "out.mp4"]).assert().code(1);
}
