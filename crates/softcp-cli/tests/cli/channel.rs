//! `softcp channel`.

use std::collections::BTreeSet;

use serde_json::Value;
use snapbox::cmd::Command;

use crate::support::{Expect as _, Sandbox, driver};

/// The queries of the reference.
const QUERIES: [&str; 13] = [
    "PROTECTION",
    "CHANNEL_TYPE",
    "DEVICE_HANDLE",
    "CRYPTO_SESSION",
    "RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT",
    "RESTRICTED_SHARED_RESOURCE_PROCESS",
    "UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT",
    "OUTPUT_ID_COUNT",
    "OUTPUT_ID",
    "ACCESSIBILITY_ATTRIBUTES",
    "ENCRYPTION_WHEN_ACCESSIBLE_GUID_COUNT",
    "ENCRYPTION_WHEN_ACCESSIBLE_GUID",
    "CURRENT_ENCRYPTION_WHEN_ACCESSIBLE",
];

/// The command on a driver with a defect.
fn broken<'a>(sandbox: &Sandbox, defect: &str, args: impl IntoIterator<Item = &'a str>) -> Command {
    sandbox
        .softcp(["channel", "--any-root", "--driver", &driver("foreign_driver")])
        .args(args)
        .env("SOFTCP_TEST_INNER_DRIVER", driver("driver"))
        .env("SOFTCP_TEST_DEFECT", defect)
}

fn report(command: Command, code: i32) -> Value {
    serde_json::from_slice(&command.assert().code(code).get_output().stdout).unwrap()
}

/// The messages of a name, in `commands` or `queries`.
fn messages<'r>(report: &'r Value, list: &str, name: &str) -> Vec<&'r Value> {
    report[list].as_array().unwrap().iter().filter(|message| message["name"] == name).collect()
}

#[test]
fn built_in_driver_answers_everything_under_valid_signatures() {
    Sandbox::new().softcp(["channel"]).expect(0, "channel");
}

#[test]
fn json_has_each_query_and_its_signature() {
    for channel_type in ["software", "hardware"] {
        let report = report(Sandbox::new().softcp(["channel", "--json", "--type", channel_type]), 0);
        assert_eq!(report["channel_type"], format!("driver {channel_type}"));
        let queries = report["queries"].as_array().unwrap();
        let names: Vec<_> = queries.iter().map(|query| query["name"].as_str().unwrap()).collect();
        assert_eq!(names, QUERIES);
        assert!(queries.iter().all(|query| query["signature_valid"] == true), "{report}");
        assert_eq!(report["is_as_expected"], true);
    }
}

#[test]
fn protection_is_on_while_it_is_asked_for_and_off_at_the_end() {
    let report = report(Sandbox::new().softcp(["channel", "--json"]), 0);
    assert_eq!(messages(&report, "queries", "PROTECTION")[0]["result"]["answer"]["enabled"], true);
    let commands = messages(&report, "commands", "PROTECTION");
    assert_eq!(commands.last().unwrap()["parameters"][0]["value"], false);
    assert_eq!(commands.last().unwrap()["result"]["outcome"], "accepted");
}

#[test]
fn configured_outputs_encryptions_and_bus_are_shown() {
    let options = "capabilities.profile=hardware-like;outputs.identifiers=[7, 9223372036854775807];\
                   accessibility.encryption=[\"00000000-0000-0000-0000-000000000007\", \"aes128-ctr\"]";
    Sandbox::new()
        .softcp(["channel", "--type", "hardware", "--allow-process", "0x1f4", "--encryption", "aes128-ctr"])
        .env("SOFTCP_OPTIONS", options)
        .expect(0, "channel-hardware");
}

#[test]
fn lists_without_entries_are_shown_as_empty() {
    Sandbox::new()
        .softcp(["channel"])
        .env("SOFTCP_OPTIONS", "outputs.identifiers=[];accessibility.encryption=[]")
        .expect(0, "channel-empty-lists");
}

#[test]
fn encryption_that_is_not_offered_is_a_signed_refusal_and_fails_the_check() {
    let guid = "00000000-0000-0000-0000-000000000007";
    Sandbox::new().softcp(["channel", "--encryption", guid]).expect(1, "channel-encryption-refused");
}

#[test]
fn answer_with_a_wrong_omac_fails_the_check() {
    broken(&Sandbox::new(), "omac", []).expect(1, "channel-omac");
}

#[test]
fn json_of_an_answer_with_a_wrong_omac_is_complete() {
    let report = report(broken(&Sandbox::new(), "omac", ["--json"]), 1);
    let names: BTreeSet<_> =
        report["queries"].as_array().unwrap().iter().map(|query| query["name"].as_str().unwrap()).collect();
    assert_eq!(names, QUERIES.into_iter().collect());
    for query in report["queries"].as_array().unwrap() {
        let is_damaged = query["name"] == "OUTPUT_ID";
        assert_eq!(query["signature_valid"], !is_damaged, "{query}");
        assert_eq!(query["result"]["outcome"], if is_damaged { "not_authentic" } else { "answered" });
    }
    assert_eq!(report["is_as_expected"], false);
}

#[test]
fn answer_to_a_command_with_a_wrong_omac_fails_the_check() {
    let report = report(broken(&Sandbox::new(), "omac-command", ["--json"]), 1);
    for command in messages(&report, "commands", "PROTECTION") {
        assert_eq!(command["signature_valid"], false);
        assert_eq!(command["result"]["outcome"], "not_authentic");
    }
    // The driver has switched protection on all the same, and says so under its signature.
    assert_eq!(messages(&report, "queries", "PROTECTION")[0]["result"]["answer"]["enabled"], true);
}

#[test]
fn signed_refusal_of_a_query_is_an_answer() {
    broken(&Sandbox::new(), "refusal", []).expect(0, "channel-query-refused");
}

#[test]
fn refusal_without_a_signature_fails_the_check() {
    broken(&Sandbox::new(), "unsigned-refusal", []).expect(1, "channel-unsigned-refusal");
}

#[test]
fn signed_answer_that_contradicts_a_command_fails_the_check() {
    broken(&Sandbox::new(), "unbound", []).expect(1, "channel-unbound");
}

#[test]
fn driver_without_decoders_answers_the_rest() {
    broken(&Sandbox::new(), "no-decoders", []).expect(1, "channel-no-decoders");
}

#[test]
fn driver_without_channels_is_refused() {
    broken(&Sandbox::new(), "no-channels", []).expect(1, "channel-not-offered");
}

#[test]
fn driver_from_a_library_is_checked_against_the_root_of_this_run() {
    Sandbox::new().softcp(["channel", "--driver", &driver("driver")]).assert().success();
}

#[test]
fn untrusted_driver_is_refused() {
    Sandbox::new()
        .softcp(["channel", "--driver", &driver("foreign_driver")])
        .env("SOFTCP_TEST_INNER_DRIVER", driver("driver"))
        .expect(1, "channel-foreign-driver");
}

#[test]
fn type_process_and_encryption_that_are_none_are_usage_errors() {
    let sandbox = Sandbox::new();
    sandbox.softcp(["channel", "--type", "d3d11"]).expect(2, "channel-bad-type");
    sandbox.softcp(["channel", "--allow-process", "dwm.exe"]).expect(2, "channel-bad-process");
    sandbox.softcp(["channel", "--encryption", "aes256-ctr"]).expect(2, "channel-bad-encryption");
}
