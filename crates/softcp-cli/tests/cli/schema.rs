//! The JSON of each report keeps to its committed schema, and the schema to JSON's rules as far as they are used.
//!
//! The schemas use a small part of JSON Schema (2020-12), which is checked here: a keyword that is not known fails the
//! test. Every object names all its members and allows no others, so a member that is added, renamed or dropped shows.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{KEY, LICENCE, Sandbox, driver, vector};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli/schema")
}

fn schema(report: &str) -> Value {
    let path = directory().join(format!("{report}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Checks a value against a schema; `place` is the path to it.
fn check(root: &Value, schema: &Value, value: &Value, place: &str) {
    for (keyword, rule) in schema.as_object().unwrap() {
        match keyword.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" | "required" | "additionalProperties" => {}
            "$ref" => {
                let target = rule.as_str().and_then(|reference| root.pointer(reference.strip_prefix('#')?));
                check(root, target.unwrap_or_else(|| panic!("{place}: {rule} leads nowhere")), value, place);
            }
            "type" => {
                let types = rule.as_array().map_or(std::slice::from_ref(rule), Vec::as_slice);
                assert!(types.iter().any(|name| is_of(value, name.as_str().unwrap())), "{place}: {value} is no {rule}");
            }
            "const" => assert_eq!(value, rule, "{place}"),
            "enum" => assert!(rule.as_array().unwrap().contains(value), "{place}: {value} is none of {rule}"),
            // As with all keywords that are about numbers, other values pass.
            "minimum" => {
                assert!(!value.is_number() || value.as_f64() >= rule.as_f64(), "{place}: {value} is less than {rule}");
            }
            "minItems" => assert!(value.as_array().unwrap().len() as u64 >= rule.as_u64().unwrap(), "{place}"),
            "maxItems" => assert!(value.as_array().unwrap().len() as u64 <= rule.as_u64().unwrap(), "{place}"),
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, rule, item, &format!("{place}/{index}"));
                }
            }
            "oneOf" => {
                // The alternatives of these schemas differ in one member, which is a constant.
                let fits = |alternative: &&Value| tag(alternative).is_some_and(|(name, tag)| value[name] == *tag);
                let alternatives: Vec<_> = rule.as_array().unwrap().iter().filter(fits).collect();
                assert_eq!(alternatives.len(), 1, "{place}: {value} fits {} alternatives", alternatives.len());
                check(root, alternatives[0], value, place);
            }
            "properties" => check_members(root, schema, value, place),
            other => panic!("{place}: the keyword {other:?} is not known here"),
        }
    }
}

fn check_members(root: &Value, schema: &Value, value: &Value, place: &str) {
    let properties = schema["properties"].as_object().unwrap();
    let named: BTreeSet<_> = properties.keys().map(String::as_str).collect();
    let required: BTreeSet<_> =
        schema["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(schema["additionalProperties"], false, "{place}: other members are allowed");
    assert_eq!(named, required, "{place}: members that may be missing");
    // Nothing but an object has members; `type` says whether it may be something else.
    if let Some(object) = value.as_object() {
        let present: BTreeSet<_> = object.keys().map(String::as_str).collect();
        assert_eq!(present, named, "{place}");
        properties.iter().for_each(|(name, rule)| check(root, rule, &object[name], &format!("{place}/{name}")));
    }
}

/// The member of an alternative that tells it from the others.
fn tag(alternative: &Value) -> Option<(&str, &Value)> {
    let properties = alternative["properties"].as_object()?;
    properties.iter().find_map(|(name, rule)| Some((name.as_str(), rule.get("const")?)))
}

fn is_of(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other:?} is no type"),
    }
}

/// Checks a report that a command has printed.
pub(crate) fn check_report(name: &str, printed: &[u8]) {
    let report: Value = serde_json::from_slice(printed).unwrap();
    let schema = schema(name);
    assert_eq!(report["report"], name);
    check(&schema, &schema, &report, name);
}

#[test]
fn caps_keeps_to_its_schema() {
    let sandbox = Sandbox::new();
    for options in ["", "memory.protected=4096"] {
        let output = sandbox.softcp(["--json", "caps"]).env("SOFTCP_OPTIONS", options).output().unwrap();
        check_report("caps", &output.stdout);
    }
    let broken = sandbox
        .softcp(["--json", "caps", "--driver", &driver("foreign_driver")])
        .env("SOFTCP_TEST_INNER_DRIVER", driver("driver"))
        .env("SOFTCP_TEST_DEFECT", "caps");
    check_report("caps", &broken.output().unwrap().stdout);
}

