//! `softcp conform`. What the cases find is the kit's own affair; here it is about choosing, running and telling.

use serde_json::Value;

use crate::schema::check_report;
use crate::support::{Expect as _, Sandbox, driver};

/// The JSON report of a run with some further arguments, and its exit code.
fn report(sandbox: &Sandbox, args: &[&str]) -> (Value, i32) {
    let all = ["conform", "--json"].iter().chain(args).copied();
    let output = sandbox.softcp(all).output().unwrap();
    check_report("conform", &output.stdout);
    (serde_json::from_slice(&output.stdout).unwrap(), output.status.code().unwrap())
}

fn names(report: &Value) -> Vec<&str> {
    report["cases"].as_array().unwrap().iter().map(|case| case["name"].as_str().unwrap()).collect()
}

#[test]
fn built_in_driver_keeps_every_rule_that_concerns_it() {
    let (report, code) = report(&Sandbox::new(), &[]);
    let failed = report["cases"].as_array().unwrap().iter().filter(|case| case["verdict"] == "fail");
    assert_eq!((failed.collect::<Vec<_>>(), code), (Vec::new(), 0));
    assert!(report["summary"]["passed"].as_u64() > Some(100), "{}", report["summary"]);
}

#[test]
fn loaded_driver_is_checked_in_children_and_here() {
    let sandbox = Sandbox::new();
    let library = driver("driver");
    let args = ["--driver", &library, "--filter", "refresh", "--skip", "refresh/wrong-size"];
    let (isolated, code) = report(&sandbox, &args);
    assert_eq!((code, isolated["driver"]["library"].as_str()), (0, Some(library.as_str())));
    let (here, code) = report(&sandbox, &[&args[..], &["--in-process"]].concat());
    assert_eq!(code, 0);
    assert_eq!(names(&isolated), names(&here));
    assert!(names(&here).contains(&"refresh/xor") && !names(&here).contains(&"refresh/wrong-size"));
}

#[test]
fn same_seed_same_run() {
    let sandbox = Sandbox::new();
    let (one, _) = report(&sandbox, &["--filter", "patterns", "--seed", "7"]);
    let (other, _) = report(&sandbox, &["--filter", "patterns", "--seed", "7"]);
    assert_eq!(one["seed"], 7);
    let notes = |report: &Value| -> Vec<Value> {
        report["cases"].as_array().unwrap().iter().map(|case| case["notes"].clone()).collect()
    };
    assert_eq!(notes(&one), notes(&other));
}

#[test]
fn list_shows_every_rule_without_a_driver() {
    let sandbox = Sandbox::new();
    let output = sandbox.softcp(["conform", "--list", "--json", "--driver", "none.so"]).output().unwrap();
    check_report("conform-list", &output.stdout);
    let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(names(&listed).len() > 100);
    sandbox.softcp(["conform", "--list", "--filter", "refresh/xor"]).expect(0, "conform-list");
}

#[test]
fn requirements_choose_rules() {
    let sandbox = Sandbox::new();
    let output = sandbox.softcp(["conform", "--list", "--json", "--required-by", "reference"]).output().unwrap();
    let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let cases = listed["cases"].as_array().unwrap();
    assert!(!cases.is_empty() && cases.iter().all(|case| case["requirement"] == "reference"));
}

#[test]
fn text_is_short_when_all_is_well() {
    let sandbox = Sandbox::new();
    let output = sandbox.softcp(["conform", "--filter", "refresh/xor"]).assert().success();
    let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    assert!(text.contains("Session key refresh") && text.contains("1 rule: 1 passed, 0 failed"), "{text}");
}

#[test]
fn reports_are_written_to_files() {
    let sandbox = Sandbox::new();
    let args = ["conform", "--filter", "refresh", "--junit", "j.xml", "--tap", "t.tap", "--html", "h.html"];
    sandbox.softcp(args).assert().success();
    for (file, begin) in [("j.xml", "<?xml"), ("t.tap", "TAP version 13"), ("h.html", "<!DOCTYPE html>")] {
        let text = std::fs::read_to_string(sandbox.path(file)).unwrap();
        assert!(text.starts_with(begin) && text.contains("refresh/xor"), "{file}");
    }
    sandbox.softcp(["conform", "--filter", "refresh", "--tap", "none/t.tap"]).expect(3, "conform-no-directory");
}

