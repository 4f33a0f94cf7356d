//! Configuration: `softcp.toml`, named by `SOFTCP_CONF`, and the same keys inline in `SOFTCP_OPTIONS`.
//!
//! ```toml
//! [identity]
//! directory = "/etc/softcp/identity"   # root.pem, chain.pem, key.pem, crl.pem; left out: made in memory at first use
//! encoding = "pkcs7"                   # or "der": concatenated certificates (D13)
//! cache = true                         # the softcp command keeps the identity that it makes in the user's cache
//!
//! [capabilities]
//! profile = "software"                 # or "hardware-like", "permissive"
//! block_alignment = 1                  # bytes, a power of two (D7)
//! flags = { freshen_session_key = true }
//!
//! [memory]
//! protected = 0                        # budget in bytes, 0: unlimited (D24)
//!
//! [blit]
//! threads = 0                          # that may help with surfaces of 1 MiB and more; 0: none is ever started
//!
//! [outputs]
//! identifiers = [1]                    # of the outputs that show a device's images; a host can name others; numbers of
//!                                      # 2^63 and more, which TOML does not have, in quotes: ["0xFFFFFFFFFFFFFFFF"]
//!
//! [accessibility]                      # what is left out is the profile's; these are the software profile's
//! bus = "other"                        # or "pci", "pcix", "pci-express", "agp"
//! implementation = "unspecified"       # or "inside-of-chipset", "tracks-on-mother-board-to-chip", "…-to-socket",
//!                                      # "daughter-board-connector", "daughter-board-connector-inside-of-nuae"
//! non_standard = false
//! contiguous_blocks = true             # video memory can be reached
//! non_contiguous_blocks = true
//! encryption = ["aes128-ctr"]          # or GUIDs: what can be chosen for content that becomes accessible
//!
//! [quirks]
//! status_echo = false                  # write a failing HRESULT to NumBytesInEncryptPattern (D21)
//! caller_iv = false                    # EncryptionBlt takes the caller's IV (D26)
//! key_exchange_alias = false           # crypto type GUID accepted as key exchange GUID (D29)
//!
//! [faults]
//! opt_in = false                       # whether faults can be set and cleared at run time
//! list = []                            # what goes wrong on purpose, as "key-lost at=3"; see docs/faults.md
//! control = "/run/user/1000/softcp"    # where `softcp faults` can set and clear them; left out or "": nowhere
//!
//! [d3d11]                              # the drop-in d3d11.dll (docs/windows.md); paths are relative to its directory
//! enabled = true                       # false: every call is forwarded, nothing is answered
//! real = 'C:\dxvk\d3d11.dll'           # to forward to; left out: the system directory's
//! video_device = "always"              # or "auto" (with VIDEO_SUPPORT, or when content protection is asked for), "never"
//! driver = "other.dll"                 # exports softcp_open_driver; left out: the built-in one
//! driver_options = ""                  # for that driver, in the syntax of SOFTCP_OPTIONS
//!
//! [test]                               # hooks for tests, which cost security: nothing else sets them
//! first_read_back_iv = "0xFFFFFFFFFFFFFFFE"   # EncryptionBlt's first IV under each key; left out: 32 random bits (D11)
//! ```
//!
//! Inline, keys are dotted and separated by semicolons:
//! `SOFTCP_OPTIONS="capabilities.profile=hardware-like;memory.protected=268435456"`.
//! Inline keys win over the file's. An unknown key or a bad value is an error that names file, line and key.

use std::collections::BTreeMap;
use std::env::VarError;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::capability::{Capability, CapabilityProfile, ProfileName};
pub use crate::faults::FaultConfig;

mod accessibility;
mod d3d11;
mod number;
mod test;

pub use accessibility::{AccessibilityConfig, Bus, BusImplementation, Encryption};
pub use d3d11::{D3d11Config, VideoDevice};
pub use number::Number;
pub use test::TestConfig;

