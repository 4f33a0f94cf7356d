//! An adapter's side of a control directory: looks from time to time for a request, obeys it, and says what has come of it.
//!
//! ```text
//!   request.toml ──▶ look, at most every 50 ms, from within calls ──▶ Faults::replace
//!                                └──▶ PROCESS-ADAPTER.toml
//! ```
//!
//! What can go wrong here never fails a call: it is in the state file, and a warning.

use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, TryLockError};
use std::time::{Duration, SystemTime};

use super::files::{self, REQUEST_FILE, Request, State};
use super::{FaultState, Faults};
use crate::config::ConfigError;

/// The shortest time between two looks.
const INTERVAL: Duration = Duration::from_millis(50);

/// More adapters of one process than these are not told apart.
const MAX_ADAPTERS: u32 = 4096;

/// Characters of an error that go into a state file.
const MAX_ERROR: usize = 500;

/// An adapter's use of a control directory.
pub(super) struct Control {
    directory: PathBuf,
    /// The state file.
    file: PathBuf,
    /// Nanoseconds of the clock before which there is nothing to look for.
    next_look: AtomicU64,
    progress: Mutex<Progress>,
    warning: OnceLock<fn(&str)>,
}

struct Progress {
    /// The request file that was read last.
    seen: Option<Stamp>,
    state: State,
    /// What the state file holds.
    written: String,
    /// The earliest time at which an occurrence is written without waiting for a look.
    next_report: Duration,
    has_warned: bool,
}

/// What tells one request file from the next.
#[derive(PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    /// Where there is none, 0.
    inode: u64,
}

impl Control {
    /// Begins to use `directory`, which is made if needed. A request that is there already is not for this adapter.
    /// Error: [`ConfigError::ControlDirectory`].
    pub(super) fn new(directory: &Path, list: &[FaultState]) -> Result<Self, ConfigError> {
        let unusable = |source| ConfigError::ControlDirectory { path: directory.to_owned(), source };
        let process = std::process::id();
        // The program may change its working directory later.
        let absolute = std::path::absolute(directory).map_err(unusable)?;
        files::make(&absolute).map_err(unusable)?;
        let seen = Stamp::of(&absolute.join(REQUEST_FILE));
        let serial = Request::read(&absolute).ok().flatten().map_or(0, |request| request.serial);
        let (adapter, file) = claim(&absolute, process).map_err(unusable)?;
        let state = State {
            process,
            adapter,
            program: program(),
            started: files::start_time("self"),
            serial,
            error: None,
            ended: false,
            faults: Vec::new(),
        };
        let control = Self {
            directory: absolute,
            file,
            next_look: AtomicU64::new(0),
            progress: Mutex::new(Progress {
                seen,
                state,
                written: String::new(),
                next_report: Duration::ZERO,
                has_warned: false,
            }),
            warning: OnceLock::new(),
        };
        let mut progress = control.lock().expect("nobody else has it yet");
        control.write(&mut progress, list).map_err(unusable)?;
        drop(progress);
        Ok(control)
    }

    /// Hands texts that somebody should see to `warning`, from now on.
    pub(super) fn warn_with(&self, warning: fn(&str)) {
        let _ = self.warning.set(warning);
    }

