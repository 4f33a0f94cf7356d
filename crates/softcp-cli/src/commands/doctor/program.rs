//! The drop-in `d3d11.dll` beside a Windows program, and whether the program gets it.

use std::path::{Path, PathBuf};

use softcp::config::Config;
use softcp_files::path_text;

use super::library::{Library, Maker};
use super::wine::{self, Prefix};
use super::{Findings, Subject::Program};

/// How Wine is told to load the layer, and to have its own library behind it.
const OVERRIDE: &str = "WINEDLLOVERRIDES=\"d3d11=n,b\"";

/// The name of DXVK's library beside the layer, as the documentation has it.
const DXVK_NAME: &str = "d3d11_dxvk.dll";

/// `path` is a program, or the directory that it lies in.
pub(super) fn check(findings: &mut Findings, path: &Path, prefix: Option<&Path>, config: Option<&Config>) {
    let Some(Found { directory, bits, name }) = find_program(findings, path) else { return };
    let names = names(&directory);
    let prefix = find_prefix(findings, prefix);
    check_debian_names(findings, &names);
    let Some(layer) = check_layer(findings, &directory, &names, bits) else { return };
    let forwards = Forwards {
        directory: &directory,
        names: &names,
        bits: layer.bits,
        prefix: prefix.as_ref(),
        program: name.as_deref(),
    };
    forwards.check(findings, config);
    if let Some(config) = config {
        forwards.check_settings(findings, config);
    }
}

/// What there is to know of the program.
struct Found {
    directory: PathBuf,
    /// Its word size; none where that is not known.
    bits: Option<u32>,
    /// Its name, for what the registry says of one program; none where there are several.
    name: Option<String>,
}

fn find_program(findings: &mut Findings, path: &Path) -> Option<Found> {
    if !path.is_dir() {
        return match Library::read(path) {
            Ok(program) => {
                findings.ok(Program, format!("{} has {} bits", path_text(path), program.bits));
                let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
                Some(Found { directory: directory.to_owned(), bits: Some(program.bits), name })
            }
            Err(error) => {
                let help = "name a program of Windows, or the directory that it lies in";
                findings.problem(Program, format!("{} {error}", path_text(path)), help);
                None
            }
        };
    }
    let unknown = Found { directory: path.to_owned(), bits: None, name: None };
    let programs: Vec<_> = names(path)
        .into_iter()
        .filter(|name| name.to_ascii_lowercase().ends_with(".exe"))
        .filter_map(|name| Some((Library::read(&path.join(&name)).ok()?.bits, name)))
        .collect();
    let Some((bits, name)) = programs.first() else {
        let help = "name the program, or the directory that it lies in";
        findings.warning(Program, format!("there is no program in {}", path_text(path)), help);
        return Some(unknown);
    };
    if programs.iter().any(|(other, _)| other != bits) {
        let what = format!("there are programs of 32 and of 64 bits in {}", path_text(path));
        findings.warning(Program, what, "name one of them: a library goes with one word size only");
        return Some(unknown);
    }
    let more = if programs.len() == 1 { String::new() } else { format!(" and {} more", programs.len() - 1) };
    findings.ok(Program, format!("{}{more}: {bits} bits", path_text(&path.join(name))));
    let name = (programs.len() == 1).then(|| name.clone());
    Some(Found { bits: Some(*bits), name, ..unknown })
}

/// The prefix that was named, or Wine's own choice; none where there is none.
fn find_prefix(findings: &mut Findings, named: Option<&Path>) -> Option<Prefix> {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".wine"));
    let variable = || std::env::var_os("WINEPREFIX").filter(|prefix| !prefix.is_empty()).map(PathBuf::from);
    let is_asked_for = named.is_some() || variable().is_some();
    let directory = named.map(Path::to_owned).or_else(variable).or_else(home)?;
    match Prefix::read(directory.clone()) {
        Ok(prefix) => {
            findings.ok(Program, format!("the Wine prefix {}", path_text(&directory)));
            Some(prefix)
        }
        Err(error) if is_asked_for => {
            let help = "name the prefix that the program runs in: --prefix DIR or WINEPREFIX";
            findings.problem(Program, format!("{} {error}", path_text(&directory)), help);
            None
        }
        // No Wine, or none yet.
        Err(_) => None,
    }
}

