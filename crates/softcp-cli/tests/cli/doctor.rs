//! `softcp doctor`: each problem is found, with what to do about it, and nothing is changed.

use std::fs;
use std::path::Path;

use serde_json::Value;
use snapbox::cmd::Command;

use crate::schema::check_report;
use crate::support::{Expect as _, Sandbox, driver, names};

/// The command, with a home of its own, without the caller's Wine, and with an identity that depends on nothing.
fn doctor<'a>(sandbox: &Sandbox, args: impl IntoIterator<Item = &'a str>, options: &str) -> Command {
    sandbox
        .softcp(["doctor"])
        .args(args)
        .env("HOME", sandbox.path(""))
        .env_remove("WINEPREFIX")
        .env_remove("WINEDLLOVERRIDES")
        .env("SOFTCP_OPTIONS", format!("identity.cache=false;{options}"))
}

/// What it says as JSON, after a look at its schema: the findings as `severity what | help`, and the exit code.
fn findings(command: Command) -> (Vec<String>, i32) {
    let output = command.arg("--json").output().unwrap();
    check_report("doctor", &output.stdout);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let line = |finding: &Value| {
        let help = text(&finding["help"]);
        let end = if help.is_empty() { String::new() } else { format!(" | {help}") };
        format!("{} {}{end}", text(&finding["severity"]), text(&finding["what"]))
    };
    (report["findings"].as_array().unwrap().iter().map(line).collect(), output.status.code().unwrap())
}

/// Checks that exactly one finding is not ok, and that it says this.
fn only(command: Command, code: i32, expected: &[&str]) {
    let (findings, seen) = findings(command);
    let wrong: Vec<_> = findings.iter().filter(|finding| !finding.starts_with("ok ")).collect();
    assert_eq!((wrong.len(), seen), (1, code), "{findings:#?}");
    for text in expected {
        assert!(wrong[0].contains(text), "{text:?} is not in {:?}", wrong[0]);
    }
}

#[test]
fn nothing_wrong_is_said_in_full() {
    doctor(&Sandbox::new(), [], "").expect(0, "doctor");
}

#[test]
fn configuration_file_is_named_with_what_is_wrong_in_it() {
    let sandbox = Sandbox::new();
    sandbox.write("bad.toml", "[memory]\nprotected = \"all\"\n");
    sandbox.write("good.toml", "[memory]\nprotected = 4096\n");
    fs::create_dir(sandbox.path("directory.toml")).unwrap();
    doctor(&sandbox, [], "").env("SOFTCP_CONF", "bad.toml").expect(1, "doctor-bad-configuration");
    doctor(&sandbox, [], "").env("SOFTCP_CONF", "none.toml").expect(1, "doctor-no-configuration");
    doctor(&sandbox, [], "").env("SOFTCP_CONF", "directory.toml").expect(1, "doctor-configuration-directory");
    doctor(&sandbox, [], "").env("SOFTCP_CONF", "good.toml").expect(0, "doctor-relative-configuration");
    let good = sandbox.path("good.toml");
    let (findings, code) = findings(doctor(&sandbox, [], "").env("SOFTCP_CONF", &good));
    assert_eq!((&findings[0], code), (&format!("ok the file {} is read", good.display()), 0));
}

#[test]
fn inline_options_are_checked_by_themselves_and_with_the_file() {
    let sandbox = Sandbox::new();
    doctor(&sandbox, [], "memory.secret=1").expect(1, "doctor-bad-options");
    doctor(&sandbox, [], "memory").expect(1, "doctor-option-without-value");
    doctor(&sandbox, [], "capabilities.block_alignment=3").expect(1, "doctor-contradiction");
}

