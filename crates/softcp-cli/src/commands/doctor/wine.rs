//! Which library Wine takes for a name: `WINEDLLOVERRIDES`, and the registry of a prefix.

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

/// More than a registry of a user has.
const LARGEST_REGISTRY: u64 = 256 << 20;

/// The order in which Wine looks for a library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LoadOrder {
    /// The file beside the program is taken.
    pub(super) is_native: bool,
    /// Wine's own is taken.
    pub(super) is_builtin: bool,
    /// Where both are, the file comes first.
    pub(super) is_native_first: bool,
}

impl LoadOrder {
    /// Reads `n,b`, `native,builtin`, `b` and so on; nothing is taken for an empty text, as Wine has it.
    fn parse(text: &str) -> Self {
        let words: Vec<_> = text.split(',').map(str::trim).filter_map(|word| word.chars().next()).collect();
        let place = |letter: char| words.iter().position(|word| word.eq_ignore_ascii_case(&letter));
        let (native, builtin) = (place('n'), place('b'));
        Self {
            is_native: native.is_some(),
            is_builtin: builtin.is_some(),
            is_native_first: native.is_some_and(|native| builtin.is_none_or(|builtin| native < builtin)),
        }
    }
}

/// A Wine prefix, as far as it concerns libraries.
pub(super) struct Prefix {
    pub(super) directory: PathBuf,
    registry: String,
}

impl Prefix {
    /// Error: why it cannot be used, in words that follow its path.
    pub(super) fn read(directory: PathBuf) -> Result<Self, String> {
        let path = directory.join("user.reg");
        if !path.is_file() {
            return Err("is no Wine prefix: there is no user.reg in it".to_owned());
        }
        let mut bytes = Vec::new();
        File::open(&path)
            .and_then(|file| file.take(LARGEST_REGISTRY).read_to_end(&mut bytes))
            .map_err(|error| format!("cannot be used: user.reg: {}", crate::failure::plain(&error)))?;
        Ok(Self { directory, registry: String::from_utf8_lossy(&bytes).into_owned() })
    }