    /// Takes the faults that were left for the next adapter, if any were.
    pub(super) fn take_next(&self, faults: &Faults) {
        let Some(mut progress) = self.lock() else { return };
        let taken = match Request::take_next(&self.directory, &self.file) {
            Ok(None) => return,
            Ok(Some(request)) => request
                .schedules()
                .and_then(|schedules| faults.replace(schedules, request.add))
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = taken {
            self.refuse(&mut progress, &error);
        }
        self.report(&mut progress, faults);
    }

    /// The adapter ends: what its faults have come to stays to be read, and without faults nothing does.
    pub(super) fn end(&self, list: &[FaultState]) {
        let Some(mut progress) = self.lock() else { return };
        if !progress.is_ours() {
            return;
        }
        progress.state.ended = true;
        // Somebody may have removed it, or the directory: then nothing is left there.
        if (list.is_empty() && progress.state.error.is_none())
            || !self.file.exists()
            || self.write(&mut progress, list).is_err()
        {
            let _ = fs::remove_file(&self.file);
        }
    }

    /// Looks for a request, if the last look was long enough ago, and obeys it. Another thread that looks is not waited for.
    pub(super) fn look(&self, faults: &Faults, now: Duration) {
        let is_due = || nanoseconds(now) >= self.next_look.load(Ordering::Relaxed);
        if !is_due() {
            return;
        }
        let Some(mut progress) = self.lock() else { return };
        // It may have looked since.
        if !is_due() || !progress.is_ours() {
            return;
        }
        self.next_look.store(nanoseconds(now + INTERVAL), Ordering::Relaxed);
        let seen = Stamp::of(&self.directory.join(REQUEST_FILE));
        if progress.seen != seen {
            if seen.is_some() {
                self.obey(&mut progress, faults);
            }
            progress.seen = seen;
        }
        self.report(&mut progress, faults);
    }

    /// A fault has occurred: says so soon, since the next call may be long in coming, but not at every one of many.
    pub(super) fn occurred(&self, faults: &Faults, now: Duration) {
        let Some(mut progress) = self.lock() else { return };
        if now >= progress.next_report && progress.is_ours() {
            progress.next_report = now + INTERVAL;
            self.report(&mut progress, faults);
        }
    }

    fn obey(&self, progress: &mut Progress, faults: &Faults) {
        let request = match Request::read(&self.directory) {
            Ok(Some(request)) if request.serial > progress.state.serial => request,
            Ok(_) => return,
            Err(error) => return self.refuse(progress, &error.to_string()),
        };
        progress.state.serial = request.serial;
        if request.process.is_some_and(|process| process != progress.state.process) {
            return;
        }
        match request.schedules().and_then(|schedules| faults.replace(schedules, request.add)) {
            Ok(()) => progress.state.error = None,
            Err(error) => self.refuse(progress, &error.to_string()),
        }
    }

    fn refuse(&self, progress: &mut Progress, error: &str) {
        let error: String = error.chars().take(MAX_ERROR).collect();
        self.warn(&format!("a request for faults is not obeyed: {error}"));
        progress.state.error = Some(error);
    }

    /// Writes the state file, if there is something new.
    fn report(&self, progress: &mut Progress, faults: &Faults) {
        if let Err(error) = self.write(progress, &faults.list())
            && !progress.has_warned
        {
            progress.has_warned = true;
            self.warn(&format!("{} cannot be written: {error}", self.file.display()));
        }
    }

    fn write(&self, progress: &mut Progress, list: &[FaultState]) -> io::Result<()> {
        progress.state.faults = list.iter().map(Into::into).collect();
        let text = progress.state.to_toml(&self.file).map_err(io::Error::other)?;
        if text != progress.written {
            files::write(&self.file, &text)?;
            progress.written = text;
        }
        Ok(())
    }

    fn warn(&self, text: &str) {
        if let Some(warning) = self.warning.get() {
            warning(text);
        }
    }

    fn lock(&self) -> Option<MutexGuard<'_, Progress>> {
        match self.progress.try_lock() {
            Ok(progress) => Some(progress),
            // The worst that is half-way is a state file, which the next look writes.
            Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl Progress {
    /// A child that was made by fork has a copy of this, and its parent's faults, but the files are the parent's.
    fn is_ours(&self) -> bool {
        std::process::id() == self.state.process
    }
}

impl Stamp {
    /// None: there is no such file.
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self { modified: metadata.modified().ok(), length: metadata.len(), inode: inode(&metadata) })
    }
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
}

/// Takes the first number that no other adapter has, and makes its state file, empty for now. What an earlier process of the
/// same identifier has left is not touched.
fn claim(directory: &Path, process: u32) -> io::Result<(u32, PathBuf)> {
    for adapter in 1..=MAX_ADAPTERS {
        let file = directory.join(format!("{process}-{adapter}.toml"));
        match OpenOptions::new().write(true).create_new(true).open(&file) {
            Ok(_) => return Ok((adapter, file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    // Those that have ended make room again.
    for adapter in 1..=MAX_ADAPTERS {
        let file = directory.join(format!("{process}-{adapter}.toml"));
        if State::read(&file).is_ok_and(|state| state.is_some_and(|state| state.ended)) {
            return Ok((adapter, file));
        }
    }
    Err(io::Error::new(ErrorKind::QuotaExceeded, format!("process {process} has {MAX_ADAPTERS} state files already")))
}

fn program() -> String {
    let path = std::env::current_exe().ok();
    path.as_deref().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned()
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::Arc;

    use tempfile::TempDir;

    use super::super::{CONTROLLED, Fault, FaultConfig};
    use super::*;
    use crate::provider::fixed::FixedClock;

    thread_local! {
        static WARNINGS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }

    /// The faults of an adapter that is controlled by a directory of its own, and a clock that stands.
    struct Rig {
        directory: TempDir,
        clock: Arc<FixedClock>,
        faults: Faults,
    }

    fn faults(directory: &Path, list: &[&str], clock: &Arc<FixedClock>) -> crate::Result<Faults> {
        let list = list.iter().map(|text| text.parse().unwrap()).collect();
        let config = FaultConfig { list, control: Some(directory.to_owned()), ..FaultConfig::default() };
        let faults = Faults::new(&config, Arc::clone(clock) as _, None)?;
        faults.warn_with(|text| WARNINGS.with_borrow_mut(|warnings| warnings.push(text.to_owned())));
        Ok(faults)
    }

    impl Rig {
        fn new(list: &[&str]) -> Self {
            Self::after(list, |_| ())
        }

        /// With something in the directory before the adapter is there.
        fn after(list: &[&str], prepare: impl FnOnce(&Path)) -> Self {
            let directory = TempDir::new().unwrap();
            prepare(directory.path());
            let clock = Arc::new(FixedClock::default());
            let faults = faults(directory.path(), list, &clock).unwrap();
            // The first call looks at once, and finds what was there.
            assert_eq!(faults.is_empty(), list.is_empty());
            Self { directory, clock, faults }
        }

        fn path(&self) -> &Path {
            self.directory.path()
        }

        fn request(&self, serial: u64, list: &[&str]) {
            request(serial, list).write(self.path()).unwrap();
        }

        fn write(&self, text: impl AsRef<[u8]>) {
            fs::write(self.path().join(REQUEST_FILE), text).unwrap();
        }

        /// Lets the next call look, and makes it: one that no fault meets.
        fn look(&self) {
            self.clock.advance(INTERVAL);
            self.faults.is_empty();
        }

        fn list(&self) -> Vec<String> {
            self.faults.list().iter().map(|state| state.schedule.to_string()).collect()
        }

        /// What the adapter says of itself.
        fn state(&self) -> State {
            let mut states = State::read_all(self.path()).unwrap();
            assert_eq!(states.len(), 1);
            states.remove(0).unwrap()
        }
    }

    fn request(serial: u64, list: &[&str]) -> Request {
        let list = list.iter().map(|&text| text.to_owned()).collect();
        Request { serial, process: None, add: false, list }
    }

    fn warnings() -> Vec<String> {
        WARNINGS.take()
    }

    #[test]
    fn request_takes_the_place_of_the_configured_faults() {
        let rig = Rig::new(&["wrong-mac every=1"]);
        assert!(rig.faults.meets(Fault::WrongMac));
        rig.request(1, &["key-lost at=2", " refresh-refused "]);
        rig.look();
        assert_eq!(rig.list(), ["key-lost at=2", "refresh-refused at=1"]);
        assert!(!rig.faults.meets(Fault::WrongMac));
        assert_eq!([(); 3].map(|()| rig.faults.meets(Fault::KeyLost)), [false, true, false]);
        let state = rig.state();
        assert_eq!((state.serial, state.error), (1, None));
        rig.request(2, &[]);
        rig.look();
        assert_eq!(rig.list(), [""; 0]);
        assert!(rig.faults.is_empty());
    }

    #[test]
    fn look_comes_at_most_every_fifty_milliseconds() {
        let rig = Rig::new(&[]);
        rig.request(1, &["key-lost"]);
        rig.clock.advance(Duration::from_millis(49));
        assert!(!rig.faults.meets(Fault::KeyLost));
        rig.clock.advance(Duration::from_millis(1));
        assert!(rig.faults.meets(Fault::KeyLost));
    }

    #[test]
    fn each_kind_of_question_looks() {
        for question in [
            (|faults: &Faults| !faults.is_empty()) as fn(&Faults) -> bool,
            |faults| faults.is_pending(Fault::KeyLost),
            |faults| faults.meets(Fault::KeyLost),
        ] {
            let rig = Rig::new(&[]);
            rig.request(1, &["key-lost"]);
            rig.clock.advance(INTERVAL);
            assert!(question(&rig.faults));
        }
    }

    #[test]
    fn added_faults_leave_the_counts_of_others() {
        let rig = Rig::new(&["key-lost at=3", "wrong-mac"]);
        assert!(rig.faults.meets(Fault::WrongMac));
        assert_eq!([(); 2].map(|()| rig.faults.meets(Fault::KeyLost)), [false; 2]);
        Request { add: true, ..request(1, &["refresh-refused at=9"]) }.write(rig.path()).unwrap();
        rig.look();
        // The one that is over makes room.
        assert_eq!(rig.list(), ["key-lost at=3", "refresh-refused at=9"]);
        assert!(rig.faults.meets(Fault::KeyLost));
    }

    #[test]
    fn request_for_another_process_is_passed_over() {
        let rig = Rig::new(&["key-lost"]);
        let us = std::process::id();
        Request { process: Some(us + 1), ..request(1, &["wrong-mac"]) }.write(rig.path()).unwrap();
        rig.look();
        assert_eq!(rig.list(), ["key-lost at=1"]);
        Request { process: Some(us), ..request(2, &["wrong-mac"]) }.write(rig.path()).unwrap();
        rig.look();
        assert_eq!(rig.list(), ["wrong-mac at=1"]);
    }

    #[test]
    fn request_from_before_the_adapter_is_not_for_it() {
        // Also not where an earlier process had its identifier.
        let earlier = Request { process: Some(std::process::id()), ..request(7, &["wrong-mac"]) };
        let rig = Rig::after(&["key-lost"], |directory| earlier.write(directory).unwrap());
        rig.look();
        assert_eq!(rig.list(), ["key-lost at=1"]);
        assert_eq!(rig.state().serial, 7);
        rig.request(7, &["wrong-mac"]);
        rig.look();
        assert_eq!(rig.list(), ["key-lost at=1"]);
        rig.request(8, &["wrong-mac"]);
        rig.look();
        assert_eq!(rig.list(), ["wrong-mac at=1"]);
    }

    #[test]
    fn bad_request_changes_nothing_and_is_told_of() {
        let many = format!("serial = 5\nlist = [{}]", "\"key-lost\", ".repeat(257));
        let huge = format!("serial = 5\nlist = []\n# {}", "x".repeat(64 << 10));
        for (text, reason) in [
            ("serial = 5\nlist = [", "line 2"),
            ("serial = 5\nlist = [\"key-lots\"]", "\"key-lots\" is no fault"),
            ("serial = 5\nlist = [\"wrong-mac\", \"key-lost at=x\"]", "at must be"),
            ("serial = 5\nlist = []\nlst = 1", "lst"),
            ("serial = -5\nlist = []", "line 1"),
            ("serial = 5", "list"),
            ("list = []", "serial"),
            (&many, "256 faults"),
            (&huge, "65536 bytes"),
            ("serial = 5\nlist = []\u{0}", "line"),
        ] {
            let rig = Rig::new(&["key-lost at=2"]);
            assert!(!rig.faults.meets(Fault::KeyLost));
            rig.write(text);
            rig.look();
            rig.look();
            assert_eq!(rig.list(), ["key-lost at=2"], "{reason}");
            let error = rig.state().error.unwrap_or_default();
            assert!(error.contains(reason) && error.len() <= 4 * MAX_ERROR, "{reason}: {error}");
            let warnings = warnings();
            assert!(warnings.len() == 1 && warnings[0].contains(&error), "{warnings:?}");
            // Counts are as they were, and the next good request is obeyed.
            assert!(rig.faults.meets(Fault::KeyLost));
            rig.request(6, &["wrong-mac"]);
            rig.look();
            assert_eq!((rig.list(), rig.state().error), (vec!["wrong-mac at=1".to_owned()], None));
        }
    }

    #[test]
    fn request_that_is_no_plain_text_file_is_refused() {
        let rig = Rig::new(&[]);
        rig.write([0xff, 0xfe]);
        rig.look();
        assert!(rig.state().error.unwrap().contains("UTF-8"));
        fs::remove_file(rig.path().join(REQUEST_FILE)).unwrap();
        fs::create_dir(rig.path().join(REQUEST_FILE)).unwrap();
        rig.look();
        assert!(rig.state().error.unwrap().contains("not a plain file"));
        warnings();
    }

    #[test]
    fn state_file_follows_the_faults() {
        let rig = Rig::new(&["wrong-mac every=2"]);
        let counts = || rig.state().faults.iter().map(|fault| (fault.counted, fault.occurred)).collect::<Vec<_>>();
        let state = rig.state();
        assert_eq!((state.process, state.adapter, state.serial), (std::process::id(), 1, 0));
        assert!(state.program.starts_with("softcp"), "{}", state.program);
        assert_eq!((state.faults[0].fault.as_str(), counts()), ("wrong-mac every=2", vec![(0, 0)]));
        rig.faults.meets(Fault::WrongMac);
        assert_eq!(counts(), [(0, 0)]);
        // An occurrence is written at once, though the last call may have been the last; but not each of many.
        rig.faults.meets(Fault::WrongMac);
        assert_eq!(counts(), [(2, 1)]);
        assert_eq!([(); 3].map(|()| rig.faults.meets(Fault::WrongMac)), [false, true, false]);
        assert_eq!(counts(), [(2, 1)]);
        rig.look();
        assert_eq!(counts(), [(5, 2)]);
    }

    #[test]
    fn state_file_that_has_not_changed_is_not_written() {
        let rig = Rig::new(&["wrong-mac"]);
        fs::remove_file(rig.path().join(rig.state().file_name())).unwrap();
        rig.look();
        assert_eq!(State::read_all(rig.path()).unwrap().len(), 0);
    }

    #[test]
    fn adapters_have_numbers_and_take_their_files_with_them() {
        let left = format!("{}-1.toml", std::process::id());
        // Of an earlier process with this identifier: not touched.
        let rig = Rig::after(&[], |directory| fs::write(directory.join(&left), "old").unwrap());
        let other = faults(rig.path(), &[], &rig.clock).unwrap();
        let names = || {
            let mut names: Vec<_> = fs::read_dir(rig.path())
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        };
        let second = left.replace("-1.", "-2.");
        assert_eq!(names(), [left.clone(), second.clone(), left.replace("-1.", "-3.")]);
        drop(other);
        assert_eq!(names(), [left.clone(), second]);
        drop(rig.faults);
        let text = fs::read_to_string(rig.directory.path().join(&left)).unwrap();
        assert_eq!(text, "old");
    }

    #[test]
    fn request_is_left_for_the_next_adapter_alone() {
        let rig = Rig::new(&["key-lost"]);
        request(0, &["wrong-mac at=2"]).leave(rig.path()).unwrap();
        rig.look();
        assert_eq!(rig.list(), ["key-lost at=1"]);
        let next = faults(rig.path(), &["key-lost"], &rig.clock).unwrap();
        let list = |faults: &Faults| faults.list().iter().map(|state| state.schedule.to_string()).collect::<Vec<_>>();
        assert_eq!(list(&next), ["wrong-mac at=2"]);
        assert!(!next.meets(Fault::WrongMac) && next.meets(Fault::WrongMac));
        assert_eq!(list(&faults(rig.path(), &["key-lost"], &rig.clock).unwrap()), ["key-lost at=1"]);
        assert!(!rig.path().join(files::NEXT_FILE).exists());
    }

    #[test]
    fn wrong_request_for_the_next_adapter_is_refused_and_said() {
        let rig = Rig::after(&["key-lost"], |directory| request(0, &["key-lots"]).leave(directory).unwrap());
        assert_eq!(rig.list(), ["key-lost at=1"]);
        assert!(rig.state().error.unwrap().contains("key-lots"));
    }

    #[test]
    fn counts_can_be_read_after_the_end() {
        let rig = Rig::new(&["key-lost at=2"]);
        assert!(!rig.faults.meets(Fault::KeyLost) && rig.faults.meets(Fault::KeyLost));
        let Rig { directory, faults, .. } = rig;
        drop(faults);
        let state = State::read_all(directory.path()).unwrap().remove(0).unwrap();
        assert!(state.ended && state.is_gone() == Some(true));
        assert_eq!((state.faults[0].counted, state.faults[0].occurred), (2, 1));
    }

    #[test]
    fn directory_that_cannot_be_used_is_an_error_that_names_it() {
        let directory = TempDir::new().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        let clock = Arc::new(FixedClock::default());
        for path in [file.clone(), file.join("below"), PathBuf::new()] {
            let error = faults(&path, &[], &clock).unwrap_err().to_string();
            let path = path.display().to_string();
            assert!(error.contains("faults.control") && error.contains(&path) && error.contains("name one"), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn directory_is_made_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("a/b");
        let _faults = faults(&path, &[], &Arc::new(FixedClock::default())).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[cfg(unix)]
    #[test]
    fn link_in_the_way_of_a_state_file_is_not_followed() {
        let directory = TempDir::new().unwrap();
        let victim = directory.path().join("victim");
        fs::write(&victim, "dear").unwrap();
        let control = directory.path().join("control");
        fs::create_dir(&control).unwrap();
        let process = std::process::id();
        std::os::unix::fs::symlink(&victim, control.join(format!("{process}-1.toml"))).unwrap();
        std::os::unix::fs::symlink(&victim, control.join(format!("{process}-2.{process}.new"))).unwrap();
        let _faults = faults(&control, &["key-lost"], &Arc::new(FixedClock::default())).unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "dear");
        assert!(fs::read_to_string(control.join(format!("{process}-2.toml"))).unwrap().contains("key-lost at=1"));
    }

    #[test]
    fn directory_that_goes_away_fails_no_call_and_warns_once() {
        let rig = Rig::new(&["wrong-mac every=2"]);
        let path = rig.directory.path().to_owned();
        fs::remove_dir_all(&path).unwrap();
        let met = [(); 6].map(|()| {
            rig.clock.advance(INTERVAL);
            rig.faults.meets(Fault::WrongMac)
        });
        assert_eq!(met, [false, true, false, true, false, true]);
        let warnings = warnings();
        assert!(warnings.len() == 1 && warnings[0].contains("cannot be written"), "{warnings:?}");
        // Where it comes back, so does the state file.
        fs::create_dir(&path).unwrap();
        rig.look();
        assert_eq!(rig.state().faults[0].occurred, 3);
    }

    #[test]
    fn without_a_directory_nothing_is_looked_at() {
        let config = FaultConfig { list: vec!["key-lost".parse().unwrap()], ..FaultConfig::default() };
        let faults = Faults::new(&config, Arc::new(FixedClock::default()), None).unwrap();
        assert_eq!(faults.pending.load(Ordering::Relaxed) & CONTROLLED, 0);
        faults.meets(Fault::KeyLost);
        assert_eq!(faults.pending.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn threads_look_and_count_side_by_side() {
        let rig = Rig::new(&["key-lost every=1"]);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        rig.clock.advance(Duration::from_millis(10));
                        rig.faults.meets(Fault::KeyLost);
                    }
                });
            }
            (1..=50).for_each(|serial| rig.request(serial, &["key-lost every=1", "wrong-mac"]));
        });
        rig.look();
        assert_eq!(
            (rig.list(), rig.state().serial),
            (vec!["key-lost every=1".to_owned(), "wrong-mac at=1".to_owned()], 50)
        );
    }
}
