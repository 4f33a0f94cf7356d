//! `softcp bench`. No test looks at how fast anything is.

use serde_json::Value;

use crate::schema::check_report;
use crate::support::{Expect as _, Sandbox, driver};

/// All groups.
const ALL: [&str; 13] = [
    "surfaces",
    "cold",
    "pitches",
    "in-place",
    "cbc",
    "patterns",
    "samples",
    "refresh",
    "key-exchange",
    "query",
    "sessions",
    "many-sessions",
    "threads",
];

/// The report of a quick run with some further arguments.
fn report(sandbox: &Sandbox, args: &[&str]) -> Value {
    let all = ["bench", "--json", "--quick"].iter().chain(args).copied();
    let output = sandbox.softcp(all).assert().success();
    let printed = &output.get_output().stdout;
    check_report("bench", printed);
    serde_json::from_slice(printed).unwrap()
}

fn texts(values: &Value, member: &str) -> Vec<String> {
    values.as_array().unwrap().iter().map(|value| value[member].as_str().unwrap().to_owned()).collect()
}

#[test]
fn bench_measures_every_group_that_it_does_not_skip_with_a_reason() {
    let report = report(&Sandbox::new(), &[]);
    let measured = texts(&report["groups"], "name");
    let skipped = texts(&report["skipped"], "what");
    for group in ALL {
        assert!(measured.iter().chain(&skipped).any(|name| name == group), "{group}: {measured:?} {skipped:?}");
    }
    for skipped in report["skipped"].as_array().unwrap() {
        assert!(!skipped["reason"].as_str().unwrap().is_empty());
        assert!(["OpenSSL", "cold", "threads"].iter().any(|what| skipped["what"].as_str().unwrap().starts_with(what)));
    }
    let mut outputs = 0;
    for case in report["groups"].as_array().unwrap().iter().flat_map(|group| group["cases"].as_array().unwrap()) {
        assert!(case["rounds"].as_u64().unwrap() >= 3, "{case}");
        // The reference is as fast as itself.
        assert_eq!(case["results"][0]["ratio"], 1.0);
        assert!(case["results"].as_array().unwrap().len() >= 2, "{case}");
        assert!(case["results"].as_array().unwrap().iter().all(|result| result["nanoseconds"].as_f64() > Some(0.0)));
        outputs += case["results"].as_array().unwrap().len() as u64;
    }
    assert_eq!(report["outputs_checked"], outputs);
}

#[test]
fn surfaces_are_done_by_the_driver_and_its_peers() {
    let report = report(&Sandbox::new(), &["--group", "surfaces"]);
    assert_eq!(texts(&report["groups"], "name"), ["surfaces"]);
    let cases = &report["groups"][0]["cases"];
    assert_eq!(texts(cases, "name"), ["1 KiB", "256 KiB", "1080p NV12"]);
    let implementations = texts(&cases[0]["results"], "implementation");
    assert_eq!(implementations[0], "memcpy");
    for implementation in ["aws-lc", "RustCrypto", "DecryptionBlt", "EncryptionBlt"] {
        assert!(implementations.iter().any(|name| name == implementation), "{implementations:?}");
    }
    let has_openssl = texts(&report["peers"], "name").contains(&"OpenSSL".to_owned());
    assert_eq!(implementations.contains(&"OpenSSL".to_owned()), has_openssl);
    assert_eq!(texts(&report["skipped"], "what").contains(&"OpenSSL".to_owned()), !has_openssl);
}

#[test]
fn text_has_the_figures_in_tables() {
    let sandbox = Sandbox::new();
    let output = sandbox.softcp(["bench", "--quick", "--group", "in-place", "--group", "refresh"]).assert().success();
    let output = output.get_output();
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.stderr.is_empty(), "a progress bar where there is no terminal");
    let has = |pattern: &str| assert!(regex::Regex::new(pattern).unwrap().is_match(&text), "{pattern} in\n{text}");
    has(r"(?m)^ Kernel +[a-zA-Z0-9]+");
    has(r"(?m)^in-place: .*\n GB/s +256 KiB *\n─+\n memcpy +[0-9.]+ \(1\.00\)");
    has(r"(?m)^ DecryptionBlt +[0-9.]+ \([0-9.]+\)");
    has(r"(?m)^ Start \+ Finish +[0-9.]+ (ns|µs|ms) \([0-9.]+\)");
    has(r#"\(in brackets: times as fast as "memcpy"; spread at most [0-9.]+ %; [0-9]+ of [0-9]+ rounds dropped\)"#);
    has(r"(?m)^[0-9]+ outputs checked and right; [0-9.]+ s$");
}

#[test]
fn loaded_driver_is_measured_too() {
    let driver = driver("driver");
    let report = report(&Sandbox::new(), &["--group", "samples", "--driver", &driver]);
    assert_eq!(report["driver"]["library"], driver);
    let implementations = texts(&report["groups"][0]["cases"][0]["results"], "implementation");
    assert!(implementations.contains(&"DecryptionBlt".to_owned()), "{implementations:?}");
}