/// DXVK as Debian names it: no loader of Windows finds that.
fn check_debian_names(findings: &mut Findings, names: &[String]) {
    for (found, wanted) in [("d3d11.dll.so", DXVK_NAME), ("dxgi.dll.so", "dxgi.dll")] {
        if find(names, found).is_some() {
            findings.warning(
                Program,
                format!("{found} is how Debian names DXVK's library; nothing loads it by that name"),
                format!("copy it to {wanted}"),
            );
        }
    }
}

/// The layer beside the program, if it is there and fits.
fn check_layer(findings: &mut Findings, directory: &Path, names: &[String], bits: Option<u32>) -> Option<Library> {
    const COPY: &str = "copy the d3d11.dll of SoftCP's package for this word size beside the program";
    let Some(name) = find(names, "d3d11.dll") else {
        findings.problem(Program, format!("there is no d3d11.dll in {}", path_text(directory)), COPY);
        return None;
    };
    let library = match Library::read(&directory.join(name)) {
        Ok(library) => library,
        Err(error) => {
            findings.problem(Program, format!("{name} {error}"), COPY);
            return None;
        }
    };
    match library.maker {
        Maker::Layer => {}
        Maker::Dxvk => {
            let help = format!(
                "rename it to {DXVK_NAME}, copy SoftCP's d3d11.dll in its place, and set \
                 SOFTCP_OPTIONS=\"d3d11.real={DXVK_NAME}\""
            );
            findings.problem(Program, format!("{name} is DXVK's, not SoftCP's"), help);
            return None;
        }
        Maker::Wine => {
            findings.problem(Program, format!("{name} is Wine's own, not SoftCP's"), COPY);
            return None;
        }
        Maker::Other => {
            findings.problem(Program, format!("{name} is not SoftCP's"), COPY);
            return None;
        }
    }
    if let Some(bits) = bits.filter(|&bits| bits != library.bits) {
        let what = format!("{name} is SoftCP's for {} bits, and the program has {bits}", library.bits);
        findings.problem(Program, what, COPY);
        return None;
    }
    findings.ok(Program, format!("{name} is SoftCP's, of {} bits", library.bits));
    Some(library)
}

/// Whether the program gets the layer, and what the layer forwards to.
struct Forwards<'a> {
    directory: &'a Path,
    names: &'a [String],
    bits: u32,
    prefix: Option<&'a Prefix>,
    program: Option<&'a str>,
}

