//! The C headers are generated from the sources, committed, and compared here. To write them anew after a change:
//! `SOFTCP_WRITE_HEADERS=1 cargo test -p softcp-ddi --test header`.

#![allow(clippy::unwrap_used, reason = "a source that cannot be read fails the test")]

use std::path::{Path, PathBuf};

use cbindgen::{Builder, Config, DocumentationStyle, Language, Style};

/// Items of `softcp-abi`'s driver entry that belong to `softcp_ddi.h`; the rest of that file belongs to `softcp.h`.
const DRIVER_ENTRY: &[&str] = &[
    "SOFTCP_DRIVER_INTERFACE_VERSION",
    "SOFTCP_RESOURCE_PROTECTED",
    "SOFTCP_RESOURCE_MULTISAMPLED",
    "SOFTCP_RESOURCE_SHARED",
    "SOFTCP_RESOURCE_RESTRICTED",
    "softcp_resource_desc",
    "softcp_report_error",
    "softcp_driver_desc",
    "softcp_driver",
    "softcp_open_driver_fn",
];

/// Items of `softcp-abi`'s driver entry that `softcp.h` has.
const MAPPING: &[&str] = &[
    "SOFTCP_ACCESS_READ",
    "SOFTCP_ACCESS_WRITE",
    "SOFTCP_ACCESS_READ_WRITE",
    "SOFTCP_MAPPING_PROTECTED",
    "SOFTCP_MAPPING_MULTISAMPLED",
    "softcp_plane",
    "softcp_mapping",
];

const CORE_PREAMBLE: &str = r"/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* SoftCP: software content protection for Direct3D 11.1 drivers. Core functions.
   Generated from the Rust sources; do not edit.

   Every function returns an HRESULT (softcp_hresult) unless it says otherwise. Outputs of a failed call: handles,
   pointers, counts, sizes and status values are zero, data buffers keep their bytes. Capability and creation
   functions, and those about a whole device, may be called from any thread; calls on one session, channel or decoder
   are serialised by it. D1, D2 ... are the numbered decisions of docs/decisions.md. */
#ifndef SOFTCP_H
#define SOFTCP_H

#include <stddef.h>
#include <stdint.h>

/* Calling convention of every function and callback. */
#if defined(_WIN32)
#define SOFTCP_CALL __cdecl
#else
#define SOFTCP_CALL
#endif

";

/// What a driver exports, which no source here defines.
const OPEN_DRIVER: &str = r#"// Names of an exported function of type `softcp_open_driver_fn`, in the order in which kits look for them (D40).
#define SOFTCP_OPEN_DRIVER "softcp_open_driver"
#define SOFTCP_OPEN_REFERENCE_DRIVER "softcp_open_reference_driver"

// The function that a driver defines and exports to be loaded by the conformance kit and by the `softcp` command. SoftCP's
// library declares it here and never defines it: a driver that links the library, statically too, has this name for
// itself, while `softcp_open_reference_driver` below opens the library's own reference driver.
HRESULT SOFTCP_CALL softcp_open_driver(const struct softcp_driver_desc *desc, struct softcp_driver *driver);

"#;

const DDI_PREAMBLE: &str = r#"/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* SoftCP: software content protection for Direct3D 11.1 drivers. DDI entries and the reference driver.
   Generated from the Rust sources; do not edit.

   With the WDK's d3d10umddi.h, include that first and define SOFTCP_HAVE_WDK: then this header defines none of its
   types. Without it, this header brings the part of the DDI that content protection needs, laid out as on Windows. */
#ifndef SOFTCP_DDI_H
#define SOFTCP_DDI_H

#include "softcp.h"

/* Calling convention of the DDI's entries. */
#if defined(_WIN32)
#define SOFTCP_APIENTRY __stdcall
#else
#define SOFTCP_APIENTRY
#endif

"#;

fn crate_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn abi(file: &str) -> PathBuf {
    crate_root().join("../softcp-abi/src").join(file)
}

