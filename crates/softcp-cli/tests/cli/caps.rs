//! `softcp caps`.

use crate::support::{Expect as _, Sandbox, driver};

#[test]
fn built_in_driver_is_one_row_per_crypto_type() {
    Sandbox::new().softcp(["caps"]).expect(0, "caps");
}

#[test]
fn all_lists_each_profile_and_explains_the_bits() {
    Sandbox::new().softcp(["caps", "--all"]).expect(0, "caps-all");
}

#[test]
fn hardware_like_profile_shows_alignment_and_budget() {
    let options = "capabilities.profile=hardware-like;memory.protected=268435456";
    Sandbox::new().softcp(["caps"]).env("SOFTCP_OPTIONS", options).expect(0, "caps-hardware-like");
}

#[test]
fn driver_from_a_library_names_it() {
    Sandbox::new().softcp(["caps", "--driver", &driver("driver")]).expect(0, "caps-driver");
}

#[test]
fn driver_that_fails_for_some_profiles_fails_the_check() {
    Sandbox::new()
        .softcp(["caps", "--driver", &driver("foreign_driver")])
        .env("SOFTCP_TEST_INNER_DRIVER", driver("driver"))
        .env("SOFTCP_TEST_DEFECT", "caps")
        .expect(1, "caps-broken-driver");
}

#[test]
fn missing_library_is_named() {
    Sandbox::new().softcp(["caps", "--driver", "no-such-driver.so"]).expect(3, "caps-driver-missing");
}

#[test]
fn file_that_is_no_library_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("notes.txt", "not a library");
    let output = sandbox.softcp(["caps", "--driver", "./notes.txt"]);
    output.expect(3, "caps-driver-no-library");
}

#[test]
fn library_without_the_entry_is_refused() {
    // The loader of this program is a library that is there, whatever the machine.
    let library = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let Some(path) =
        library.lines().filter_map(|line| line.split_whitespace().nth(5)).find(|path| path.contains("/libc."))
    else {
        return;
    };
    let output = Sandbox::new().softcp(["caps", "--driver", path]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3));
    let names = "it exports neither softcp_open_driver nor softcp_open_reference_driver";
    assert!(stderr.contains(names) && stderr.contains("help:"), "{stderr}");
}

#[test]
fn unknown_option_is_named() {
    Sandbox::new().softcp(["caps"]).env("SOFTCP_OPTIONS", "memory.secret=1").expect(3, "caps-unknown-option");
}

#[test]
fn bad_configuration_file_is_named_with_its_line() {
    let sandbox = Sandbox::new();
    sandbox.write("softcp.toml", "[memory]\nprotected = \"all\"\n");
    sandbox.softcp(["caps"]).env("SOFTCP_CONF", "softcp.toml").expect(3, "caps-bad-configuration");
}

#[test]
fn missing_configuration_file_is_named() {
    Sandbox::new().softcp(["caps"]).env("SOFTCP_CONF", "none.toml").expect(3, "caps-no-configuration");
}