impl Forwards<'_> {
    fn check(&self, findings: &mut Findings, config: Option<&Config>) {
        let real = config.and_then(|config| config.d3d11.real.as_deref());
        if !cfg!(windows) {
            self.check_override(findings, real.is_some());
        }
        match real {
            Some(real) => self.check_named(findings, real),
            None if cfg!(windows) => {}
            None => self.check_system(findings),
        }
        self.check_random_numbers(findings);
        if find(self.names, "dxgi.dll").is_some()
            && !cfg!(windows)
            && self.order("dxgi").is_none_or(|(order, _)| !order.is_native_first)
        {
            findings.warning(
                Program,
                "dxgi.dll beside the program is not loaded: Wine takes its own",
                "where it is DXVK's and wanted: WINEDLLOVERRIDES=\"d3d11,dxgi=n,b\"",
            );
        }
    }

    fn order(&self, library: &str) -> Option<(wine::LoadOrder, String)> {
        wine::load_order(library, self.program, self.prefix)
    }

    /// Whether Wine takes the layer, and leaves it a library of its own to forward to.
    fn check_override(&self, findings: &mut Findings, is_named: bool) {
        let help = format!("start the program with {OVERRIDE}");
        match self.order("d3d11") {
            None => findings.problem(Program, "Wine is not told to load it: no override for d3d11", help),
            Some((order, place)) if !order.is_native_first => {
                findings.problem(Program, format!("Wine loads its own d3d11 instead: {place} has no n in front"), help);
            }
            Some((order, place)) if !order.is_builtin && !is_named => findings.problem(
                Program,
                format!("Wine loads it, and has no library behind it: {place} has n without b"),
                help,
            ),
            Some((_, place)) => findings.ok(Program, format!("Wine loads it: {place}")),
        }
    }

    /// Whether there is the library that the layer has its random numbers from, which Wine lacks up to version 8.
    fn check_random_numbers(&self, findings: &mut Findings) {
        const NAME: &str = "bcryptprimitives.dll";
        let Some(prefix) = self.prefix else { return };
        if find(self.names, NAME).is_none() && !prefix.system_directory(self.bits).join(NAME).exists() {
            findings.problem(
                Program,
                format!("this prefix has no {NAME}, as with Wine 8 and older: the layer cannot be loaded"),
                "use a newer Wine, and let it renew the prefix: wineboot -u; or build the stand-in of docs/windows.md",
            );
        }
    }

    /// `d3d11.real`.
    fn check_named(&self, findings: &mut Findings, real: &Path) {
        let Some(place) = self.place_of(real) else {
            let what = format!("d3d11.real is {}, which cannot be looked at", path_text(real));
            return findings.warning(Program, what, "name the Wine prefix with --prefix DIR");
        };
        if !place.exists() {
            let what = format!("d3d11.real names {}, which is not there", path_text(&place));
            let help = "correct the path, which begins at the directory of the layer; or leave d3d11.real out for the system's";
            return findings.problem(Program, what, help);
        }
        self.check_real(findings, &place, "d3d11.real");
    }

    /// The other settings of the layer.
    fn check_settings(&self, findings: &mut Findings, config: &Config) {
        if !config.d3d11.enabled {
            let help = "take d3d11.enabled out of the configuration where content protection is wanted";
            findings.warning(Program, "d3d11.enabled is false: every call is only forwarded", help);
        }
        let Some(driver) = &config.d3d11.driver else { return };
        match self.place_of(driver).map(|place| Library::read(&place).map(|library| library.bits)) {
            None => {}
            Some(Ok(bits)) if bits == self.bits => findings.ok(Program, format!("the driver is {}", path_text(driver))),
            Some(Ok(bits)) => findings.problem(
                Program,
                format!("the driver {} has {bits} bits, and the layer {}", path_text(driver), self.bits),
                "name a driver of the program's word size with d3d11.driver",
            ),
            Some(Err(error)) => findings.problem(
                Program,
                format!("the driver {} {error}", path_text(driver)),
                "correct d3d11.driver, which begins at the directory of the layer; or leave it out for the built-in driver",
            ),
        }
    }

    /// Where a path of the configuration leads, which begins at the directory of the layer; none: on a drive that is not known.
    fn place_of(&self, path: &Path) -> Option<PathBuf> {
        let text = path.to_string_lossy();
        if cfg!(windows) || path.is_absolute() {
            return Some(self.directory.join(path));
        }
        if text.contains(':') {
            return self.prefix.and_then(|prefix| prefix.unix_path(&text));
        }
        // Names know no case there.
        Some(self.directory.join(find(self.names, &text).map_or_else(|| text.replace('\\', "/"), str::to_owned)))
    }

    /// The system's library, where none is named.
    fn check_system(&self, findings: &mut Findings) {
        let Some(prefix) = self.prefix else { return };
        let place = prefix.system_directory(self.bits).join("d3d11.dll");
        if place.exists() {
            self.check_real(findings, &place, "the system's");
        } else {
            let what = format!("there is no {}, to forward calls to", path_text(&place));
            findings.problem(
                Program,
                what,
                format!("is it a prefix for {} bits? let Wine renew it: wineboot -u", self.bits),
            );
        }
    }

    fn check_real(&self, findings: &mut Findings, place: &Path, name: &str) {
        let path = path_text(place);
        let library = match Library::read(place) {
            Ok(library) => library,
            Err(error) => {
                return findings.problem(Program, format!("{path} {error}"), "name another library with d3d11.real");
            }
        };
        if library.maker == Maker::Layer {
            findings.problem(
                Program,
                format!("calls would be forwarded to {path}, which is SoftCP's layer, too"),
                "put the system's own library back there, or name another one with d3d11.real",
            );
        } else if library.bits != self.bits {
            findings.problem(
                Program,
                format!("{path} has {} bits, and the layer {}", library.bits, self.bits),
                "name a library of the program's word size with d3d11.real",
            );
        } else {
            let maker = match library.maker {
                Maker::Dxvk => "DXVK",
                Maker::Wine => "Wine's",
                _ => "a library of another maker",
            };
            findings.ok(Program, format!("calls are forwarded to {name}: {path} ({maker})"));
        }
    }
}

/// The names in a directory, sorted.
fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten();
    let mut names: Vec<_> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// A file by its name, whose case does not matter.
fn find<'a>(names: &'a [String], wanted: &str) -> Option<&'a str> {
    names.iter().map(String::as_str).find(|name| name.eq_ignore_ascii_case(wanted))
}