/// The sources of `softcp-abi` whose items are the DDI's.
fn ddi_sources() -> Vec<PathBuf> {
    let own = ["driver.rs", "layout.rs", "lib.rs", "messages.rs"];
    let list = |directory: &str| {
        let files = std::fs::read_dir(abi(directory)).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect::<Vec<_>>()
    };
    let mut files = [list(""), list("tables")].concat();
    files.retain(|path| !own.iter().any(|name| path.ends_with(Path::new("src").join(name))));
    files.sort();
    files
}

fn config() -> Config {
    Config {
        language: Language::C,
        style: Style::Both,
        documentation_style: DocumentationStyle::C99,
        usize_is_size_t: true,
        no_includes: true,
        line_length: 120,
        ..Config::default()
    }
}

fn generate(config: Config, sources: &[PathBuf]) -> String {
    let builder = sources.iter().fold(Builder::new().with_config(config), Builder::with_src);
    let mut header = Vec::new();
    builder.generate().expect("the sources can be read").write(&mut header);
    let header = String::from_utf8(header).expect("headers are text");
    header.trim().to_owned() + "\n"
}

/// Declarations for C++ as well.
fn extern_c(declarations: &str) -> String {
    format!("#ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n{declarations}\n#ifdef __cplusplus\n}}\n#endif\n")
}

/// Writes the calling convention out, which cbindgen does not: before the name of a function, whose line is not
/// indented, and of a callback, which is `(*name)(`.
fn with_calling_convention(header: &str, convention: &str) -> String {
    let line = |line: &str| {
        let function = line.starts_with(char::is_alphabetic) && !line.starts_with("typedef");
        let line = match line.find('(').filter(|_| function) {
            Some(open) => {
                let name = line[..open].rfind([' ', '*']).map_or(0, |before| before + 1);
                format!("{}{convention} {}", &line[..name], &line[name..])
            }
            None => line.to_owned(),
        };
        line.replace("(*", &format!("({convention} *")) + "\n"
    };
    header.lines().map(line).collect()
}

/// `softcp.h`: the core functions and the types that they and the host callbacks use.
fn core_header() -> String {
    let mut config = config();
    config.export.rename.insert("HRESULT".to_owned(), "softcp_hresult".to_owned());
    config.export.include = MAPPING.iter().map(|&name| name.to_owned()).collect();
    config.export.exclude = DRIVER_ENTRY.iter().map(|&name| name.to_owned()).collect();
    let own = [
        "core/types.rs",
        "core/adapter.rs",
        "core/device.rs",
        "core/caps.rs",
        "core/session.rs",
        "core/channel.rs",
        "core/decoder.rs",
        "core/hardware.rs",
        "core/faults.rs",
        "core/last_error.rs",
        "core/version.rs",
        "core/protection.rs",
        "device.rs",
        "environment.rs",
        "host.rs",
    ];
    let mut sources: Vec<_> = own.iter().map(|file| crate_root().join("src").join(file)).collect();
    sources.push(abi("driver.rs"));
    let body = with_calling_convention(&generate(config, &sources), "SOFTCP_CALL");
    let body = body.lines().map(hresult).collect::<String>();
    let guids = std::fs::read_to_string(abi("guid.rs")).unwrap();
    let guids: String = ["CRYPTO_TYPE_AES128_CTR", "KEY_EXCHANGE_RSAES_OAEP"]
        .iter()
        .map(|name| {
            let line = guids.lines().find(|line| line.starts_with(&format!("pub const D3D11_{name}: GUID")));
            let guid = line.and_then(guid).expect("both stand on one line");
            guid.replace("GUID D3D11_", "softcp_guid SOFTCP_")
        })
        .collect();
    format!("{CORE_PREAMBLE}{}\n/* What softcp_session_desc takes. */\n{guids}\n#endif\n", extern_c(&body))
}

