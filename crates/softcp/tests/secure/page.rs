//! The page `docs/clear-key.md`: every number on it is the code's, and its example is what the environment does.

use std::mem::offset_of;

use softcp::secure::clear_key::{BLOB_SIZE, MAX_KEYS, MAX_LICENCE_SIZE, VERSION, function};
use softcp_abi::{
    D3D11_KEY_EXCHANGE_HW_PROTECTION_DATA as Data, D3D11_KEY_EXCHANGE_HW_PROTECTION_INPUT_DATA as Input,
    D3D11_KEY_EXCHANGE_HW_PROTECTION_OUTPUT_DATA as Output,
};
use softcp_client::clear_key::{
    ClearKeyCommand, Licence, LoadLicence, MakeKeyBlob, Provision, Revoke, Status, TearDown, Version,
};

use crate::rig::{KID, Rig, STATUSES};

const PAGE: &str = include_str!("../../../../docs/clear-key.md");

/// What stands below a heading, up to the next one.
fn section(heading: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no section {heading}"));
    rest.split("\n#").next().unwrap()
}

/// The rows of a section's tables, cell by cell, without the heads.
fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    let cells =
        |row: &'static str| row.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect();
    let lines: Vec<_> = section(heading).lines().filter(|line| line.starts_with('|')).collect();
    let heads =
        |at: usize| lines[at].starts_with("|---") || lines.get(at + 1).is_some_and(|row| row.starts_with("|---"));
    (0..lines.len()).filter(|&at| !heads(at)).map(|at| cells(lines[at])).collect()
}

/// The first block of a language in a section.
fn block(heading: &str, language: &str) -> &'static str {
    let (_, rest) = section(heading).split_once(&format!("```{language}\n")).unwrap();
    rest.split("\n```").next().unwrap()
}

fn licence() -> &'static str {
    block("## Licences", "json")
}

/// The structures that carry a command, as the ABI lays them out for this target.
#[test]
fn structures_have_the_offsets_of_the_page() {
    let offsets = [
        offset_of!(Data, HWProtectionFunctionID),
        offset_of!(Data, pInputData),
        offset_of!(Data, pOutputData),
        offset_of!(Data, Status),
        offset_of!(Input, PrivateDataSize),
        offset_of!(Input, HWProtectionDataSize),
        offset_of!(Input, pbInput),
        offset_of!(Output, PrivateDataSize),
        offset_of!(Output, MaxHWProtectionDataSize),
        offset_of!(Output, HWProtectionDataSize),
        offset_of!(Output, TransportTime),
        offset_of!(Output, ExecutionTime),
        offset_of!(Output, pbOutput),
    ];
    let rows: Vec<_> = rows("## Carrying a command").into_iter().filter(|row| row.len() == 4).collect();
    let on_page = rows.iter().map(|row| match row[2].split_once(' ') {
        Some((_, narrow)) if cfg!(target_pointer_width = "32") => narrow.trim_matches(['(', ')']).parse().unwrap(),
        Some((wide, _)) => wide.parse().unwrap(),
        None => row[2].parse::<usize>().unwrap(),
    });
    assert!(on_page.eq(offsets));
}

#[test]
fn commands_have_the_numbers_and_names_of_engine_and_client() {
    let licence = Licence::parse(licence()).unwrap();
    let numbers = [
        ("VERSION", function::VERSION, Version.function()),
        ("PROVISION", function::PROVISION, Provision.function()),
        ("LOAD_LICENCE", function::LOAD_LICENCE, LoadLicence { licence: &licence }.function()),
        ("MAKE_KEY_BLOB", function::MAKE_KEY_BLOB, MakeKeyBlob { kid: KID }.function()),
        ("REVOKE", function::REVOKE, Revoke { kid: None }.function()),
        ("TEARDOWN", function::TEARDOWN, TearDown.function()),
    ];
    let rows = rows("## Commands");
    assert_eq!(rows.len(), numbers.len() + 1);
    for (row, (name, engine, client)) in rows.iter().zip(numbers) {
        assert_eq!((row[0], row[1], client), (engine.to_string().as_str(), name, engine));
        assert!(PAGE.contains(&format!("\n### {engine} {name}\n")), "{name} has a section");
    }
    assert_eq!(rows[6][0], "any other");
}

