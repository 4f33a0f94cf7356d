//! The identity that the command keeps.

use std::path::Path;

use crate::support::{KEY, Sandbox, names, vector};

/// The identities in a cache directory of a sandbox.
fn identities(sandbox: &Sandbox) -> Vec<String> {
    let directory = sandbox.path("cache/softcp/identities");
    if directory.exists() { names(&directory) } else { Vec::new() }
}

fn decrypt(sandbox: &Sandbox, output: &str, options: &str) -> String {
    let command = sandbox.softcp(["decrypt", &vector("ff-cenc-audio.mp4"), "--key", KEY, "-v", "-o", output]);
    let command = command.env("XDG_CACHE_HOME", sandbox.path("cache")).env("SOFTCP_OPTIONS", options);
    let output = command.assert().success();
    String::from_utf8(output.get_output().stderr.clone()).unwrap()
}

#[test]
fn identity_is_made_once_and_trusted_again() {
    let sandbox = Sandbox::new();
    assert!(decrypt(&sandbox, "1.mp4", "").contains("made an identity and keeps it"));
    let first = identities(&sandbox);
    assert_eq!(first.len(), 1);
    assert!(!decrypt(&sandbox, "2.mp4", "").contains("made an identity"));
    assert_eq!(identities(&sandbox), first);
}

#[test]
fn cache_is_off_with_one_option_and_never_needed() {
    let sandbox = Sandbox::new();
    assert!(decrypt(&sandbox, "1.mp4", "identity.cache=false").contains("made an identity for this run"));
    assert!(!sandbox.path("cache").exists());
    // Where the cache would be is something else.
    sandbox.write("cache", "a file");
    assert!(decrypt(&sandbox, "2.mp4", "").contains("made an identity for this run"));
    assert_eq!(std::fs::read_to_string(sandbox.path("cache")).unwrap(), "a file");
}

#[test]
fn cache_directory_that_cannot_be_in_a_driver_option_or_is_relative_is_not_used() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("a;b")).unwrap();
    for (number, cache) in [sandbox.path("a;b"), Path::new("relative").to_owned()].into_iter().enumerate() {
        let output = format!("{number}.mp4");
        let command = sandbox.softcp(["decrypt", &vector("ff-cenc-audio.mp4"), "--key", KEY, "-o", &output]);
        command.env("XDG_CACHE_HOME", cache).env("HOME", sandbox.path("none")).assert().success();
    }
    assert!(!sandbox.path("relative").exists() && names(&sandbox.path("a;b")).is_empty());
}

#[cfg(unix)]
#[test]
fn identity_that_others_can_read_or_that_is_damaged_is_replaced() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = Sandbox::new();
    decrypt(&sandbox, "1.mp4", "");
    let first = identities(&sandbox);
    let key = sandbox.path("cache/softcp/identities").join(&first[0]).join("key.pem");
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    decrypt(&sandbox, "2.mp4", "");
    let second = identities(&sandbox);
    assert!(second.len() == 1 && second != first, "{second:?}");
    std::fs::write(sandbox.path("cache/softcp/identities").join(&second[0]).join("chain.pem"), "").unwrap();
    decrypt(&sandbox, "3.mp4", "");
    let third = identities(&sandbox);
    assert!(third.len() == 1 && third != second, "{third:?}");
}

#[test]
fn processes_that_begin_at_the_same_time_all_succeed() {
    let sandbox = Sandbox::new();
    let input = vector("ff-cenc-audio.mp4");
    let children: Vec<_> = (0..4)
        .map(|number| {
            crate::support::softcp_in(&sandbox.path(""))
                .args(["decrypt", &input, "--key", KEY, "-o", &format!("{number}.mp4")])
                .env("XDG_CACHE_HOME", sandbox.path("cache"))
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert!(!identities(&sandbox).is_empty());
}