/// Environment variable that names the configuration file.
pub const CONF_VARIABLE: &str = "SOFTCP_CONF";
/// Environment variable with inline options.
pub const OPTIONS_VARIABLE: &str = "SOFTCP_OPTIONS";

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not TOML, an unknown key or a bad value; the text names line and key.
    #[error("{origin}: {message}")]
    Invalid {
        /// The file or variable.
        origin: String,
        /// What is wrong, with line and key.
        message: String,
    },
    /// An inline option without `=`.
    #[error("{origin}: {option:?} is not of the form key=value")]
    NoValue {
        /// The variable.
        origin: String,
        /// The option.
        option: String,
    },
    /// The directory of `faults.control` cannot be used.
    #[error(
        "faults.control: the directory {} cannot be used: {source}; name one that this program may write into, or leave \
         faults.control out",
        path.display()
    )]
    ControlDirectory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Two values that exclude each other.
    #[error("{0}")]
    Contradiction(&'static str),
}

/// Everything that can be configured. The default is the software profile with an identity made in memory.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Certificates and key.
    pub identity: IdentityConfig,
    /// What is reported.
    pub capabilities: CapabilityConfig,
    /// Budgets.
    pub memory: MemoryConfig,
    /// Work.
    pub blit: BlitConfig,
    /// Displays.
    pub outputs: OutputsConfig,
    /// How video memory can be reached.
    pub accessibility: AccessibilityConfig,
    /// Deviations from the contract that real clients or drivers show.
    pub quirks: Quirks,
    /// What goes wrong on purpose.
    pub faults: FaultConfig,
    /// The drop-in `d3d11.dll`. Not for the engine.
    pub d3d11: D3d11Config,
    /// Hooks for tests.
    pub test: TestConfig,
}

/// `[identity]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IdentityConfig {
    /// Directory of `root.pem`, `chain.pem`, `key.pem` and, for the fault `certificate-revoked` only, `crl.pem`; none: made in
    /// memory at first use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<PathBuf>,
    /// How the certificate chain is handed out (D13).
    pub encoding: CertificateEncoding,
    /// Whether the `softcp` command, where no directory is named, keeps the identity that it makes in the user's cache
    /// directory. Not for the engine: it makes its own in memory.
    pub cache: bool,
}

impl Default for IdentityConfig {
    /// None that is named; the command keeps the one that it makes.
    fn default() -> Self {
        Self { directory: None, encoding: CertificateEncoding::default(), cache: true }
    }
}

/// How the certificate chain is laid out (D13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateEncoding {
    /// One DER blob: PKCS #7 / CMS certs-only `SignedData`, leaf first.
    #[default]
    Pkcs7,
    /// The DER certificates one after another, leaf first.
    Der,
}

/// `[capabilities]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CapabilityConfig {
    /// The profile to start from.
    pub profile: ProfileName,
    /// Overrides the profile's block alignment, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_alignment: Option<u32>,
    /// Capabilities to add (`true`) or to take out (`false`).
    pub flags: BTreeMap<Capability, bool>,
}

/// `[memory]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MemoryConfig {
    /// Protected memory in bytes; 0 is unlimited (D24).
    #[serde(with = "number::plain")]
    pub protected: u64,
}

/// `[blit]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BlitConfig {
    /// Threads that may help the caller's with surfaces of 1 MiB and more; never more than there are other processors. They
    /// are started at the first such surface and end with the adapter. 0: none is ever started.
    pub threads: u16,
}

/// `[outputs]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutputsConfig {
    /// Identifiers of the outputs that show a device's images, in the order of their indices. TOML has no numbers of 2^63
    /// and more: those are written in quotes.
    #[serde(with = "number::list")]
    pub identifiers: Vec<u64>,
}

impl Default for OutputsConfig {
    /// One output of identifier 1.
    fn default() -> Self {
        Self { identifiers: vec![1] }
    }
}

/// `[quirks]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quirks {
    /// A failed `DecryptionBlt` writes its HRESULT to `NumBytesInEncryptPattern` (D21).
    pub status_echo: bool,
    /// `EncryptionBlt` takes the caller's IV instead of writing its own (D26).
    pub caller_iv: bool,
    /// The crypto type's GUID is accepted as key exchange type (D29). The permissive profile does so by itself.
    pub key_exchange_alias: bool,
}