#[test]
fn channel_keeps_to_its_schema() {
    let sandbox = Sandbox::new();
    for args in [&["--json", "channel"][..], &["--json", "channel", "--type", "hardware", "--allow-process", "0x1f4"]] {
        check_report("channel", &sandbox.softcp(args.iter().copied()).output().unwrap().stdout);
    }
    for defect in ["omac", "omac-command", "refusal", "unsigned-refusal", "unbound", "no-decoders"] {
        let broken = sandbox
            .softcp(["--json", "channel", "--any-root", "--driver", &driver("foreign_driver")])
            .env("SOFTCP_TEST_INNER_DRIVER", driver("driver"))
            .env("SOFTCP_TEST_DEFECT", defect);
        check_report("channel", &broken.output().unwrap().stdout);
    }
}

#[test]
fn certificates_keep_to_their_schemas() {
    let sandbox = Sandbox::new();
    check_report("cert-new", &sandbox.softcp(["--json", "cert", "new", "a"]).output().unwrap().stdout);
    sandbox.make_identity("b");
    for args in [
        &["--json", "cert", "show"][..],
        &["--json", "cert", "show", "--any-root"],
        &["--json", "cert", "show", "a"],
        &["--json", "cert", "show", "a/chain.pem"],
        &["--json", "cert", "show", "a", "--root", "b/root.pem"],
    ] {
        check_report("cert-show", &sandbox.softcp(args.iter().copied()).output().unwrap().stdout);
    }
}

#[test]
fn decrypt_keeps_to_its_schema() {
    let sandbox = Sandbox::new();
    sandbox.write("licence.json", LICENCE);
    for name in ["ff-cenc-faststart.mp4", "gpac-cenc-clear-audio.mp4"] {
        let args = ["--json", "decrypt", &vector(name), "--key", KEY, "-o", "out.mp4", "--force"];
        check_report("decrypt", &sandbox.softcp(args).output().unwrap().stdout);
        check_report("decrypt", &sandbox.softcp(args).arg("--without-channel").output().unwrap().stdout);
        let args = ["--json", "decrypt", &vector(name), "--licence", "licence.json", "-o", "out.mp4", "--force"];
        check_report("decrypt", &sandbox.softcp(args).output().unwrap().stdout);
    }
}

#[test]
fn info_keeps_to_its_schema() {
    let sandbox = Sandbox::new();
    for name in
        ["ff-cenc-faststart.mp4", "gpac-cenc-key-roll-frag.mp4", "gpac-cens-1-9.mp4", "pk-cbcs-v.mp4", "clear.mp4"]
    {
        check_report("info", &sandbox.softcp(["--json", "info", &vector(name)]).output().unwrap().stdout);
    }
}

#[test]
fn demo_keeps_to_its_schema() {
    let sandbox = Sandbox::new();
    check_report("demo-sample", &sandbox.softcp(["--json", "demo", "--write-sample", "s"]).output().unwrap().stdout);
    check_report("demo", &sandbox.softcp(["--json", "demo"]).output().unwrap().stdout);
    check_report("demo", &sandbox.softcp(["--json", "demo", "--clip", "clear.mp4"]).output().unwrap().stdout);
    check_report("demo", &sandbox.softcp(["--json", "demo", "--without-channel"]).output().unwrap().stdout);
}

#[test]
fn error_keeps_to_its_schema() {
    let sandbox = Sandbox::new();
    check_report("error", &sandbox.softcp(["--json", "cert", "show", "none.pem"]).output().unwrap().stderr);
}

#[test]
fn every_schema_is_of_a_report_and_says_what_it_is() {
    let mut names: Vec<_> = std::fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "bench",
            "caps",
            "cert-new",
            "cert-show",
            "channel",
            "conform",
            "conform-list",
            "decrypt",
            "demo",
            "demo-sample",
            "doctor",
            "error",
            "faults-list",
            "faults-names",
            "faults-set",
            "info",
            "zoo",
            "zoo-list"
        ]
    );
    for name in names {
        let schema = schema(&name);
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{name}");
        assert_eq!(schema["properties"]["report"]["const"], name.as_str());
        assert!(schema["description"].is_string(), "{name}");
    }
}

#[test]
#[should_panic(expected = "demo/frame")]
fn check_notices_a_member_that_is_missing() {
    let sandbox = Sandbox::new();
    let output = sandbox.softcp(["--json", "demo"]).output().unwrap();
    let mut report: Value = serde_json::from_slice(&output.stdout).unwrap();
    report["frame"].as_object_mut().unwrap().remove("width");
    let schema = schema("demo");
    check(&schema, &schema, &report, "demo");
}
