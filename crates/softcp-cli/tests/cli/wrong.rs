//! Wrong command lines: each ends with its exit code and a first line that says what is wrong, and leaves nothing behind.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use snapbox::{Data, data::DataFormat};

use crate::support::{KEY, LICENCE, Sandbox, names, softcp_in, vector};

/// `@` stands for an encrypted file, `%` for its key, `^` for its KID. Files that are there: `dir`, `fifo`, `empty.mp4`,
/// `text.mp4`, `clear.mp4`, `cut.mp4`, `keys.txt`, `nokeys.txt`, `badkeys.txt`, `licence.json`, `old`, `link`.
const WRONG: &[(i32, &str)] = &[
    (2, ""),
    (2, "frobnicate"),
    (2, "--frobnicate"),
    (2, "decrypt"),
    (2, "decrypt @"),
    (2, "decrypt @ -o out"),
    (2, "decrypt @ --key %"),
    (2, "decrypt --key % -o out"),
    (2, "decrypt @ --key % -o"),
    (2, "decrypt @ --key -o out"),
    (2, "decrypt @ --key % -o out -o out2"),
    (2, "decrypt @ --key % -o out --output-dir dir"),
    (2, "decrypt @ @ --key % -o out"),
    (2, "decrypt @ @ --key % --output-dir new"),
    (2, "decrypt - - --key % --output-dir new"),
    (2, "decrypt - --key % --output-dir new"),
    (2, "decrypt .. --key % --output-dir new"),
    (2, "decrypt @ --key nonsense -o out"),
    (2, "decrypt @ --key ^: -o out"),
    (2, "decrypt @ --key :% -o out"),
    (2, "decrypt @ --key 0:00112233445566778899aabbccddeeff -o out"),
    (2, "decrypt @ --key 1:xyz -o out"),
    (2, "decrypt @ --key 0x12 -o out"),
    (2, "decrypt @ --key ^:00 -o out"),
    (2, "decrypt @ --key ^:0011223344556677889900112233445g -o out"),
    (2, "decrypt @ --key % --key ^:00112233445566778899aabbccddeeff -o out"),
    (2, "decrypt @ --key 00112233445566778899aabbccddeeff --key ffeeddccbbaa99887766554433221100 -o out"),
    (2, "decrypt @ --key 1:00112233445566778899aabbccddeeff --key 1:ffeeddccbbaa99887766554433221100 -o out"),
    (2, "decrypt @ --key-file nokeys.txt -o out"),
    (2, "decrypt @ --key-file badkeys.txt -o out"),
    (2, "decrypt @ --key-file binary -o out"),
    (3, "decrypt @ --key-file none.txt -o out"),
    (3, "decrypt @ --key-file dir -o out"),
    (3, "decrypt @ --key-file fifo -o out"),
    (3, "decrypt @ --key-file /dev/zero -o out"),
    (2, "decrypt @ --key-file keys.txt --key-file keys.txt -o out"),
    (2, "decrypt @ --key % --licence licence.json -o out"),
    (2, "decrypt @ --licence text.mp4 -o out"),
    (3, "decrypt @ --licence none.json -o out"),
    (3, "decrypt @ --licence dir -o out"),
    (3, "decrypt none.mp4 --key % -o out"),
    (3, "decrypt dir --key % -o out"),
    (3, "decrypt fifo --key % -o out"),
    (3, "decrypt text.mp4/in --key % -o out"),
    (3, "decrypt https://example.org/in.mp4 --key % -o out"),
    (3, "decrypt /dev/zero --key % -o out"),
    (1, "decrypt empty.mp4 --key % -o out"),
    (1, "decrypt text.mp4 --key % -o out"),
    (1, "decrypt clear.mp4 --key % -o out"),
    (1, "decrypt cut.mp4 --key % -o out"),
    (1, "decrypt @ --key 00112233445566778899aabbccddeeff:00112233445566778899aabbccddeeff -o out"),
    (1, "decrypt - --key % -o out"),
    (3, "decrypt @ --key % -o old"),
    (3, "decrypt @ --key % -o dir"),
    (3, "decrypt @ --key % -o dir/"),
    (3, "decrypt @ --key % -o new/"),
    (3, "decrypt @ --key % -o none/out"),
    (3, "decrypt @ --key % -o text.mp4/out"),
    (3, "decrypt @ --key % -o fifo"),
    (3, "decrypt @ --key % -o link"),
    (3, "decrypt @ --key % -f -o link"),
    (3, "decrypt @ --key % -f -o /dev/zero"),
    (3, "decrypt @ --key % -f -o /"),
    (3, "decrypt @ --key % -o .."),
    (3, "decrypt @ --key % --output-dir old"),
    (3, "decrypt @ --key % --output-dir old/new"),
    (2, "decrypt keys.txt --key-file keys.txt -f -o keys.txt"),
    (2, "decrypt @ --key-file keys.txt -f -o keys.txt"),
    (2, "decrypt @ --key % --init clear.mp4 -f -o clear.mp4"),
    (3, "decrypt @ --key % --init none.mp4 -o out"),
    (1, "decrypt @ --key % --init text.mp4 -o out"),
    (1, "decrypt @ --key % --init empty.mp4 -o out"),
    (2, "decrypt @ --key % --track 99 -o out"),
    (2, "decrypt @ --key % --track x -o out"),
    (2, "decrypt @ --key % --track -1 -o out"),
    (2, "decrypt @ --key % --refresh-every -1 -o out"),
    (2, "decrypt @ --key % --refresh-every 99999999999 -o out"),
    (2, "decrypt @ --key % --restarts many -o out"),
    (2, "decrypt @ --key % --root keys.txt --any-root -o out"),
    (3, "decrypt @ --key % --root none.pem -o out"),
    (3, "decrypt @ --key % --root text.mp4 -o out"),
    (3, "decrypt @ --key % --root dir -o out"),
    (3, "decrypt @ --key % --driver none.so -o out"),
    (3, "decrypt @ --key % --driver text.mp4 -o out"),
    (3, "decrypt @ --key % --driver dir -o out"),
    (3, "decrypt @ --key % --driver fifo -o out"),
    (2, "info"),
    (2, "info @ @"),
    (3, "info none.mp4"),
    (3, "info dir"),
    (1, "info empty.mp4"),
    (1, "info text.mp4"),
    (1, "info @ --init text.mp4"),
    (1, "info -"),
    (2, "demo --fault none"),
    (3, "demo -o old"),
    (3, "demo -o dir"),
    (3, "demo -o none/a.png"),
    (2, "demo -o a.png --clip a.png"),
    (2, "demo extra"),
    (2, "caps extra"),
    (3, "caps --driver none.so"),
    (2, "channel --type none"),
    (2, "channel --encryption none"),
    (2, "bench --group none"),
    (2, "bench --plot a.pdf"),
    (3, "bench --plot old.svg"),
    (3, "bench --plot none/a.svg"),
    (2, "conform --filter none"),
    (2, "conform --time-limit 0"),
    (3, "conform --expect none.toml"),
    (3, "conform --expect dir"),
    (3, "conform --junit dir"),
    (3, "conform --html none/a.html"),
    (2, "zoo none"),
    (3, "zoo --table dir"),
    (2, "faults set"),
    (2, "faults set none"),
    (2, "faults list"),
    (2, "doctor extra"),
    (2, "doctor --prefix dir"),
    (2, "cert"),
    (2, "cert new"),
    (3, "cert new text.mp4"),
    (3, "cert new text.mp4/new"),
    (2, "cert new new --days 0"),
    (3, "cert show none.pem"),
    (1, "cert show text.mp4"),
    (3, "cert show dir"),
    (2, "completions none"),
    (3, "man text.mp4"),
];