impl Config {
    /// Reads `text` as TOML; `origin` names it in errors.
    pub fn from_toml(text: &str, origin: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|error| invalid(origin, &error))?;
        config.checked(origin)
    }

    /// The configuration, if its values do not exclude each other; `origin` is what has brought them together.
    fn checked(self, origin: &str) -> Result<Self, ConfigError> {
        match self.profile() {
            Ok(_) => Ok(self),
            Err(ConfigError::Contradiction(what)) => {
                Err(ConfigError::Invalid { origin: origin.to_owned(), message: what.to_owned() })
            }
            Err(error) => Err(error),
        }
    }

    /// Reads a configuration file.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        Self::from_sources(Some(path), None)
    }

    /// Reads what `SOFTCP_CONF` and `SOFTCP_OPTIONS` say; neither set is the default.
    pub fn from_env() -> Result<Self, ConfigError> {
        let (file, options) = environment()?;
        Self::from_sources(file.as_deref(), options.as_deref())
    }

    /// Reads a file, if given, and lays inline options over it, if given.
    pub fn from_sources(file: Option<&Path>, options: Option<&str>) -> Result<Self, ConfigError> {
        Self::from_layers(file, &[(OPTIONS_VARIABLE, options.unwrap_or_default())])
    }

    /// Reads a file, if given, and lays inline options over it, in this order. Each comes with the name of what it is from,
    /// by which errors call it.
    pub fn from_layers(file: Option<&Path>, options: &[(&str, &str)]) -> Result<Self, ConfigError> {
        overlay(file.map(read_table).transpose()?.unwrap_or_default(), options)
    }

    /// Lays inline options, in the form of `SOFTCP_OPTIONS`, over this configuration.
    pub fn with_options(&self, options: &str) -> Result<Self, ConfigError> {
        let text = toml::to_string(self).map_err(|error| ConfigError::Invalid {
            origin: OPTIONS_VARIABLE.to_owned(),
            message: error.to_string(),
        })?;
        let table = toml::from_str(&text).map_err(|error| invalid(OPTIONS_VARIABLE, &error))?;
        overlay(table, &[(OPTIONS_VARIABLE, options)])
    }

    /// The capability profile that results, checked for contradictions.
    pub fn profile(&self) -> Result<CapabilityProfile, ConfigError> {
        let mut profile = CapabilityProfile::named(self.capabilities.profile);
        for (&capability, &on) in &self.capabilities.flags {
            profile.capabilities = profile.capabilities.with(capability, on);
        }
        if let Some(alignment) = self.capabilities.block_alignment {
            profile.block_alignment = alignment;
        }
        profile.key_exchange_alias |= self.quirks.key_exchange_alias;
        profile.accessibility = self.accessibility.over(profile.accessibility);
        if !profile.block_alignment.is_power_of_two() {
            return Err(ConfigError::Contradiction("capabilities.block_alignment must be a power of two, in bytes"));
        }
        let has = |capability| profile.capabilities.contains(capability);
        if has(Capability::EncryptedReadBackKey) && !has(Capability::EncryptedReadBack) {
            return Err(ConfigError::Contradiction(
                "capabilities.flags: encrypted_read_back_key needs encrypted_read_back",
            ));
        }
        Ok(profile)
    }
}

/// What `SOFTCP_CONF` and `SOFTCP_OPTIONS` hold, if they are set. Options that are no Unicode are
/// [`ConfigError::Invalid`].
pub fn environment() -> Result<(Option<PathBuf>, Option<String>), ConfigError> {
    let file = std::env::var_os(CONF_VARIABLE).map(PathBuf::from);
    let options = match std::env::var(OPTIONS_VARIABLE) {
        Ok(options) => Some(options),
        Err(VarError::NotPresent) => None,
        Err(error @ VarError::NotUnicode(_)) => {
            let origin = OPTIONS_VARIABLE.to_owned();
            return Err(ConfigError::Invalid { origin, message: error.to_string() });
        }
    };
    Ok((file, options))
}

fn invalid(origin: &str, error: &toml::de::Error) -> ConfigError {
    ConfigError::Invalid { origin: origin.to_owned(), message: in_words(error.to_string().trim_end()) }
}

