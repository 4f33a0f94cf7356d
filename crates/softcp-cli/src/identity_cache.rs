//! Identities that the command keeps from run to run: making an RSA key takes longer than decrypting a small file.
//!
//! ```text
//!  $XDG_CACHE_HOME or ~/.cache, %LOCALAPPDATA% on Windows
//!    softcp/identities/                 this user's alone
//!      00001796000000-x7Kq2a/           made at that second; never changed, used for 30 days, removed a day later
//!        root.pem chain.pem key.pem crl.pem
//! ```
//!
//! A directory appears by a rename when it is complete. Two processes that begin at the same time may each make one: both are
//! good. One that is old, unreadable or not this user's alone is not used. Nothing here is an error: without a cache an
//! identity is made for the run.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use softcp::identity::{CHAIN_FILE, CRL_FILE, IdentityFiles, IdentityOptions, KEY_FILE, ROOT_FILE};
use softcp::provider::Provider;
use softcp_files::{TemporaryDirectory, check_private, is_own, path_text};

use crate::driver::is_option;
use crate::failure::plain;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long an identity is used.
const MAX_AGE: Duration = DAY.saturating_mul(30);

/// From when on it is removed: a process that has found it a moment ago reads its files in the next.
const REMOVE_AGE: Duration = DAY.saturating_mul(31);

/// Days of validity of the certificates: longer than they are used, whatever clocks do, and not for ever.
const VALIDITY: u32 = 92;

/// An identity of the cache.
pub(crate) struct CachedIdentity {
    /// Where its files are.
    pub(crate) directory: PathBuf,
    /// The certificate to trust, as PEM.
    pub(crate) root: String,
}

/// An identity of the user's cache, made now if there is none; `None` where there can be no cache.
pub(crate) fn get() -> Option<CachedIdentity> {
    let cache = base()?.join("softcp/identities");
    if !is_option(&cache) {
        return None;
    }
    match get_in(&cache, SystemTime::now()) {
        Ok(identity) => {
            tracing::info!(directory = %path_text(&identity.directory), "an identity of this user's cache");
            Some(identity)
        }
        Err(error) => {
            tracing::info!(directory = %path_text(&cache), %error, "no identities can be kept here");
            None
        }
    }
}

/// What [`get`] would find, without making or removing anything.
pub(crate) enum CacheState {
    /// There can be no cache, for this reason.
    None(&'static str),
    /// The directory of the cache is not this user's alone, or cannot be read.
    NotPrivate { path: PathBuf, error: String },
    /// There is no identity of today's: one will be made.
    Empty { path: PathBuf },
    /// The identity that will be used, and its age.
    Kept { directory: PathBuf, days: u64 },
    /// The newest identity cannot be used, and will be replaced.
    Unusable { directory: PathBuf, error: String },
}

/// Looks at the cache, and changes nothing.
pub(crate) fn look() -> CacheState {
    let Some(base) = base() else { return CacheState::None("this user has no cache directory") };
    let cache = base.join("softcp/identities");
    if !is_option(&cache) {
        return CacheState::None("the path of the cache directory cannot be written in a driver option");
    }
    look_in(&cache, SystemTime::now())
}

fn look_in(cache: &Path, now: SystemTime) -> CacheState {
    let empty = || CacheState::Empty { path: cache.to_owned() };
    for directory in [cache.parent().unwrap_or(cache), cache] {
        match check_private(directory, true) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return empty(),
            Err(error) => return CacheState::NotPrivate { path: directory.to_owned(), error: plain(&error) },
        }
    }
    let names = match newest_first(cache) {
        Ok(names) => names,
        Err(error) => return CacheState::NotPrivate { path: cache.to_owned(), error: plain(&error) },
    };
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let young = names.iter().find_map(|name| {
        let age = now.checked_sub(made_at(name)?)?;
        (age < MAX_AGE).then_some((cache.join(name), age))
    });
    let Some((directory, age)) = young else { return empty() };
    match read(&directory) {
        Ok(_) => CacheState::Kept { directory, days: age.as_secs() / DAY.as_secs() },
        Err(error) => CacheState::Unusable { directory, error: plain(&error) },
    }
}

/// The user's cache directory, which need not exist yet. That of somebody else, as with `sudo`, is none.
fn base() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let (base, parent) = if cfg!(windows) {
        let local = variable("LOCALAPPDATA")?;
        (local.clone(), local)
    } else if let Some(base) = variable("XDG_CACHE_HOME") {
        let parent = base.parent()?.to_owned();
        (base, parent)
    } else {
        let home = variable("HOME")?;
        (home.join(".cache"), home)
    };
    is_own(if base.exists() { &base } else { &parent }).then_some(base)
}

/// The newest identity that is good at `now`, or a new one.
fn get_in(cache: &Path, now: SystemTime) -> io::Result<CachedIdentity> {
    make_private(cache)?;
    let parent = cache.parent().ok_or(io::ErrorKind::NotFound)?;
    check_private(parent, true)?;
    check_private(cache, true)?;
    let now = now.duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
    let names = newest_first(cache)?;
    for name in &names {
        let Some(age) = made_at(name).map(|made| now.checked_sub(made)) else { continue };
        let directory = cache.join(name);
        match age {
            // Its future is not this clock's: leave it alone.
            None => {}
            Some(age) if age < MAX_AGE => match read(&directory) {
                Ok(root) => return Ok(CachedIdentity { directory, root }),
                Err(error) => {
                    tracing::info!(directory = %path_text(&directory), %error, "this identity cannot be used and goes");
                    let _ = std::fs::remove_dir_all(&directory);
                }
            },
            Some(age) if age < REMOVE_AGE => {}
            Some(_) => {
                let _ = std::fs::remove_dir_all(&directory);
            }
        }
    }
    make(cache, now)
}