#[test]
fn wrong_command_lines_say_what_is_wrong_and_leave_nothing() {
    assert!(WRONG.len() >= 100);
    let sandbox = Sandbox::new();
    let directory = sandbox.path("");
    let encrypted = std::fs::read(vector("ff-cenc-frag-video.mp4")).unwrap();
    std::fs::create_dir(sandbox.path("dir")).unwrap();
    assert!(Command::new("mkfifo").arg(sandbox.path("fifo")).status().unwrap().success());
    std::os::unix::fs::symlink("nowhere", sandbox.path("link")).unwrap();
    let badkeys = format!("{KEY}\nnonsense\n");
    let clear = std::fs::read(vector("clear.mp4")).unwrap();
    let files: [(&str, &[u8]); 12] = [
        ("in.mp4", &encrypted),
        ("cut.mp4", &encrypted[..encrypted.len() / 2]),
        ("clear.mp4", &clear),
        ("empty.mp4", b""),
        ("text.mp4", b"This is a text file that happens to be called MP4."),
        ("binary", b"\xff\x00\x80"),
        ("keys.txt", KEY.as_bytes()),
        ("nokeys.txt", b"# none\n"),
        ("badkeys.txt", badkeys.as_bytes()),
        ("licence.json", LICENCE.as_bytes()),
        ("old", b"old"),
        ("old.svg", b"old"),
    ];
    for (name, bytes) in files {
        sandbox.write(name, bytes);
    }
    let before = names(&directory);
    let (kid, _) = KEY.split_once(':').unwrap();
    let mut told = String::new();
    for (code, line) in WRONG {
        let words = line.split_whitespace().map(|word| word.replace('@', "in.mp4").replace('%', KEY).replace('^', kid));
        let output = softcp_in(&directory)
            .args(words)
            .env("COLUMNS", "100")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(*code), "{line}: {errors}");
        assert!(!errors.contains("panicked"), "{line}: {errors}");
        assert_eq!(names(&directory), before, "{line}");
        for (name, bytes) in files {
            assert!(std::fs::read(sandbox.path(name)).unwrap() == bytes, "{line}: {name}");
        }
        let key = KEY.split_once(':').unwrap().1;
        assert!(!errors.contains(key), "{line}: {errors}");
        writeln!(told, "{code} softcp {line}\n    {}", errors.lines().next().unwrap_or_default()).unwrap();
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/wrong-command-lines.txt");
    snapbox::Assert::new().action_env("SNAPSHOTS").eq(told, Data::read_from(&golden, Some(DataFormat::Text)));
}