#[test]
fn stale_deviation_fails_the_run() {
    let sandbox = Sandbox::new();
    sandbox.write("known.toml", "[[deviation]]\ncase = \"refresh/xor\"\nreason = \"no time\"\n");
    let (report, code) = report(&sandbox, &["--filter", "refresh", "--expect", "known.toml"]);
    assert_eq!((code, report["summary"]["stale"].as_u64()), (1, Some(1)));
    let (report, code) = self::report(&sandbox, &["--filter", "patterns", "--expect", "known.toml"]);
    assert_eq!((code, report["summary"]["stale"].as_u64()), (0, Some(0)), "the case was not run");
}

#[test]
fn bad_lists_of_deviations_are_told() {
    let sandbox = Sandbox::new();
    sandbox.write("known.toml", "[[deviation]]\ncase = \"refresh/xro\"\nreason = \"r\"\n");
    sandbox.softcp(["conform", "--expect", "known.toml"]).expect(3, "conform-unknown-deviation");
    sandbox.write("known.toml", "[[deviation]\n");
    sandbox.softcp(["conform", "--expect", "known.toml"]).expect(3, "conform-bad-deviations");
    sandbox.softcp(["conform", "--expect", "none.toml"]).expect(3, "conform-no-deviations");
}

#[test]
fn wrong_selections_are_told() {
    let sandbox = Sandbox::new();
    sandbox.softcp(["conform", "--filter", "refersh"]).expect(2, "conform-unknown-case");
    sandbox.softcp(["conform", "--filter", "refresh", "--skip", "refresh"]).expect(2, "conform-nothing");
    sandbox.softcp(["conform", "--time-limit", "0"]).expect(2, "conform-no-time");
}

#[test]
fn driver_that_cannot_be_opened_is_told() {
    let sandbox = Sandbox::new();
    sandbox.softcp(["conform", "--driver", "./none.so"]).expect(3, "conform-no-driver");
    sandbox.softcp(["conform", "--options", "nonsense=1"]).expect(3, "conform-bad-options");
    sandbox.softcp(["conform", "--child"]).expect(3, "conform-child");
}

#[test]
fn crash_costs_one_case() {
    let args = ["--zoo", "aborts-in-decryption-blt", "--filter", "refresh"];
    let (report, code) = report(&Sandbox::new(), &args);
    assert_eq!(code, 1);
    let outcome = |name: &str| {
        let cases = report["cases"].as_array().unwrap();
        cases.iter().find(|case| case["name"] == name).unwrap()["outcome"].as_str().unwrap().to_owned()
    };
    assert_eq!((outcome("refresh/xor").as_str(), outcome("refresh/number-is-new").as_str()), ("crashed", "passed"));
    assert!(
        report["cases"]
            .as_array()
            .unwrap()
            .iter()
            .any(|case| case["how"].as_str().is_some_and(|how| how.contains("SIGABRT")))
    );
}

#[test]
fn hang_costs_one_case_and_its_time() {
    let args =
        ["--zoo", "loops-in-finish", "--time-limit", "1", "--filter", "refresh/xor", "--filter", "refresh/wrong-size"];
    let (report, code) = report(&Sandbox::new(), &args);
    assert_eq!(
        (code, report["summary"]["failed"].as_u64(), report["summary"]["passed"].as_u64()),
        (1, Some(1), Some(1))
    );
    assert_eq!(report["cases"][0]["outcome"], "timed-out");
    assert_eq!(report["cases"][0]["limit_ms"], 1000);
}

#[test]
fn exit_with_success_is_a_crash_too() {
    let (report, code) =
        report(&Sandbox::new(), &["--zoo", "exits-in-create-channel", "--filter", "channels/handle-is-given"]);
    assert_eq!((code, report["cases"][0]["outcome"].as_str()), (1, Some("crashed")));
}