/// `softcp_ddi.h`: the DDI's types (unless the WDK has them), attaching and filling, and the reference driver entry.
fn ddi_header() -> String {
    let sources = ddi_sources();
    let text: String = sources.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let text = text.replace("=\n    ", "= "); // long constants are broken there
    let names: Vec<_> = text.lines().filter_map(item_name).map(str::to_owned).collect();

    let mut types = config();
    types.export.include.clone_from(&names);
    let types = with_calling_convention(&generate(types, &sources), "SOFTCP_APIENTRY");
    let guids: String = text.lines().filter_map(guid).collect();

    let mut functions = config();
    functions.export.include = DRIVER_ENTRY.iter().map(|&name| name.to_owned()).collect();
    functions.export.exclude = names;
    functions.export.exclude.extend(MAPPING.iter().map(|&name| name.to_owned()));
    let own = ["ddi/attach.rs", "ddi/table.rs", "reference/mod.rs"].map(|file| crate_root().join("src").join(file));
    let functions = generate(functions, &[&own[..], &[abi("driver.rs")]].concat());
    let functions = with_calling_convention(&functions, "SOFTCP_CALL");
    let (types_and_callbacks, rest) = functions.split_once("// Attaches a SoftCP device").expect("the first function");
    let functions = format!("{types_and_callbacks}{OPEN_DRIVER}// Attaches a SoftCP device{rest}");
    format!(
        "{DDI_PREAMBLE}#ifndef SOFTCP_HAVE_WDK\n\n{}\n{guids}\n#endif\n\n{}\n#endif\n",
        extern_c(&types),
        extern_c(&functions)
    )
}

/// The name of a public type or constant that a line of Rust begins.
fn item_name(line: &str) -> Option<&str> {
    let item =
        ["pub struct ", "pub union ", "pub type ", "pub const "].iter().find_map(|start| line.strip_prefix(start))?;
    item.split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

/// A line of the header; an HRESULT is written in parentheses, as the hexadecimal number that everyone knows it by.
fn hresult(line: &str) -> String {
    let known = line.split_once(" (int32_t)").and_then(|(define, number)| {
        let number: u32 = number.strip_suffix('u')?.parse().ok()?;
        Some(format!("{define} ((int32_t){number:#010x}u)\n"))
    });
    known.unwrap_or_else(|| format!("{line}\n"))
}

/// A GUID constant as C, which cbindgen cannot make of a `const fn` call.
fn guid(line: &str) -> Option<String> {
    let (name, value) = line.strip_prefix("pub const ")?.split_once(": GUID = GUID::from_u128(0x")?;
    let value = u128::from_str_radix(&value.trim_end_matches(");").replace('_', ""), 16).ok()?;
    let bytes: Vec<_> = value.to_be_bytes()[8..].iter().map(|byte| format!("{byte:#04x}")).collect();
    Some(format!(
        "static const GUID {name} = {{{:#010x}, {:#06x}, {:#06x}, {{{}}}}};\n",
        value >> 96,
        value >> 80 & 0xFFFF,
        value >> 64 & 0xFFFF,
        bytes.join(", ")
    ))
}

fn check(name: &str, generated: &str) {
    let path = crate_root().join("include").join(name);
    if std::env::var_os("SOFTCP_WRITE_HEADERS").is_some() {
        std::fs::write(&path, generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == generated, "{name} is not what the sources give; see the top of tests/header.rs");
}

#[test]
fn softcp_h_is_up_to_date() {
    check("softcp.h", &core_header());
}

#[test]
fn softcp_ddi_h_is_up_to_date() {
    check("softcp_ddi.h", &ddi_header());
}

#[test]
fn every_guid_of_the_contract_is_in_the_header() {
    let header = ddi_header();
    let guids = std::fs::read_to_string(abi("../spec/guids.csv")).unwrap();
    for name in guids.lines().skip(1).map(|row| row.split(',').next().unwrap()) {
        assert!(header.contains(&format!("static const GUID {name} = ")), "{name}");
    }
}

/// The names that C loaders read in the header are those that loaders in Rust look for.
#[test]
fn names_of_the_driver_entry_are_those_of_the_contract() {
    for (name, value) in
        ["SOFTCP_OPEN_DRIVER", "SOFTCP_OPEN_REFERENCE_DRIVER"].iter().zip(softcp_abi::SOFTCP_OPEN_DRIVER_NAMES)
    {
        assert!(OPEN_DRIVER.contains(&format!("#define {name} \"{value}\"\n")), "{name}");
    }
    let declaration = format!("HRESULT SOFTCP_CALL {}(", softcp_abi::SOFTCP_OPEN_DRIVER);
    assert!(OPEN_DRIVER.contains(&declaration));
}