/// Sizes of inputs and answers: those on the page are taken, and those that the environment answers.
#[test]
fn commands_have_the_sizes_of_the_page() {
    let rig = Rig::with_key();
    let inputs: [&[u8]; 6] = [&[], &[], licence().as_bytes(), &KID, &[], &[]];
    for (row, input) in rows("## Commands").iter().zip(inputs) {
        let answer = rig.ok(row[0].parse().unwrap(), input);
        let expected = match row[3] {
            "none" => 0,
            "8 bytes and 16 for each key" => 8 + 16,
            bytes => bytes.strip_suffix(" bytes").unwrap().parse().unwrap(),
        };
        assert_eq!(answer.len(), expected, "{}", row[1]);
        // The last member ends where the answer does.
        let members = rows(&format!("### {} {}", row[0], row[1]));
        if let Some([offset, bytes, ..]) = members.last().map(Vec::as_slice) {
            let bytes = bytes.strip_suffix(" n").unwrap_or(bytes);
            let end = offset.parse::<usize>().unwrap() + bytes.parse::<usize>().unwrap();
            assert_eq!(end, expected, "{}", row[1]);
        }
    }
}

#[test]
fn limits_are_those_of_the_code_everywhere_on_the_page() {
    let number = |row: &[&str]| row[2].rsplit(' ').next().unwrap().parse::<usize>().unwrap();
    let limits: Vec<_> = rows("### 1 VERSION").iter().map(|row| number(row)).collect();
    assert_eq!(limits, [VERSION as usize, MAX_KEYS, MAX_LICENCE_SIZE, BLOB_SIZE]);
    assert!(section("## Licences").contains(&format!("at most {MAX_LICENCE_SIZE} bytes, 1 to {MAX_KEYS} keys")));
    let blob = rows("## Sealed key blobs");
    let end = |row: &[&str]| row[0].parse::<usize>().unwrap() + row[1].parse::<usize>().unwrap();
    assert_eq!(end(&blob[4]), BLOB_SIZE);
    assert!(blob[..5].windows(2).all(|pair| end(&pair[0]) == pair[1][0].parse::<usize>().unwrap()));
}

#[test]
fn statuses_are_those_of_engine_and_client() {
    let rows = rows("## Statuses");
    assert_eq!(rows.len(), STATUSES.len());
    for (row, (name, status)) in rows.iter().zip(STATUSES) {
        assert_eq!(row[0].replace('_', " "), name.to_uppercase());
        assert_eq!(row[1], format!("0x{status:08X}"));
        assert!(!matches!(Status::of(status), None | Some(Status::Other(_))), "{name} has a name in the client");
        let debug = format!("{:?}", Status::of(status).unwrap()).to_uppercase();
        assert_eq!(debug, row[0].replace('_', ""), "the client's name");
    }
    // Commands name no status that is not in the list.
    for word in
        PAGE.split('`').filter(|word| word.len() > 4 && word.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
    {
        let is_command = rows_names("## Commands").contains(&word);
        let is_other = ["HARDWARE_DRM_COMMUNICATION", "E_INVALIDARG"].contains(&word);
        assert!(is_command || is_other || rows.iter().any(|row| row[0] == word), "{word}");
    }
}

fn rows_names(heading: &str) -> Vec<&'static str> {
    rows(heading).iter().map(|row| row[1]).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// Each line of the example is sent to a new environment, and answered as it says.
#[test]
fn example_is_what_the_environment_does() {
    let rig = Rig::new();
    let lines: Vec<_> = block("## An exchange", "text").lines().skip(1).collect();
    assert!(lines.len() >= 9);
    assert!(section("## An exchange").contains(&format!("its {} bytes", licence().len())));
    for line in lines {
        let mut cells = line.split_whitespace();
        let mut next = || cells.next().unwrap();
        let (number, input, room, status) = (next(), next(), next(), next());
        let input = match input.split_once('…') {
            // The licence, of which the page shows both ends.
            Some((start, end)) => {
                let licence = licence().as_bytes();
                assert!(licence.starts_with(&bytes(start)) && licence.ends_with(&bytes(end)), "{line}");
                licence.to_vec()
            }
            None => bytes(input.trim_matches('-')),
        };
        let (report, answer) = rig.send(rig.session, number.parse().unwrap(), &input, room.parse().unwrap());
        assert_eq!(report.status, signed(status), "{line}");
        let mut rest = &answer[..];
        for cell in cells.filter(|cell| *cell != "-") {
            let (expected, len) = match cell.strip_prefix('(') {
                Some(any) => (None, any.trim_end_matches(')').parse().unwrap()),
                None => (Some(bytes(cell)), cell.len() / 2),
            };
            let (now, later) = rest.split_at(len);
            assert!(expected.is_none_or(|expected| expected == now), "{line}: {now:02x?}");
            rest = later;
        }
        assert!(rest.is_empty(), "{line}: {rest:02x?} more");
    }
}

fn signed(hex: &str) -> i32 {
    u32::from_str_radix(hex, 16).unwrap().cast_signed()
}
