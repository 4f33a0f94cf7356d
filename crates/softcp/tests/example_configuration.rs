//! `examples/softcp.toml`: every key there is, and none that there is not.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use softcp::config::Config;

/// The dotted names of a table's keys; what is a table of free names counts as one.
fn keys(prefix: &str, value: &toml::Value, found: &mut BTreeSet<String>) {
    match value {
        toml::Value::Table(table) if prefix != "capabilities.flags" => {
            for (key, value) in table {
                keys(&format!("{prefix}{}{key}", if prefix.is_empty() { "" } else { "." }), value, found);
            }
        }
        _ => {
            found.insert(prefix.to_owned());
        }
    }
}

#[test]
fn example_has_every_key_once_with_the_default() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/softcp.toml");
    let example = fs::read_to_string(path).unwrap().replace("\r\n", "\n");
    assert_eq!(Config::from_toml(&example, "example").unwrap(), Config::default(), "as it stands it changes nothing");
    let is_key = |line: &&str| line.strip_prefix('#').is_some_and(|line| line.starts_with(|c: char| c.is_lowercase()));
    let on: Vec<_> = example.lines().map(|line| if is_key(&line) { &line[1..] } else { line }).collect();
    // An unknown key is an error.
    let config = Config::from_toml(&on.join("\n"), "example").unwrap();
    let (mut all, mut shown) = (BTreeSet::new(), BTreeSet::new());
    keys("", &toml::Value::try_from(&config).unwrap(), &mut all);
    keys("", &toml::from_str(&on.join("\n")).unwrap(), &mut shown);
    assert_eq!(all, shown);
    assert!(shown.len() > 20, "{shown:?}");
}