#[test]
fn configuration_of_a_program_under_wine_is_found_by_its_drive() {
    if cfg!(windows) {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.write("softcp.toml", "[d3d11]\nenabled = true\n");
    let path = sandbox.path("softcp.toml");
    let first = |conf: String| {
        findings(doctor(&sandbox, ["--program", "none.exe"], "").env("SOFTCP_CONF", conf)).0.swap_remove(0)
    };
    assert_eq!(first(format!("Z:{}", path.display())), format!("ok the file {} is read", path.display()));
    let unix = first(path.display().to_string());
    assert!(unix.starts_with("warning") && unix.ends_with(&format!("Z:{}", path.display())), "{unix}");
}

#[test]
fn configured_identity_is_opened_and_checked() {
    let sandbox = Sandbox::new();
    sandbox.make_identity("identity");
    let command = || doctor(&sandbox, [], "identity.directory=identity");
    command().expect(0, "doctor-identity");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let key = sandbox.path("identity/key.pem");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        only(command(), 0, &["warning", "identity/key.pem is not this user's alone", "chmod 600"]);
    }
    sandbox.make_identity("other");
    fs::copy(sandbox.path("other/root.pem"), sandbox.path("identity/root.pem")).unwrap();
    let (untrusted, code) = findings(command());
    assert!(
        code == 1
            && untrusted
                .iter()
                .any(|finding| finding.starts_with("problem the certificate in identity is not trusted"))
    );
    fs::copy(sandbox.path("other/key.pem"), sandbox.path("identity/key.pem")).unwrap();
    let (damaged, code) = findings(command());
    assert!(
        code == 1 && damaged.iter().any(|finding| finding.starts_with("problem identity cannot be used")),
        "{damaged:#?}"
    );
    fs::remove_dir_all(sandbox.path("identity")).unwrap();
    let (missing, code) = findings(command());
    assert!(code == 1 && missing.iter().any(|finding| finding.contains("identity/root.pem")), "{missing:#?}");
}

#[cfg(unix)]
#[test]
fn kept_identity_is_looked_at_and_left_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = Sandbox::new();
    let cache = sandbox.path("cache");
    let command = || doctor(&sandbox, [], "").env("SOFTCP_OPTIONS", "").env("XDG_CACHE_HOME", &cache);
    let identity = || {
        let (findings, code) = findings(command());
        assert_eq!(code, 0, "{findings:#?}");
        findings[2].clone()
    };
    assert!(identity().starts_with("ok none is configured; the first run makes one"));
    assert!(!cache.exists(), "nothing is made");
    sandbox.softcp(["cert", "show"]).env("XDG_CACHE_HOME", &cache).assert().success();
    assert!(identity().ends_with("0 days old of at most 30"));
    let identities = cache.join("softcp/identities");
    let kept = identities.join(&names(&identities)[0]);
    fs::write(kept.join("chain.pem"), "").unwrap();
    assert!(identity().starts_with("warning the kept identity"));
    assert!(kept.exists(), "nothing is removed");
    let old = identities.join("00000000000001-abcdef");
    fs::rename(&kept, &old).unwrap();
    assert!(
        identity().starts_with("ok none is configured; the first run makes one"),
        "one that is too old is not used"
    );
    fs::set_permissions(&identities, fs::Permissions::from_mode(0o755)).unwrap();
    let open = identity();
    assert!(open.starts_with("warning") && open.contains("chmod 700"), "{open}");
    let relative = findings(command().env("XDG_CACHE_HOME", "relative").env("HOME", "relative")).0.swap_remove(2);
    assert!(relative.starts_with("warning none is configured, and none can be kept"), "{relative}");
}