#[test]
fn broken_rule_is_told_with_what_was_expected_and_seen() {
    let sandbox = Sandbox::new();
    let output =
        sandbox.softcp(["conform", "--zoo", "refresh-without-xor", "--filter", "refresh/xor"]).assert().code(1);
    let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    assert!(text.contains("FAIL refresh/xor: After FinishSessionKeyRefresh"), "{text}");
    assert!(text.contains("    required by: FinishSessionKeyRefresh (reference)"), "{text}");
    assert!(text.contains("    expected: ") && text.contains("    seen: "), "{text}");
    assert!(text.ends_with(" s\n") && text.contains("1 rule: 0 passed, 1 failed"), "{text}");
}

#[test]
fn known_deviation_does_not_fail_the_run() {
    let sandbox = Sandbox::new();
    sandbox.write("known.toml", "[[deviation]]\ncase = \"refresh/xor\"\nreason = \"no time\"\n");
    let args = ["--zoo", "refresh-without-xor", "--filter", "refresh/xor", "--expect", "known.toml"];
    let (report, code) = report(&sandbox, &args);
    assert_eq!((code, report["cases"][0]["verdict"].as_str()), (0, Some("known")));
}

/// The template in C, which offers nothing, as its own comment builds it.
fn template(sandbox: &Sandbox) -> String {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let library = sandbox.path("libtemplate.so");
    let built = std::process::Command::new("cc")
        .args(["-std=c99", "-shared", "-fPIC", "-I"])
        .arg(root.join("crates/softcp-ddi/include"))
        .arg(root.join("examples/c/conformance/template.c"))
        .arg("-o")
        .arg(&library)
        .status();
    assert!(built.unwrap().success(), "the template does not compile");
    library.to_str().unwrap().to_owned()
}

#[test]
fn driver_that_offers_nothing_does_not_conform() {
    let sandbox = Sandbox::new();
    let library = template(&sandbox);
    let (report, code) = report(&sandbox, &["--driver", &library]);
    assert_eq!((code, report["conclusion"].as_str()), (0, Some("conforms-in-part")), "{}", report["unmet"]);
    let unchecked = report["unchecked"].as_array().unwrap();
    assert!(unchecked.iter().any(|group| group == "Session key refresh"), "{unchecked:?}");
    let args = ["--driver", &library, "--filter", "refresh"];
    assert_eq!(self::report(&sandbox, &args).1, 1, "nothing at all was checked");
    let args = ["--driver", &library, "--require", "refresh", "--max-skipped", "5%"];
    let (report, code) = self::report(&sandbox, &args);
    assert_eq!((code, report["unmet"].as_array().unwrap().len()), (1, 2));
    let (_, code) = self::report(&sandbox, &["--require", "refresh", "--max-skipped", "20%"]);
    assert_eq!(code, 0, "the built-in driver offers refresh");
    sandbox.softcp(["conform", "--require", "refersh"]).expect(2, "conform-unknown-case");
}

#[test]
fn frozen_rules_are_run_by_version() {
    let sandbox = Sandbox::new();
    let (report, code) = report(&sandbox, &["--rules", "1.0", "--filter", "refresh"]);
    assert_eq!((code, report["rules"].as_str()), (0, Some("1.0")));
    assert!(names(&report).contains(&"refresh/xor"));
    sandbox.softcp(["conform", "--rules", "0.9"]).expect(2, "conform-no-such-rules");
}

#[test]
fn deviations_of_another_driver_are_not_applied() {
    let sandbox = Sandbox::new();
    let deviation = "[[deviation]]\ncase = \"refresh/xor\"\nreason = \"no time\"\n";
    sandbox.write("known.toml", format!("driver = \"Another driver\"\n{deviation}"));
    let (report, code) = report(&sandbox, &["--filter", "refresh", "--expect", "known.toml"]);
    assert_eq!((code, report["other_deviations"].as_u64()), (0, Some(1)), "stale only for its own driver");
}
