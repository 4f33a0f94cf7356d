//! Runs the command in a directory of its own and compares what it says.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use snapbox::cmd::{Command, OutputAssert};
use snapbox::data::{Data, DataFormat};
use snapbox::{Assert, Redactions};
use tempfile::TempDir;

/// The key of most files in `tests/vectors/cenc`.
pub(crate) const KEY: &str = "1a2b3c4d5e6f70819203142536475869:0f1e2d3c4b5a69788796a5b4c3d2e1f0";

/// A licence of the same key.
pub(crate) const LICENCE: &str = r#"{"keys": [{"kty": "oct", "kid": "Gis8TV5vcIGSAxQlNkdYaQ", "k": "Dx4tPEtaaXiHlqW0w9Lh8A"}], "type": "temporary"}"#;

/// An empty directory to run the command in.
pub(crate) struct Sandbox {
    directory: TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self { directory: TempDir::with_prefix("softcp-cli-").unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    /// The command, without the caller's configuration.
    pub(crate) fn softcp<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        Command::new(env!("CARGO_BIN_EXE_softcp"))
            .current_dir(self.directory.path())
            .env("COLUMNS", "100")
            .env("NO_COLOR", "1")
            .env_remove("SOFTCP_CONF")
            .env_remove("SOFTCP_OPTIONS")
            .env_remove("SOFTCP_LOG")
            .env("XDG_CACHE_HOME", cache_home())
            .stdin("")
            .with_assert(assert())
            .args(args)
    }

    /// Makes the identity of `name` and gives nothing back: a step on the way.
    pub(crate) fn make_identity(&self, name: &str) {
        self.softcp(["cert", "new", name]).assert().success();
    }
}

/// The cache directory of all tests: an identity is made once, as for a user.
pub(crate) fn cache_home() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")
}

/// The command, without the caller's configuration, for what needs a child process.
pub(crate) fn softcp_in(directory: &Path) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_softcp"));
    without_configuration(&mut command, directory);
    command
}

/// The same in a shell that limits the size of files to `blocks` of 512 bytes: this stands for a full disk.
pub(crate) fn limited_softcp_in(directory: &Path, blocks: u32) -> std::process::Command {
    let mut command = std::process::Command::new("sh");
    let script = format!(r#"ulimit -c 0; ulimit -f {blocks}; exec "$@""#);
    command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_softcp")]);
    without_configuration(&mut command, directory);
    command
}

/// Runs a command in a directory without the caller's configuration.
pub(crate) fn without_configuration(command: &mut std::process::Command, directory: &Path) {
    command
        .current_dir(directory)
        .env("NO_COLOR", "1")
        .env_remove("SOFTCP_CONF")
        .env_remove("SOFTCP_OPTIONS")
        .env_remove("SOFTCP_LOG")
        .env("XDG_CACHE_HOME", cache_home());
}

/// The names in a directory, sorted.
pub(crate) fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// What a command said and how it ended.
pub(crate) trait Expect {
    /// Compares exit code, standard output and standard error with `NAME.stdout` and `NAME.stderr`; a stream without a
    /// golden file must be empty.
    fn expect(self, code: i32, name: &str);
}

impl Expect for Command {
    fn expect(self, code: i32, name: &str) {
        self.assert().expect(code, name);
    }
}

impl Expect for OutputAssert {
    fn expect(self, code: i32, name: &str) {
        let expected = |stream: &str, actual: &[u8]| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.{stream}"));
            // A golden file exists as soon as there is something to say.
            if actual.is_empty() && !path.exists() {
                Data::text("")
            } else {
                Data::read_from(&path, Some(DataFormat::Text))
            }
        };
        let output = self.get_output();
        let (stdout, stderr) = (expected("stdout", &output.stdout), expected("stderr", &output.stderr));
        self.code(code).stdout_eq(stdout).stderr_eq(stderr);
    }
}

/// Compares with golden files, after replacing what differs from run to run and from machine to machine.
fn assert() -> Assert {
    static REDACTIONS: OnceLock<Redactions> = OnceLock::new();
    let redactions = REDACTIONS.get_or_init(|| {
        let mut redactions = Redactions::new();
        let mut add = |name: &'static str, pattern: &str| {
            redactions.insert(name, regex::Regex::new(pattern).unwrap()).unwrap();
        };
        add("[FINGERPRINT]", "(?<redacted>(?:[0-9A-F]{2}:){31}[0-9A-F]{2})");
        add("[SERIAL]", "Serial +(?<redacted>(?:[0-9A-F]{2}:){15}[0-9A-F]{2})");
        add("[TIME]", "(?<redacted>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)");
        add("[DURATION]", r"(?<redacted>[0-9]+\.[0-9]{2} s, [0-9]+ MB/s)");
        add("[ENTROPY]", r"(?<redacted>7\.99[0-9]) bits");
        add("[IV]", "IV (?<redacted>[0-9a-f]{32})");
        // Handles of the reference driver begin with their kind.
        add("[DEVICE]", "(?<redacted>0x1[0-9a-f]{15})");
        add("[SESSION]", "(?<redacted>0x2[0-9a-f]{15})");
        add("[CHANNEL]", "(?<redacted>0x3[0-9a-f]{15})");
        add("[DECODER]", "(?<redacted>0x4[0-9a-f]{15})");
        add("[KERNEL]", "AES runs on the kernel (?<redacted>[a-z0-9-]+)");
        add("[VERSION]", r"(?:driver|softcp) (?<redacted>[0-9]+\.[0-9]+\.[0-9]+)");
        redactions.insert("[VECTORS]", vectors()).unwrap();
        redactions.insert("[EXAMPLES]", examples()).unwrap();
        redactions
    });
    Assert::new().action_env("SNAPSHOTS").redact_with(redactions.clone())
}

/// Encrypted files of several makers.
pub(crate) fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/cenc").canonicalize().unwrap()
}

pub(crate) fn vector(name: &str) -> String {
    vectors().join(name).to_str().unwrap().to_owned()
}

/// The example drivers, which `cargo test` builds.
fn examples() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_softcp")).with_file_name("examples")
}

/// The path of an example driver.
pub(crate) fn driver(name: &str) -> String {
    let file = format!("{}{name}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let path = examples().join(file);
    assert!(path.exists(), "{} is missing: run `cargo build -p softcp-cli --examples` first", path.display());
    path.to_str().unwrap().to_owned()
}