#[test]
fn injected_faults_and_their_directory_are_told_and_left_alone() {
    let sandbox = Sandbox::new();
    only(
        doctor(&sandbox, [], "faults.list=key-lost at=3,wrong-mac"),
        0,
        &["warning 2 faults from the start", "key-lost at=3"],
    );
    let command = || doctor(&sandbox, [], "faults.control=control");
    let (findings_before, code) = findings(command());
    assert!(code == 0 && findings_before.iter().any(|finding| finding.contains("which the next program makes")));
    assert!(!sandbox.path("control").exists(), "nothing is made");

    fs::create_dir(sandbox.path("control")).unwrap();
    sandbox.write("control/1-1.toml", "nonsense");
    only(command(), 0, &["warning", "1-1.toml", "remove the file"]);
    fs::remove_file(sandbox.path("control/1-1.toml")).unwrap();
    if cfg!(target_os = "linux") {
        let gone = "process = 4294967295\nadapter = 1\nprogram = \"player\"\nserial = 3\n";
        sandbox.write("control/4294967295-1.toml", gone);
        only(
            command(),
            0,
            &["process 4294967295 has ended and left 4294967295-1.toml behind", "remove it from control"],
        );
    }
    assert!(names(&sandbox.path("control")).len() <= 1, "no file of this command's own");
    fs::remove_dir_all(sandbox.path("control")).unwrap();
    sandbox.write("control", "a file");
    only(command(), 1, &["problem faults.control: control is a regular file"]);
}

#[test]
fn driver_is_opened_and_its_tables_are_named() {
    let sandbox = Sandbox::new();
    doctor(&sandbox, ["--driver", &driver("driver")], "").expect(0, "doctor-driver");
    only(doctor(&sandbox, ["--driver", "./none.so"], ""), 1, &["problem", "none.so", "check the path"]);
    sandbox.write("text.so", "not a library");
    only(
        doctor(&sandbox, ["--driver", "./text.so"], ""),
        1,
        &["problem", "text.so", "shared library for this processor"],
    );
    // A driver that crashes in its own code.
    let crash = doctor(&sandbox, ["--driver", &driver("foreign_driver")], "")
        .env("SOFTCP_TEST_INNER_DRIVER", driver("driver"))
        .env("SOFTCP_TEST_DEFECT", "crash");
    only(crash, 1, &["problem the process that opens the driver has ended by itself"]);
    let (skipped, code) = findings(doctor(&sandbox, [], "memory.secret=1"));
    assert!(code == 1 && skipped.iter().any(|finding| finding.starts_with("warning not looked at")));
}

/// A library or program of Windows that exports these names: as little as it takes to be read as one.
fn pe(bits: u32, exports: &[&str], more: &[u8]) -> Vec<u8> {
    const SECTION: u32 = 0x1000;
    const FILE: u32 = 0x400;
    let word = |value: u32| value.to_le_bytes();
    let half = |value: u16| value.to_le_bytes();
    // The export directory, three tables for each name, and the names.
    let count = u32::try_from(exports.len()).unwrap();
    let tables = SECTION + 40;
    let (mut names, mut text) = (Vec::new(), b"a.dll\0".to_vec());
    let mut name_at = tables + 10 * count + 6;
    for export in exports {
        names.extend(word(name_at));
        text.extend(export.as_bytes().iter().chain([&0]));
        name_at += u32::try_from(export.len()).unwrap() + 1;
    }
    let mut data = Vec::new();
    let directory = [0, 0, 0, tables + 10 * count, 1, count, count, tables, tables + 4 * count, tables + 8 * count];
    data.extend(directory.into_iter().flat_map(word));
    data.extend((0..count).flat_map(|_| word(2 * SECTION)));
    data.extend(names);
    for index in 0..exports.len() {
        data.extend(half(u16::try_from(index).unwrap()));
    }
    data.extend(text);
    data.extend(more);
    let size = u32::try_from(data.len()).unwrap();

    let optional_size: u16 = if bits == 64 { 240 } else { 224 };
    let mut file = vec![0; 0x80];
    file[..2].copy_from_slice(b"MZ");
    file[0x3c..0x40].copy_from_slice(&word(0x80));
    if more.starts_with(b"Wine") {
        file[0x40..0x40 + more.len()].copy_from_slice(more);
    }
    file.extend(b"PE\0\0");
    file.extend(half(if bits == 64 { 0x8664 } else { 0x14c }));
    file.extend(half(1));
    file.extend([0; 12]);
    file.extend(half(optional_size));
    file.extend(half(0x2002));
    let start = file.len();
    file.extend(half(if bits == 64 { 0x20b } else { 0x10b }));
    file.resize(start + usize::from(optional_size) - 16 * 8 - 4, 0);
    // Alignments of sections, in memory and in the file.
    file[start + 32..start + 36].copy_from_slice(&word(0x1000));
    file[start + 36..start + 40].copy_from_slice(&word(0x200));
    file.extend(word(16));
    file.extend(word(SECTION));
    file.extend(word(size));
    file.resize(start + usize::from(optional_size), 0);
    file.extend(b".edata\0\0");
    file.extend([size, SECTION, size, FILE].into_iter().flat_map(word));
    file.extend([0; 12]);
    file.extend(word(0x4000_0040));
    file.resize(FILE as usize, 0);
    file.extend(data);
    file
}