/// The deserializer's text with the names of Rust's types replaced by what they mean to whoever writes a configuration.
fn in_words(message: &str) -> String {
    const TYPES: &[(&str, &str)] = &[
        ("u8", "a whole number from 0 to 255"),
        ("u16", "a whole number from 0 to 65535"),
        ("u32", "a whole number from 0 to 4294967295"),
        ("u64", "a whole number from 0 to 18446744073709551615"),
        ("usize", "a whole number from 0 on"),
    ];
    let message = message
        .replace("unknown variant", "unknown value")
        .replace("unknown field", "unknown key")
        .replace("invalid type: unit variant, expected string only", "it must be one of its names, a text in quotes");
    let Some((before, expected)) = message.rsplit_once("expected ") else {
        return match message.split_once("data did not match any variant of untagged enum ") {
            Some((before, rest)) => {
                format!("{before}expected a text or a list of texts{}", rest.trim_start_matches(char::is_alphanumeric))
            }
            None => message,
        };
    };
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let expected = ["struct ", "enum ", "internally tagged enum "]
        .iter()
        .find_map(|kind| expected.strip_prefix(kind))
        .map(|name| format!("a table of keys{}", name.trim_start_matches(is_name)))
        .or_else(|| {
            let word = expected.split(|c| !is_name(c)).next()?;
            let (_, meaning) = TYPES.iter().find(|(name, _)| *name == word)?;
            Some(format!("{meaning}{}", &expected[word.len()..]))
        })
        .unwrap_or_else(|| expected.to_owned());
    format!("{before}expected {expected}")
}

/// A configuration file as a table.
fn read_table(path: &Path) -> Result<toml::Table, ConfigError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    let origin = path.display().to_string();
    Config::from_toml(&text, &origin)?;
    toml::from_str(&text).map_err(|error| invalid(&origin, &error))
}

/// The configuration of a table with inline options laid over it, layer by layer. A contradiction is that of the layer that
/// has brought it about, unless a later one ends it.
fn overlay(mut table: toml::Table, layers: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let read = |table: &toml::Table, origin: &str| {
        let config: Config = toml::Table::clone(table).try_into().map_err(|error| invalid(origin, &error))?;
        config.checked(origin)
    };
    let mut result = read(&table, OPTIONS_VARIABLE);
    for &(origin, options) in layers {
        for option in options.split(';').map(str::trim).filter(|option| !option.is_empty()) {
            merge(&mut table, parse_option(origin, option)?);
        }
        match (&result, read(&table, origin)) {
            // It is the earlier layer's.
            (Err(_), Err(_)) => {}
            (_, now) => result = now,
        }
    }
    result
}

/// One `key.key=value`. A value that is no TOML value is taken as a string, so paths and names need no quotes.
fn parse_option(origin: &str, option: &str) -> Result<toml::Table, ConfigError> {
    let no_value = || ConfigError::NoValue { origin: origin.to_owned(), option: option.to_owned() };
    let (key, value) = option.split_once('=').ok_or_else(no_value)?;
    let (key, value) = (key.trim(), value.trim());
    let origin = format!("{origin}: {key}");
    let table = toml::from_str(&format!("{key} = {value}"))
        .or_else(|_| toml::from_str(&format!("{key} = {}", toml::Value::String(value.to_owned()))))
        .map_err(|error| invalid(&origin, &error))?;
    // Each option alone must be a valid configuration, so that the error names the option and not the sum.
    Config::deserialize(toml::Value::Table(toml::Table::clone(&table))).map_err(|error| invalid(&origin, &error))?;
    Ok(table)
}