    /// What its registry says of a library, for a program or for all, and where.
    fn order(&self, library: &str, program: Option<&str>) -> Option<(LoadOrder, String)> {
        let keys = program
            .map(|program| format!(r"Software\\Wine\\AppDefaults\\{program}\\DllOverrides"))
            .into_iter()
            .chain([r"Software\\Wine\\DllOverrides".to_owned()]);
        for key in keys {
            if let Some(order) = self.value(&key, library) {
                return Some((
                    LoadOrder::parse(order),
                    format!("the registry of the prefix ({})", key.replace(r"\\", r"\")),
                ));
            }
        }
        None
    }

    /// A text in the registry's file. Names of keys and values know no case.
    fn value(&self, key: &str, name: &str) -> Option<&str> {
        let mut is_in_key = false;
        for line in self.registry.lines() {
            if let Some(rest) = line.strip_prefix('[') {
                is_in_key = rest.split_once(']').is_some_and(|(found, _)| found.eq_ignore_ascii_case(key));
            } else if is_in_key
                && let Some((found, value)) = line.split_once('=')
                && found.trim_matches('"').trim_start_matches('*').eq_ignore_ascii_case(name)
            {
                return value.strip_prefix('"')?.strip_suffix('"');
            }
        }
        None
    }

    /// Where a path of Windows leads.
    pub(super) fn unix_path(&self, path: &str) -> Option<PathBuf> {
        let (drive, rest) = path.split_once(':')?;
        let mut found = self.directory.join("dosdevices").join(format!("{}:", drive.to_ascii_lowercase()));
        found.extend(rest.split(['\\', '/']).filter(|part| !part.is_empty()));
        Some(found)
    }

    /// The system directory for programs of this word size.
    pub(super) fn system_directory(&self, bits: u32) -> PathBuf {
        let windows = self.directory.join("drive_c/windows");
        let of_32 = windows.join("syswow64");
        if bits == 32 && of_32.is_dir() { of_32 } else { windows.join("system32") }
    }
}

/// What Wine does with a library of this name, without `.dll`, and who says so; none: nobody does.
pub(super) fn load_order(library: &str, program: Option<&str>, prefix: Option<&Prefix>) -> Option<(LoadOrder, String)> {
    let variable = std::env::var("WINEDLLOVERRIDES").unwrap_or_default();
    of_variable(&variable, library)
        .map(|order| (order, "WINEDLLOVERRIDES".to_owned()))
        .or_else(|| prefix?.order(library, program))
}

/// What `WINEDLLOVERRIDES` says of a library: `d3d11,dxgi=n,b;mshtml=`. Wine takes the first that names it.
fn of_variable(variable: &str, library: &str) -> Option<LoadOrder> {
    variable.split(';').find_map(|part| {
        let (names, order) = part.split_once('=').unwrap_or((part, ""));
        let is_named = names.split(',').any(|name| {
            let name = name.trim().trim_start_matches('*');
            let name = name
                .len()
                .checked_sub(4)
                .filter(|&end| name.is_char_boundary(end))
                .map_or(name, |end| if name[end..].eq_ignore_ascii_case(".dll") { &name[..end] } else { name });
            name.eq_ignore_ascii_case(library)
        });
        is_named.then(|| LoadOrder::parse(order))
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn order_is_of_letters_or_words_and_may_be_empty() {
        let order = |text| {
            let LoadOrder { is_native, is_builtin, is_native_first } = LoadOrder::parse(text);
            (is_native, is_builtin, is_native_first)
        };
        assert_eq!(order("n,b"), (true, true, true));
        assert_eq!(order("native, builtin"), (true, true, true));
        assert_eq!(order("b,n"), (true, true, false));
        assert_eq!(order("n"), (true, false, true));
        assert_eq!(order("builtin"), (false, true, false));
        assert_eq!(order(""), (false, false, false));
    }

    #[test]
    fn variable_names_several_libraries_with_or_without_dll() {
        let variable = "winedbg.exe=d;D3D11,dxgi.dll=n,b;mshtml=";
        for library in ["d3d11", "dxgi"] {
            assert_eq!(of_variable(variable, library), Some(LoadOrder::parse("n,b")));
        }
        assert_eq!(of_variable(variable, "mshtml"), Some(LoadOrder::parse("")));
        assert_eq!(of_variable(variable, "d3d1"), None);
    }

    #[test]
    fn registry_has_a_key_for_a_program_before_the_one_for_all() {
        let registry = concat!(
            "WINE REGISTRY Version 2\n\n[Software\\\\Wine\\\\DllOverrides] 1796000000\n\"*d3d11\"=\"builtin\"\n\n",
            "[Software\\\\Wine\\\\AppDefaults\\\\Player.exe\\\\DllOverrides] 1\n#time=1d\n\"d3d11\"=\"native,builtin\"\n\n",
            "[Software\\\\Other]\n\"dxgi\"=\"native\"\n"
        );
        let prefix = Prefix { directory: PathBuf::from("/p"), registry: registry.to_owned() };
        let native_first = |program| prefix.order("D3D11", program).unwrap().0.is_native_first;
        assert!(native_first(Some("player.EXE")));
        assert!(!native_first(Some("other.exe")) && !native_first(None));
        assert_eq!(prefix.order("dxgi", None), None);
    }

    #[test]
    fn path_of_windows_goes_by_the_drives_of_the_prefix() {
        let prefix = Prefix { directory: PathBuf::from("/p"), registry: String::new() };
        assert_eq!(prefix.unix_path(r"C:\dxvk\d3d11.dll").unwrap(), Path::new("/p/dosdevices/c:/dxvk/d3d11.dll"));
        assert_eq!(prefix.unix_path("relative.dll"), None);
    }
}