/// A change of what lies there, and of what is set.
type Change = fn(&Path, &mut Vec<(&'static str, String)>);

/// Each is one thing that is otherwise than it should be, beside a program of 64 bits with the layer in a prefix of Wine.
#[cfg(not(windows))]
const PROGRAMS: &[(i32, &str, &[&str], Change)] = &[
    (0, "as it should be", &["--program", "game"], |_, _| {}),
    (0, "the program is named", &["--program", "game/player.exe"], |_, _| {}),
    (0, "several programs", &["--program", "game"], |game, _| {
        fs::write(game.join("setup.EXE"), pe(64, &[], b"")).unwrap();
    }),
    (1, "no such program", &["--program", "none.exe"], |_, _| {}),
    (1, "no program of Windows", &["--program", "game/readme.txt"], |game, _| {
        fs::write(game.join("readme.txt"), "").unwrap();
    }),
    (0, "a directory without a program", &["--program", "game"], |game, _| {
        fs::remove_file(game.join("player.exe")).unwrap();
    }),
    (0, "programs of both word sizes", &["--program", "game"], |game, _| {
        fs::write(game.join("b.exe"), pe(32, &[], b"")).unwrap();
    }),
    (1, "no library", &["--program", "game"], |game, _| fs::remove_file(game.join("d3d11.dll")).unwrap()),
    (1, "a library of the other word size", &["--program", "game"], |game, _| {
        fs::write(game.join("d3d11.dll"), pe(32, LAYER, b"")).unwrap();
    }),
    (1, "DXVK in its place", &["--program", "game"], |game, _| {
        fs::write(game.join("d3d11.dll"), pe(64, OTHERS, b"DXVK_LOG_LEVEL")).unwrap();
    }),
    (1, "Wine's in its place", &["--program", "game"], |game, _| {
        fs::write(game.join("d3d11.dll"), pe(64, OTHERS, b"Wine builtin DLL")).unwrap();
    }),
    (1, "another one in its place", &["--program", "game"], |game, _| {
        fs::write(game.join("d3d11.dll"), pe(64, OTHERS, b"")).unwrap();
    }),
    (1, "no library of Windows in its place", &["--program", "game"], |game, _| {
        fs::write(game.join("d3d11.dll"), "text").unwrap();
    }),
    (0, "its name in capitals", &["--program", "game"], |game, _| {
        fs::rename(game.join("d3d11.dll"), game.join("D3D11.DLL")).unwrap();
    }),
    (0, "DXVK as Debian names it", &["--program", "game"], |game, _| {
        for name in ["d3d11.dll.so", "dxgi.dll.so"] {
            fs::write(game.join(name), pe(64, OTHERS, b"DXVK_LOG_LEVEL")).unwrap();
        }
    }),
    (1, "no override", &["--program", "game"], |_, variables| variables.retain(|(name, _)| *name != OVERRIDES)),
    (1, "an override without n in front", &["--program", "game"], |_, variables| {
        variables.push((OVERRIDES, "d3d11=b,n".to_owned()));
    }),
    (1, "an override without b", &["--program", "game"], |_, variables| {
        variables.push((OVERRIDES, "d3d11=n".to_owned()));
    }),
    (0, "an override in the registry", &["--program", "game"], |game, variables| {
        variables.retain(|(name, _)| *name != OVERRIDES);
        let registry =
            "WINE REGISTRY Version 2\n\n[Software\\\\Wine\\\\DllOverrides] 1\n\"d3d11\"=\"native,builtin\"\n";
        fs::write(game.join("../prefix/user.reg"), registry).unwrap();
    }),
    (1, "an override in the registry, for the program and against it", &["--program", "game"], |game, variables| {
        variables.retain(|(name, _)| *name != OVERRIDES);
        let registry = concat!(
            "[Software\\\\Wine\\\\DllOverrides] 1\n\"d3d11\"=\"native,builtin\"\n\n",
            "[Software\\\\Wine\\\\AppDefaults\\\\PLAYER.EXE\\\\DllOverrides] 1\n\"d3d11\"=\"builtin\"\n"
        );
        fs::write(game.join("../prefix/user.reg"), registry).unwrap();
    }),
    (1, "no prefix", &["--program", "game", "--prefix", "game"], |_, _| {}),
    (1, "a prefix without the library", &["--program", "game"], |game, _| {
        fs::remove_file(game.join("../prefix/drive_c/windows/system32/d3d11.dll")).unwrap();
    }),
    (1, "the layer in the system directory", &["--program", "game"], |game, _| {
        fs::copy(game.join("d3d11.dll"), game.join("../prefix/drive_c/windows/system32/d3d11.dll")).unwrap();
    }),
    (1, "Wine 8, which has no bcryptprimitives.dll", &["--program", "game"], |game, _| {
        fs::remove_file(game.join("../prefix/drive_c/windows/system32/bcryptprimitives.dll")).unwrap();
    }),
    (0, "and a stand-in for it", &["--program", "game"], |game, _| {
        fs::remove_file(game.join("../prefix/drive_c/windows/system32/bcryptprimitives.dll")).unwrap();
        fs::write(game.join("bcryptprimitives.dll"), pe(64, &[], b"")).unwrap();
    }),
    (0, "DXVK in the prefix", &["--program", "game"], |game, _| {
        fs::write(game.join("../prefix/drive_c/windows/system32/d3d11.dll"), pe(64, OTHERS, b"DXVK_LOG_LEVEL"))
            .unwrap();
    }),
    (0, "32 bits in a prefix of both", &["--program", "game"], |game, _| {
        for (name, exports) in [
            ("player.exe", &[][..]),
            ("d3d11.dll", LAYER),
            ("../prefix/drive_c/windows/syswow64/d3d11.dll", OTHERS),
            ("../prefix/drive_c/windows/syswow64/bcryptprimitives.dll", &[]),
        ] {
            fs::create_dir_all(game.join(name).parent().unwrap()).unwrap();
            fs::write(game.join(name), pe(32, exports, b"")).unwrap();
        }
    }),
    (0, "d3d11.real beside it", &["--program", "game"], |game, variables| {
        variables.push((OPTIONS, "d3d11.real=D3D11_DXVK.dll".to_owned()));
        fs::write(game.join("d3d11_dxvk.dll"), pe(64, OTHERS, b"DXVK_LOG_LEVEL")).unwrap();
    }),
    (0, "d3d11.real on a drive", &["--program", "game"], |game, variables| {
        variables.push((OPTIONS, r"d3d11.real=C:\dxvk\d3d11.dll".to_owned()));
        fs::create_dir_all(game.join("../prefix/dosdevices/c:/dxvk")).unwrap();
        fs::write(game.join("../prefix/dosdevices/c:/dxvk/d3d11.dll"), pe(64, OTHERS, b"DXVK_LOG_LEVEL")).unwrap();
    }),
    (1, "d3d11.real that is not there", &["--program", "game"], |_, variables| {
        variables.push((OPTIONS, r"d3d11.real=C:\dxvk\d3d11.dll".to_owned()));
    }),
    (1, "d3d11.real of the other word size", &["--program", "game"], |game, variables| {
        variables.push((OPTIONS, "d3d11.real=other.dll".to_owned()));
        fs::write(game.join("other.dll"), pe(32, OTHERS, b"")).unwrap();
    }),
    (1, "d3d11.real that is the layer", &["--program", "game"], |_, variables| {
        variables.push((OPTIONS, "d3d11.real=d3d11.dll".to_owned()));
    }),
    (0, "DXVK's dxgi.dll without an override", &["--program", "game"], |game, _| {
        fs::write(game.join("dxgi.dll"), pe(64, OTHERS, b"DXVK_LOG_LEVEL")).unwrap();
    }),
    (0, "d3d11.enabled is false", &["--program", "game"], |_, variables| {
        variables.push((OPTIONS, "d3d11.enabled=false".to_owned()));
    }),
    (1, "d3d11.driver that is not there", &["--program", "game"], |_, variables| {
        variables.push((OPTIONS, "d3d11.driver=other.dll".to_owned()));
    }),
    (0, "d3d11.driver", &["--program", "game"], |game, variables| {
        variables.push((OPTIONS, "d3d11.driver=other.dll".to_owned()));
        fs::write(game.join("other.dll"), pe(64, &["softcp_open_driver"], b"")).unwrap();
    }),
];

const OVERRIDES: &str = "WINEDLLOVERRIDES";
const OPTIONS: &str = "SOFTCP_OPTIONS";
const LAYER: &[&str] = &["D3D11CreateDevice", "softcp_version"];
const OTHERS: &[&str] = &["D3D11CreateDevice"];

#[cfg(not(windows))]
#[test]
fn drop_in_beside_a_program_is_checked_with_all_that_it_takes() {
    use std::fmt::Write as _;

    let mut told = String::new();
    for (code, case, args, change) in PROGRAMS {
        let sandbox = Sandbox::new();
        let game = sandbox.path("game");
        let system = sandbox.path("prefix/drive_c/windows/system32");
        fs::create_dir_all(&game).unwrap();
        fs::create_dir_all(&system).unwrap();
        sandbox.write("prefix/user.reg", "WINE REGISTRY Version 2\n");
        fs::write(game.join("player.exe"), pe(64, &[], b"")).unwrap();
        fs::write(game.join("d3d11.dll"), pe(64, LAYER, b"")).unwrap();
        fs::write(system.join("d3d11.dll"), pe(64, OTHERS, b"Wine builtin DLL")).unwrap();
        fs::write(system.join("bcryptprimitives.dll"), pe(64, &[], b"Wine builtin DLL")).unwrap();
        let mut variables = vec![("WINEPREFIX", "prefix".to_owned()), (OVERRIDES, "d3d11=n,b".to_owned())];
        change(&game, &mut variables);
        let mut command = doctor(&sandbox, args.iter().copied(), "");
        for (name, value) in variables {
            let value = if name == OPTIONS { format!("identity.cache=false;{value}") } else { value };
            command = command.env(name, value);
        }
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let section = text.split_once("Program\n").map_or("", |(_, section)| section);
        writeln!(told, "{case}: exit code {}\n{section}", output.status.code().unwrap()).unwrap();
        assert_eq!(output.status.code(), Some(*code), "{case}: {text}{}", String::from_utf8_lossy(&output.stderr));
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/doctor-programs.txt");
    let golden = snapbox::Data::read_from(&golden, Some(snapbox::data::DataFormat::Text));
    snapbox::Assert::new().action_env("SNAPSHOTS").eq(told, golden);
}