/// The names in a cache, those of the newest identities first.
fn newest_first(cache: &Path) -> io::Result<Vec<String>> {
    let mut names: Vec<_> =
        std::fs::read_dir(cache)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort_unstable_by(|a, b| b.cmp(a));
    Ok(names)
}

/// When the identity of this name was made.
fn made_at(name: &str) -> Option<Duration> {
    let (seconds, rest) = name.split_once('-')?;
    let is_number = seconds.len() == 14 && seconds.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && !rest.is_empty() { seconds.parse().ok().map(Duration::from_secs) } else { None }
}

/// The root of an identity whose files are whole and this user's alone.
fn read(directory: &Path) -> io::Result<String> {
    check_private(directory, true)?;
    for name in [ROOT_FILE, CHAIN_FILE, KEY_FILE, CRL_FILE] {
        check_private(&directory.join(name), false)?;
    }
    let files = IdentityFiles::read(directory).map_err(io::Error::other)?;
    files.open(&Provider::aws_lc()).map_err(io::Error::other)?;
    softcp_client::TrustAnchors::from_pem(files.root().as_bytes()).map_err(io::Error::other)?;
    Ok(files.root().to_owned())
}

/// Makes an identity.
fn make(cache: &Path, now: Duration) -> io::Result<CachedIdentity> {
    let new = TemporaryDirectory::new_in(cache)?;
    let options = IdentityOptions { days: VALIDITY, ..IdentityOptions::default() };
    let files = IdentityFiles::generate(&Provider::aws_lc(), &options).map_err(io::Error::other)?;
    files.write(new.path())?;
    for name in [ROOT_FILE, CHAIN_FILE, KEY_FILE, CRL_FILE] {
        close_to_others(&new.path().join(name), 0o600)?;
    }
    let unique = new.path().file_name().and_then(|name| name.to_str()).and_then(|name| name.rsplit('-').next());
    let name = format!("{:014}-{}", now.as_secs(), unique.unwrap_or("x"));
    let directory = cache.join(name);
    new.persist(&directory)?;
    tracing::info!(directory = %path_text(&directory), "made an identity and keeps it");
    Ok(CachedIdentity { directory, root: files.root().to_owned() })
}

/// Makes a directory, and those above it, for this user alone.
fn make_private(directory: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

fn close_to_others(path: &Path, mode: u32) -> io::Result<()> {
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))?;
    #[cfg(not(unix))]
    let _ = (path, mode);
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]
mod tests {
    use super::*;

    #[cfg(unix)]
    fn set_mode(path: &Path, mode: u32) {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(path, permissions).unwrap();
    }

    fn names(cache: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(cache).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn identity_is_kept_until_it_is_old() {
        let base = tempfile::tempdir().unwrap();
        let cache = base.path().join("softcp/identities");
        let start = SystemTime::now();
        let first = get_in(&cache, start).unwrap();
        assert_eq!(get_in(&cache, start + 29 * DAY).unwrap().directory, first.directory);
        let second = get_in(&cache, start + 30 * DAY).unwrap();
        assert_ne!(second.directory, first.directory);
        assert_ne!(second.root, first.root);
        // Whoever has found the first one a moment ago still finds its files.
        assert_eq!(names(&cache).len(), 2);
        let third = get_in(&cache, start + 61 * DAY).unwrap();
        assert_eq!(names(&cache), [third.directory.file_name().unwrap().to_str().unwrap()]);
    }

    #[cfg(unix)]
    #[test]
    fn identity_that_is_not_this_users_alone_or_damaged_is_replaced() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let base = tempfile::tempdir().unwrap();
        let cache = base.path().join("softcp/identities");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let spoil: [fn(&Path); 6] = [
            |directory| set_mode(directory, 0o750),
            |directory| set_mode(&directory.join(KEY_FILE), 0o644),
            |directory| std::fs::write(directory.join(KEY_FILE), "no key").unwrap(),
            |directory| std::fs::write(directory.join(ROOT_FILE), "no root").unwrap(),
            |directory| std::fs::remove_file(directory.join(CHAIN_FILE)).unwrap(),
            |directory| {
                std::fs::rename(directory.join(KEY_FILE), directory.with_extension("key")).unwrap();
                symlink(directory.with_extension("key"), directory.join(KEY_FILE)).unwrap();
            },
        ];
        let mut before = get_in(&cache, SystemTime::now()).unwrap();
        assert_eq!(
            [mode(&cache), mode(&before.directory), mode(&before.directory.join(KEY_FILE))],
            [0o700, 0o700, 0o600]
        );
        for (index, spoil) in spoil.into_iter().enumerate() {
            spoil(&before.directory);
            let after = get_in(&cache, SystemTime::now()).unwrap();
            assert_ne!(after.root, before.root, "{index}");
            assert!(!before.directory.exists(), "{index}");
            before = after;
        }
        // A cache that others could have written into is not used at all.
        set_mode(&cache, 0o777);
        assert!(get_in(&cache, SystemTime::now()).is_err());
        assert!(before.directory.exists());
    }

    #[test]
    fn names_of_other_things_are_left_alone() {
        assert_eq!(made_at("00001796000000-abc"), Some(Duration::from_secs(1_796_000_000)));
        for name in ["1796000000-abc", "00001796000000", "00001796000000-", ".softcp-abc", "+0001796000000-a"] {
            assert_eq!(made_at(name), None, "{name}");
        }
    }
}