fn merge(into: &mut toml::Table, from: toml::Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(old)), toml::Value::Table(new)) => merge(old, new),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_file_is_the_default() {
        assert_eq!(Config::from_toml("", "x").unwrap(), Config::default());
    }

    #[test]
    fn unknown_key_error_names_file_line_and_key() {
        let error = Config::from_toml("[memory]\nprotectd = 1\n", "softcp.toml").unwrap_err().to_string();
        assert!(error.contains("softcp.toml") && error.contains("line 2") && error.contains("protectd"), "{error}");
    }

    #[test]
    fn bad_value_error_names_line_and_value() {
        let error = Config::from_toml("[capabilities]\nprofile = \"hard\"\n", "softcp.toml").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("hard"), "{error}");
    }

    #[test]
    fn options_win_over_the_file_and_leave_its_other_keys() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "[memory]\nprotected = 7\n[quirks]\nstatus_echo = true\n").unwrap();
        let config = Config::from_sources(Some(file.path()), Some("memory.protected=9")).unwrap();
        assert_eq!((config.memory.protected, config.quirks.status_echo), (9, true));
    }

    #[test]
    fn empty_control_directory_undoes_the_one_of_the_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "[faults]\ncontrol = \"/run/softcp\"\n").unwrap();
        let control = |options| Config::from_sources(Some(file.path()), Some(options)).unwrap().faults.control;
        assert_eq!(control("").as_deref(), Some(Path::new("/run/softcp")));
        assert_eq!(control("faults.control="), None);
    }

    #[test]
    fn option_values_need_no_quotes() {
        let config =
            Config::default().with_options("identity.directory=/a b;capabilities.profile = hardware-like;").unwrap();
        assert_eq!(config.identity.directory.as_deref(), Some(Path::new("/a b")));
        assert_eq!(config.profile().unwrap().block_alignment, 16);
    }

    #[test]
    fn option_without_value_is_named() {
        let error = Config::default().with_options("memory.protected").unwrap_err().to_string();
        assert!(error.contains("memory.protected"), "{error}");
    }

    #[test]
    fn unknown_option_is_named() {
        let error = Config::default().with_options("memory.secret=1").unwrap_err().to_string();
        assert!(error.contains("memory.secret"), "{error}");
    }

    #[test]
    fn flags_add_and_remove_capabilities() {
        let config = Config::default()
            .with_options("capabilities.flags.freshen_session_key=false;capabilities.flags.protection_always_on=true")
            .unwrap();
        let set = config.profile().unwrap().capabilities;
        assert!(!set.contains(Capability::FreshenSessionKey) && set.contains(Capability::ProtectionAlwaysOn));
    }

    #[test]
    fn accessibility_is_laid_over_the_profile_member_by_member() {
        let answers = |options| Config::default().with_options(options).unwrap().profile().unwrap().accessibility;
        let software = answers("");
        assert_eq!((software.bus_type, software.contiguous_blocks, software.non_contiguous_blocks), (0, true, true));
        let card = answers("capabilities.profile=hardware-like");
        assert_eq!((card.bus_type, card.contiguous_blocks, card.non_contiguous_blocks), (0x4_0003, false, false));
        let changed = answers(
            "capabilities.profile=hardware-like;accessibility.bus=agp;accessibility.non_standard=true;\
             accessibility.contiguous_blocks=true;\
             accessibility.encryption=[\"aes128-ctr\",\"{00112233-4455-6677-8899-aabbccddeeff}\"]",
        );
        assert_eq!((changed.bus_type, changed.contiguous_blocks), (0x8004_0004, true));
        assert_eq!(changed.encryption.len(), 2);
        assert_eq!(changed.encryption[1].to_string(), "00112233-4455-6677-8899-aabbccddeeff");
        assert_eq!(answers("accessibility.implementation=inside-of-chipset").bus_type, 0x1_0000);
    }

    #[test]
    fn outputs_are_one_unless_configured() {
        assert_eq!(Config::default().outputs.identifiers, [1]);
        let config = Config::default().with_options("outputs.identifiers=[7, 0x1000]").unwrap();
        assert_eq!(config.outputs.identifiers, [7, 0x1000]);
        assert_eq!(config.with_options("outputs.identifiers=[]").unwrap().outputs.identifiers, [0; 0]);
    }

    #[test]
    fn numbers_have_64_bits_where_the_contract_has_them() {
        const LARGE: [u64; 3] = [1 << 63, u64::MAX, 3];
        for list in [
            "[9223372036854775808, 18446744073709551615, 3]",
            "[0x8000000000000000, 0xffffffffffffffff, 0x3]",
            "[\"0x8000000000000000\", \"18446744073709551615\", 3]",
        ] {
            let config = Config::default().with_options(&format!("outputs.identifiers={list}")).unwrap();
            assert_eq!(config.outputs.identifiers, LARGE, "{list}");
            // What is written is read again.
            assert_eq!(
                config.with_options("memory.protected=18446744073709551615").unwrap().outputs.identifiers,
                LARGE
            );
        }
        let text =
            "[outputs]\nidentifiers = [\"0x8000000000000000\", 3]\n[memory]\nprotected = \"0x8000000000000000\"\n";
        let config = Config::from_toml(text, "softcp.toml").unwrap();
        assert_eq!((config.outputs.identifiers, config.memory.protected), (vec![1 << 63, 3], 1 << 63));
    }

    #[test]
    fn what_is_no_list_of_numbers_is_named() {
        for list in ["1", "[1, many]", "[-1]", "[18446744073709551616]", "[1", "[[1]]"] {
            let error = Config::default().with_options(&format!("outputs.identifiers={list}")).unwrap_err().to_string();
            assert!(error.contains("outputs.identifiers"), "{list}: {error}");
        }
        let error = Config::from_toml("[outputs]\nidentifiers = [\"0x1_\"]\n", "softcp.toml").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("0x1_"), "{error}");
    }

    #[test]
    fn encryption_that_is_no_guid_is_named() {
        for text in ["aes", "00000000-0000-0000-0000-000000000000"] {
            let error = Config::default().with_options(&format!("accessibility.encryption=[\"{text}\"]"));
            let error = error.unwrap_err().to_string();
            assert!(error.contains(text) && error.contains("accessibility.encryption"), "{error}");
        }
    }

    #[test]
    fn faults_are_a_list_or_one_text() {
        let list = |options| Config::default().with_options(options).unwrap().faults.list;
        let expected: Vec<crate::faults::Schedule> =
            ["key-lost at=3", "wrong-mac every=5 times=2"].iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(list("faults.list=key-lost at=3, wrong-mac every=5 times=2"), expected);
        assert_eq!(list(r#"faults.list=["key-lost at=3", "wrong-mac times=2 every=5"]"#), expected);
        assert_eq!(list("faults.list=key-lost"), ["key-lost at=1".parse().unwrap()]);
        assert_eq!(list("faults.opt_in=true"), []);
        assert_eq!(list("").len(), 0);
    }

    #[test]
    fn bad_fault_error_names_key_and_text() {
        let error = Config::default().with_options("faults.list=key-lost at=x").unwrap_err().to_string();
        assert!(error.contains("faults.list") && error.contains("key-lost at=x"), "{error}");
        let error = Config::from_toml("[faults]\nlist = [\"key-lots\"]\n", "softcp.toml").unwrap_err().to_string();
        assert!(error.contains("softcp.toml") && error.contains("line 2") && error.contains("key-lots"), "{error}");
    }

    #[test]
    fn contradictions_are_refused() {
        for options in ["capabilities.block_alignment=3", "capabilities.flags.encrypted_read_back=false"] {
            let error = Config::default().with_options(options).unwrap_err().to_string();
            assert!(error.starts_with("SOFTCP_OPTIONS: capabilities."), "{options}: {error}");
        }
    }

    #[test]
    fn errors_name_the_layer_they_come_from() {
        let layers =
            |mine, variable| Config::from_layers(None, &[("desc.options", mine), ("SOFTCP_OPTIONS", variable)]);
        for (mine, variable, origin) in [
            ("memory.secret=1", "memory.protected=1", "desc.options: memory.secret"),
            ("memory.protected=1", "memory.secret=1", "SOFTCP_OPTIONS: memory.secret"),
            ("memory.protected", "", "desc.options: "),
            ("capabilities.block_alignment=3", "memory.protected=1", "desc.options: capabilities.block_alignment"),
            ("memory.protected=1", "capabilities.block_alignment=3", "SOFTCP_OPTIONS: capabilities.block_alignment"),
        ] {
            let error = layers(mine, variable).unwrap_err().to_string();
            assert!(error.starts_with(origin), "{mine} {variable}: {error}");
        }
        // The later layer has the last word, also about what the earlier one got wrong.
        assert!(layers("capabilities.block_alignment=3", "capabilities.block_alignment=4").is_ok());
    }

    #[test]
    fn errors_hold_no_names_of_types() {
        for option in [
            "identity=3",
            "capabilities.block_alignment=x",
            "capabilities.flags=1",
            "capabilities.flags.freshen_session_key=7",
            "capabilities.profile=3",
            "identity.encoding=3",
            "memory.protected=x",
            "memory.protected=[1]",
            "blit.threads=70000",
            "blit.threads=x",
            "outputs.identifiers=x",
            "accessibility.encryption=3",
            "accessibility.bus=3",
            "quirks=true",
            "faults.list=3",
            "faults=3",
            "faults.control=3",
            "d3d11=3",
            "d3d11.enabled=3",
            "test.first_read_back_iv=true",
        ] {
            let error = Config::default().with_options(option).unwrap_err().to_string();
            let is_type = |word: &str| {
                ["struct", "enum", "variant", "u8", "u16", "u32", "u64", "usize", "i64", "tuple", "untagged"]
                    .contains(&word)
                    || word.ends_with("Config")
                    || word.contains("::")
            };
            let words = error.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
            assert!(!words.clone().any(is_type), "{error}");
        }
    }
}