#[test]
fn two_builds_take_turns_in_every_case() {
    let driver = driver("driver");
    let groups = ["surfaces", "in-place", "samples", "refresh", "key-exchange", "query", "sessions", "many-sessions"];
    let args = ["--against", &driver].into_iter().chain(groups.iter().flat_map(|group| ["--group", group]));
    let report = report(&Sandbox::new(), &args.collect::<Vec<_>>());
    assert_eq!(report["driver"]["library"], Value::Null);
    assert_eq!(report["against"]["library"], driver);
    for (group, name) in report["groups"].as_array().unwrap().iter().zip(groups) {
        assert_eq!(group["name"], name);
        for case in group["cases"].as_array().unwrap() {
            let implementations = texts(&case["results"], "implementation");
            let (against, here): (Vec<_>, Vec<_>) =
                implementations.iter().partition(|name| name.ends_with(", against"));
            assert!(!against.is_empty(), "{implementations:?}");
            for name in against {
                assert!(here.contains(&&name.trim_end_matches(", against").to_owned()), "{implementations:?}");
            }
        }
    }
    let sandbox = Sandbox::new();
    let command = ["bench", "--quick", "--group", "refresh", "--against", &driver];
    let text = sandbox.softcp(command).assert().success();
    let text = String::from_utf8(text.get_output().stdout.clone()).unwrap();
    assert!(text.contains("\n Against ") && text.contains(" Start + Finish, against "), "{text}");
}

#[test]
fn library_to_measure_against_must_be_there() {
    Sandbox::new().softcp(["bench", "--against", "none.so"]).expect(3, "bench-against-missing");
}

#[test]
fn driver_with_increasing_ivs_is_measured_too() {
    let sandbox = Sandbox::new();
    let command = sandbox.softcp([
        "bench",
        "--json",
        "--quick",
        "--group",
        "samples",
        "--group",
        "refresh",
        "--group",
        "many-sessions",
    ]);
    let output = command.env("SOFTCP_OPTIONS", "capabilities.profile=hardware-like").assert().success();
    check_report("bench", &output.get_output().stdout);
}

#[test]
fn driver_that_always_protects_is_left_out_of_blits() {
    let sandbox = Sandbox::new();
    let command = sandbox.softcp(["bench", "--json", "--quick", "--group", "in-place", "--group", "query"]);
    let output = command.env("SOFTCP_OPTIONS", "capabilities.flags.protection_always_on=true").assert().success();
    let report: Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    check_report("bench", &output.get_output().stdout);
    assert!(texts(&report["skipped"], "what").contains(&"the driver's blits".to_owned()), "{report}");
    let implementations = texts(&report["groups"][0]["cases"][0]["results"], "implementation");
    assert!(!implementations.contains(&"DecryptionBlt".to_owned()), "{implementations:?}");
}

#[test]
fn driver_that_encrypts_nothing_is_an_error_and_not_a_fast_driver() {
    let sandbox = Sandbox::new();
    sandbox
        .softcp(["bench", "--quick", "--group", "surfaces", "--any-root", "--driver", &driver("foreign_driver")])
        .env("SOFTCP_TEST_INNER_DRIVER", driver("driver"))
        .env("SOFTCP_TEST_DEFECT", "read-back")
        .expect(1, "bench-wrong-output");
}

#[test]
fn plots_are_files_of_their_kind() {
    let sandbox = Sandbox::new();
    for (name, start) in [("plot.svg", &b"<svg"[..]), ("plot.png", b"\x89PNG\r\n\x1a\n")] {
        sandbox.softcp(["bench", "--quick", "--group", "surfaces", "--plot", name]).assert().success();
        let plot = std::fs::read(sandbox.path(name)).unwrap();
        assert!(plot.starts_with(start), "{name}");
    }
    let mut reader = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(sandbox.path("plot.png")).unwrap()))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    assert!(reader.next_frame(&mut pixels).unwrap().width > 0);
    let svg = std::fs::read_to_string(sandbox.path("plot.svg")).unwrap();
    assert!(svg.contains("DecryptionBlt") && svg.trim_end().ends_with("</svg>"));
}

#[test]
fn plot_that_cannot_be_is_refused_before_anything_is_measured() {
    let sandbox = Sandbox::new();
    sandbox.write("plot.svg", "mine");
    sandbox.softcp(["bench", "--plot", "plot.svg"]).expect(3, "bench-plot-exists");
    assert_eq!(std::fs::read_to_string(sandbox.path("plot.svg")).unwrap(), "mine");
    sandbox.softcp(["bench", "--plot", "none/plot.svg"]).expect(3, "bench-plot-no-directory");
    sandbox.softcp(["bench", "--plot", "plot.pdf"]).expect(2, "bench-plot-pdf");
    sandbox.softcp(["bench", "--group", "query", "--plot", "new.svg"]).expect(2, "bench-plot-nothing");
}

#[test]
fn unknown_group_and_no_threads_are_usage_errors() {
    let sandbox = Sandbox::new();
    sandbox.softcp(["bench", "--group", "none"]).expect(2, "bench-unknown-group");
    sandbox.softcp(["bench", "--threads", "1,0"]).expect(2, "bench-no-threads");
    sandbox.softcp(["bench", "--force"]).expect(2, "bench-force-alone");
}
