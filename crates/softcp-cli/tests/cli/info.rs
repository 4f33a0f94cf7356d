//! `softcp info`.

use serde_json::Value;

use crate::support::{Expect as _, KEY, Sandbox, vector};

fn report(args: &[&str]) -> Value {
    let output = Sandbox::new().softcp(["--json", "info"].into_iter().chain(args.iter().copied())).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn file_is_described_without_a_key() {
    let sandbox = Sandbox::new();
    for (name, golden) in [
        ("ff-cenc-faststart.mp4", "info"),
        ("gpac-cenc-key-roll-frag.mp4", "info-key-roll"),
        ("pk-cenc-clear-lead-v.mp4", "info-clear-lead"),
        ("pk-cbcs-v.mp4", "info-cbcs"),
        ("clear.mp4", "info-clear"),
    ] {
        sandbox.softcp(["info", &vector(name)]).expect(0, golden);
    }
}

#[test]
fn counts_are_those_of_decrypt() {
    for name in ["ff-cenc-faststart.mp4", "gpac-cens-1-9.mp4", "ff-cenc-frag-video.mp4"] {
        let info = report(&[&vector(name)]);
        let sandbox = Sandbox::new();
        let args = ["--json", "decrypt", &vector(name), "--key", KEY, "-o", "out.mp4"];
        let decrypted: Value = serde_json::from_slice(&sandbox.softcp(args).output().unwrap().stdout).unwrap();
        for (track, decrypted) in info["tracks"].as_array().unwrap().iter().zip(decrypted["tracks"].as_array().unwrap())
        {
            assert_eq!(track["id"], decrypted["id"], "{name}");
            assert_eq!(track["decryption"] == "decrypts", decrypted["decrypted"] == true, "{name}");
            if decrypted["decrypted"] == false {
                continue;
            }
            for member in ["samples", "bytes", "bytes_encrypted", "key_ids", "scheme", "codec"] {
                assert_eq!(track[member], decrypted[member], "{name}: {member}");
            }
        }
        assert_eq!(info["bytes"], decrypted["bytes"]);
        assert_eq!(info["problem"], Value::Null);
    }
}

/// What is odd about a file is told by both commands, in the same words.
#[test]
fn notes_are_those_of_decrypt() {
    let case = |name: &str| vector(name).replace("/cenc/", "/cases/");
    for (name, keys) in [("trailing-text.mp4", 1), ("two-senc.mp4", 1), ("unused-kid-no-key.mp4", 1)] {
        let info = report(&[&case(name)]);
        let sandbox = Sandbox::new();
        let key = "000102030405060708090a0b0c0d0e0f:f0e1d2c3b4a5968778695a4b3c2d1e0f";
        let args = ["--json", "decrypt", &case(name), "--key", key, "-o", "out.mp4"];
        let decrypted: Value = serde_json::from_slice(&sandbox.softcp(args).output().unwrap().stdout).unwrap();
        let kinds = |report: &Value| {
            let notes = report["file_notes"].as_array().unwrap().iter();
            let mut kinds: Vec<_> = notes.map(|note| (note["kind"].to_string(), note["offset"].clone())).collect();
            kinds.sort_by_key(|(kind, _)| kind.clone());
            kinds
        };
        assert!(!kinds(&info).is_empty(), "{name}");
        assert_eq!(kinds(&info), kinds(&decrypted), "{name}");
        assert_eq!(info["key_ids"].as_array().unwrap().len(), keys, "{name}");
    }
}

#[test]
fn stream_and_file_are_described_alike() {
    let path = vector("gpac-cenc-two-keys-frag.mp4");
    let bytes = std::fs::read(&path).unwrap();
    let sandbox = Sandbox::new();
    let output = sandbox.softcp(["--json", "info", "-"]).stdin(bytes).output().unwrap();
    let mut streamed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(streamed["file"], "standard input");
    streamed["file"] = path.clone().into();
    assert_eq!(streamed, report(&[&path]));
}

#[test]
fn damage_is_told_and_what_comes_before_is_counted() {
    let sandbox = Sandbox::new();
    let whole = std::fs::read(vector("ff-cenc-frag-video.mp4")).unwrap();
    sandbox.write("cut.mp4", &whole[..whole.len() - 3000]);
    let output = sandbox.softcp(["--json", "info", "cut.mp4"]).assert().success();
    let report: Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    assert!(report["problem"].as_str().unwrap().contains("cut.mp4"), "{report}");
    assert!(report["tracks"][0]["samples"].as_u64().unwrap() > 10, "{report}");
}

#[test]
fn what_is_no_mp4_file_is_an_error() {
    let sandbox = Sandbox::new();
    sandbox.write("in.mp4", "This is a text file that happens to be called MP4.");
    sandbox.softcp(["info", "in.mp4"]).assert().code(1);
    sandbox.softcp(["info", "none.mp4"]).assert().code(3);
    sandbox.softcp(["info", "."]).assert().code(3);
}
