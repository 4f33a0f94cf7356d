//! `spec/rules.toml`, the one source of the numbered rules: its page, and who cites it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde::Deserialize;

/// Where the page is.
const PAGE: &str = "docs/decisions.md";

/// Why writing to text succeeds.
const INFALLIBLE: &str = "a text takes everything";

/// What stands above the rules.
const HEAD: &str = "\
<!-- Generated from spec/rules.toml by SOFTCP_WRITE_RULES=1 cargo test -p softcp --test rules -->
# Decisions

The public pages of the content-protection DDI leave questions open and contradict each other here and there. These are
SoftCP's answers. They bind the engine, the client, the documentation and the tests; code and headers cite them by number.
\"Reported\" means: the call fails with this HRESULT, or, for a DDI entry without a return value, makes one report to the
host's error callback.
";

#[derive(Deserialize)]
struct Rules {
    rule: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    id: u32,
    section: String,
    question: String,
    answer: String,
    why: String,
    #[serde(default)]
    hresult: Vec<String>,
    since: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn rules() -> Vec<Rule> {
    let text = fs::read_to_string(root().join("spec/rules.toml")).expect("the rules can be read");
    toml::from_str::<Rules>(&text).expect("the rules are TOML").rule
}

/// A paragraph in lines of at most 120 columns.
fn wrapped(text: &str) -> String {
    let mut lines = String::new();
    let mut columns = 0;
    for word in text.split(' ') {
        let len = word.chars().count();
        if columns != 0 && columns + 1 + len > 120 {
            lines.push('\n');
            columns = 0;
        } else if columns != 0 {
            lines.push(' ');
            columns += 1;
        }
        lines.push_str(word);
        columns += len;
    }
    lines + "\n"
}

/// The page, with a heading for each rule: `docs/decisions.md#d10`.
fn page(rules: &[Rule]) -> String {
    let mut sections: Vec<&str> = vec![];
    for rule in rules {
        if !sections.contains(&rule.section.as_str()) {
            sections.push(&rule.section);
        }
    }
    let mut page = HEAD.to_owned();
    for section in sections {
        write!(page, "\n## {section}\n").expect(INFALLIBLE);
        for rule in rules.iter().filter(|rule| rule.section == section) {
            let Rule { id, question, answer, why, hresult, since, .. } = rule;
            let mut reason = format!("*Why:* {why}");
            if !hresult.is_empty() {
                write!(reason, " *HRESULT:* `{}`.", hresult.join("`, `")).expect(INFALLIBLE);
            }
            write!(reason, " *Since:* {since}.").expect(INFALLIBLE);
            let answer = wrapped(&format!("**{question}.** {answer}"));
            write!(page, "\n### D{id}\n\n{answer}\n{}", wrapped(&reason)).expect(INFALLIBLE);
        }
    }
    page
}

#[test]
fn page_is_that_of_the_rules() {
    let path = root().join(PAGE);
    let page = page(&rules());
    if env::var_os("SOFTCP_WRITE_RULES").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap().replace("\r\n", "\n");
    assert!(written == page, "{PAGE} is not that of spec/rules.toml: run with SOFTCP_WRITE_RULES=1 to write it");
}

#[test]
fn rules_are_numbered_once_in_order_and_whole() {
    let rules = rules();
    assert!(rules.is_sorted_by(|a, b| a.id < b.id));
    for Rule { id, section, question, answer, why, hresult, since } in &rules {
        for text in [section, question, answer, why, since] {
            assert!(!text.trim().is_empty() && text.trim() == text && !text.contains("  "), "D{id}: {text:?}");
        }
        assert!(answer.ends_with('.') && why.ends_with('.'), "D{id} ends in the middle");
        for code in hresult {
            assert!(code.starts_with(['E', 'D']) && code.contains('_') || code.starts_with("D3DERR"), "D{id}: {code}");
        }
    }
}

/// The numbers that a text cites: `D10` by itself.
fn citations(text: &str) -> impl Iterator<Item = u32> {
    let bytes = text.as_bytes();
    let is_word = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at)).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    };
    text.match_indices('D').filter_map(move |(at, _)| {
        let digits = text[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
        let is_alone = !is_word(at.checked_sub(1)) && !is_word(Some(at + 1 + digits));
        text[at + 1..][..digits].parse().ok().filter(|_| is_alone && digits < 4)
    })
}

/// The files below `folder`, by their path from the root.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("folders can be read") {
        let path = entry.expect("folders can be read").path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Each number that sources, headers, tests and documents cite, with a place for it.
fn cited(extensions: &[&str]) -> BTreeMap<u32, PathBuf> {
    let mut found = vec![];
    for folder in ["crates", "docs", "examples", "tests"] {
        files(&root().join(folder), &mut found);
    }
    for document in ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "SECURITY.md", "CHANGELOG.md"] {
        found.push(root().join(document));
    }
    let is_wanted = |path: &PathBuf| {
        path.extension().is_some_and(|extension| extensions.iter().any(|wanted| extension == *wanted))
            && !path.ends_with(PAGE)
            && !path.ends_with("crates/softcp/tests/rules.rs")
    };
    let mut cited = BTreeMap::new();
    for path in found.into_iter().filter(is_wanted) {
        let text = fs::read_to_string(&path).expect("sources can be read");
        for number in citations(&text) {
            cited.entry(number).or_insert_with(|| path.clone());
        }
    }
    cited
}

#[test]
fn every_number_that_is_cited_is_that_of_a_rule() {
    let rules = rules();
    let cited = cited(&["rs", "h", "c", "cpp", "md", "toml"]);
    let unknown: Vec<_> = cited.iter().filter(|(number, _)| rules.iter().all(|rule| rule.id != **number)).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert!(cited.len() > 40, "only {} are cited: are these the sources?", cited.len());
}

#[test]
fn every_rule_is_cited_by_code() {
    let cited = cited(&["rs"]);
    let uncited: Vec<_> = rules().into_iter().map(|rule| rule.id).filter(|id| !cited.contains_key(id)).collect();
    assert!(uncited.is_empty(), "no code cites {uncited:?}");
}

#[test]
fn citations_are_numbers_by_themselves() {
    let text = "D1, (D22) D3D11 D3DERR 0xD5 _D6 D7_ D8a (D9). D1234 ID10 D";
    assert_eq!(citations(text).collect::<Vec<_>>(), [1, 22, 9]);
}
