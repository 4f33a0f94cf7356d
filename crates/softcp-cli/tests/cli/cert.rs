//! `softcp cert`.

use crate::support::{Expect as _, Sandbox, driver};

#[test]
fn new_writes_an_identity_and_describes_it() {
    let sandbox = Sandbox::new();
    sandbox.softcp(["cert", "new", "identity"]).expect(0, "cert-new");
    for name in ["root.pem", "chain.pem", "key.pem", "crl.pem"] {
        let text = std::fs::read_to_string(sandbox.path("identity").join(name)).unwrap();
        assert!(text.starts_with("-----BEGIN "), "{name}");
    }
}

#[test]
fn new_takes_name_and_days() {
    let sandbox = Sandbox::new();
    let args = ["cert", "new", "identity", "--name", "Test driver 7", "--days", "1", "--json"];
    let output = sandbox.softcp(args).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let leaf = &report["certificates"][0];
    assert!(leaf["subject"].as_str().unwrap().contains("CN=Test driver 7"), "{leaf}");
    // Valid now, and not for the ten years that are the default.
    sandbox.softcp(["cert", "show", "identity"]).assert().success();
    let year = |member: &str| leaf[member].as_str().unwrap()[..4].parse::<u32>().unwrap();
    assert!(year("not_after") - year("not_before") <= 1, "{leaf}");
}

#[test]
fn new_overwrites_nothing() {
    let sandbox = Sandbox::new();
    sandbox.make_identity("identity");
    let before = std::fs::read(sandbox.path("identity/key.pem")).unwrap();
    sandbox.softcp(["cert", "new", "identity"]).expect(3, "cert-new-exists");
    assert_eq!(std::fs::read(sandbox.path("identity/key.pem")).unwrap(), before);
}

#[test]
fn new_in_place_of_a_file_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("identity", "a file");
    sandbox.softcp(["cert", "new", "identity"]).expect(3, "cert-new-file");
}

#[test]
fn new_refuses_names_and_days_out_of_range() {
    let sandbox = Sandbox::new();
    sandbox.softcp(["cert", "new", "identity", "--name", &"x".repeat(60)]).expect(2, "cert-new-long-name");
    sandbox.softcp(["cert", "new", "identity", "--days", "0"]).expect(2, "cert-new-no-days");
    assert!(!sandbox.path("identity").exists());
}

#[test]
fn show_asks_the_built_in_driver_and_checks_it() {
    Sandbox::new().softcp(["cert", "show"]).expect(0, "cert-show");
}

#[test]
fn show_says_of_a_revoked_driver_that_it_is() {
    let options = "faults.list=certificate-revoked";
    Sandbox::new().softcp(["cert", "show"]).env("SOFTCP_OPTIONS", options).expect(1, "cert-show-revoked");
}

#[test]
fn show_directory_is_checked_against_its_own_root() {
    let sandbox = Sandbox::new();
    sandbox.make_identity("identity");
    sandbox.softcp(["cert", "show", "identity"]).expect(0, "cert-show-directory");
}

#[test]
fn show_file_without_root_is_not_checked() {
    let sandbox = Sandbox::new();
    sandbox.make_identity("identity");
    sandbox.softcp(["cert", "show", "identity/chain.pem"]).expect(0, "cert-show-file");
}

#[test]
fn show_of_another_root_fails() {
    let sandbox = Sandbox::new();
    sandbox.make_identity("mine");
    sandbox.softcp(["cert", "new", "other", "--name", "Other driver"]).assert().success();
    sandbox.softcp(["cert", "show", "mine/chain.pem", "--root", "other/root.pem"]).expect(1, "cert-show-wrong-root");
}

#[test]
fn show_root_of_the_same_name_fails() {
    let sandbox = Sandbox::new();
    sandbox.make_identity("mine");
    sandbox.make_identity("other");
    sandbox.softcp(["cert", "show", "mine", "--root", "other/root.pem"]).expect(1, "cert-show-same-name");
}

#[test]
fn show_driver_uses_the_configured_identity() {
    let sandbox = Sandbox::new();
    sandbox.softcp(["cert", "new", "identity", "--name", "Configured"]).assert().success();
    sandbox
        .softcp(["cert", "show"])
        .env("SOFTCP_OPTIONS", "identity.directory=identity")
        .expect(0, "cert-show-configured");
}

#[test]
fn show_driver_from_a_library_is_checked_against_the_root_of_this_run() {
    Sandbox::new().softcp(["cert", "show", "--driver", &driver("driver")]).expect(0, "cert-show-driver");
}

#[test]
fn show_driver_with_its_own_identity_says_how_to_name_its_root() {
    Sandbox::new()
        .softcp(["cert", "show", "--driver", &driver("foreign_driver")])
        .env("SOFTCP_TEST_INNER_DRIVER", driver("driver"))
        .expect(1, "cert-show-foreign-driver");
}

#[test]
fn show_any_root_says_that_nothing_was_checked() {
    Sandbox::new().softcp(["cert", "show", "--any-root"]).expect(0, "cert-show-any-root");
}

#[test]
fn show_missing_file_is_named() {
    Sandbox::new().softcp(["cert", "show", "none.pem"]).expect(3, "cert-show-missing");
}

#[test]
fn show_file_without_certificates_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("notes.txt", "nothing here");
    sandbox.softcp(["cert", "show", "notes.txt"]).expect(1, "cert-show-no-certificate");
    sandbox.write("broken.der", [0x30, 0x03, 1, 2]);
    sandbox.softcp(["cert", "show", "broken.der"]).expect(1, "cert-show-broken-der");
}

#[test]
fn show_root_that_is_none_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("root.pem", "nothing here");
    sandbox.softcp(["cert", "show", "--root", "root.pem"]).expect(3, "cert-show-bad-root");
    sandbox.softcp(["cert", "show", "--root", "none.pem"]).expect(3, "cert-show-missing-root");
    sandbox.softcp(["cert", "show", "--root", "root.pem", "--any-root"]).expect(2, "cert-show-two-roots");
}
