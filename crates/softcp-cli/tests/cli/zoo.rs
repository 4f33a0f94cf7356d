//! `softcp zoo`. The whole zoo goes through the kit in CI; here are a few of its drivers.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::schema::check_report;
use crate::support::{Expect as _, Sandbox};

#[test]
fn drivers_are_caught_by_the_case_that_they_name() {
    let sandbox = Sandbox::new();
    let output = sandbox.softcp(["zoo", "--json", "refresh-without-xor", "counter-little-endian"]).assert().success();
    let printed = &output.get_output().stdout;
    check_report("zoo", printed);
    let report: Value = serde_json::from_slice(printed).unwrap();
    assert_eq!((report["blamed"].as_array().unwrap().len(), report["findings"].as_array().unwrap().len()), (0, 2));
    assert_eq!(report["findings"][0]["name"], "refresh-without-xor");
    assert!(report["findings"].as_array().unwrap().iter().all(|finding| finding["is_caught"] == true));
}

#[test]
fn text_counts_what_was_caught() {
    let sandbox = Sandbox::new();
    let output = sandbox.softcp(["zoo", "refresh-number-is-constant", "--jobs", "1"]).assert().success();
    let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    assert!(text.contains("refresh-number-is-constant") && text.ends_with("1 of 1 driver caught\n"), "{text}");
}

#[test]
fn list_shows_the_drivers() {
    let sandbox = Sandbox::new();
    let output = sandbox.softcp(["zoo", "--list", "--json"]).output().unwrap();
    check_report("zoo-list", &output.stdout);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["drivers"].as_array().unwrap().len() >= 40);
    sandbox.softcp(["zoo", "--list", "refresh-without-xor"]).expect(0, "zoo-list");
    sandbox.softcp(["zoo", "nobody"]).expect(2, "zoo-unknown");
}

/// A rule with no driver that breaks it is a rule not yet tested.
#[test]
fn every_case_has_a_driver_that_it_must_catch() {
    let names = |arguments: [&str; 3], of: &str, member: &str| -> BTreeSet<String> {
        let output = Sandbox::new().softcp(arguments).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        report[of].as_array().unwrap().iter().map(|one| one[member].as_str().unwrap().to_owned()).collect()
    };
    let cases = names(["conform", "--list", "--json"], "cases", "name");
    let caught_by = names(["zoo", "--list", "--json"], "drivers", "caught_by");
    let differing: Vec<_> = cases.symmetric_difference(&caught_by).collect();
    assert!(differing.is_empty(), "cases without a driver, and drivers without a case: {differing:?}");
}

/// The page in the documents names the drivers that there are; CI compares all of it.
#[test]
fn page_of_the_zoo_names_every_driver() {
    let page = include_str!("../../../../docs/zoo.md");
    let output = Sandbox::new().softcp(["zoo", "--list", "--json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let drivers = report["drivers"].as_array().unwrap();
    for driver in drivers {
        let row = format!(
            "| `{}` | {} | `{}` |",
            driver["name"].as_str().unwrap(),
            driver["breaks"].as_str().unwrap(),
            driver["caught_by"].as_str().unwrap()
        );
        assert!(page.contains(&row), "docs/zoo.md has no row {row}: write it with softcp zoo --table docs/zoo.md");
    }
    assert_eq!(page.lines().filter(|line| line.starts_with("| `")).count(), drivers.len());
}
