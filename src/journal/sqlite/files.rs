//! The files of an embedded journal: private, locked against a second instance, and the same ones
//! as long as it is open.
//!
//! It must never let two processes write one file, whatever names they open it by.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use crate::journal::disk;
use crate::journal::error::Error;

/// The bytes before the first frame of a write-ahead log.
const LOG_HEAD: u64 = 32;

/// The files of a journal that this process holds.
pub(super) struct Files {
    main: Kept,
    log: Option<Kept>,
    log_path: PathBuf,
    // The locks last as long as these handles, also after a kill.
    _locks: Locks,
}

/// One file as it was seen last.
struct Kept {
    path: PathBuf,
    identity: (u64, u64),
    numbers: Numbers,
    bytes: u64,
}

/// Whether the numbers by which a system knows a file stay the same.
#[derive(Clone, Copy)]
enum Numbers {
    Stay,
    /// On another machine's disk they may change at every look.
    Change,
}

impl Numbers {
    fn of(self, seen: &Metadata) -> (u64, u64) {
        match self {
            Self::Stay => identity(seen),
            Self::Change => (0, 0),
        }
    }
}

impl Kept {
    fn see(path: &Path, numbers: Numbers) -> std::io::Result<Self> {
        let seen = path.metadata()?;
        Ok(Self {
            path: path.to_owned(),
            identity: numbers.of(&seen),
            numbers,
            bytes: seen.len(),
        })
    }

    /// How it changed since, if it did.
    fn trouble(&self, name: &str) -> Option<String> {
        match self.path.metadata() {
            Err(error) => Some(format!("{name} is not there any more ({error})")),
            Ok(seen) if self.numbers.of(&seen) != self.identity => {
                Some(format!("{name} is another file now"))
            }
            Ok(seen) if seen.len() < self.bytes => Some(format!("{name} was cut off")),
            Ok(_) => None,
        }
    }

    fn grew(&mut self) {
        if let Ok(seen) = self.path.metadata() {
            self.bytes = self.bytes.max(seen.len());
        }
    }
}

impl Files {
    /// Creates the file when it does not exist, and locks out a second instance.
    pub(super) fn hold(path: &Path) -> Result<Self, Error> {
        create_private_file(path)
            .map_err(|error| Error::Open(format!("cannot write {}: {error}", path.display())))?;
        // Whatever names two instances use for the folder, there is one lock.
        let path = path
            .canonicalize()
            .map_err(|error| Error::Open(format!("cannot find {}: {error}", path.display())))?;
        let locks = Locks::take(&path)?;
        let numbers = if disk::is_on_network(&path) {
            Numbers::Change
        } else {
            Numbers::Stay
        };
        let main = Kept::see(&path, numbers)
            .map_err(|error| Error::Open(format!("cannot find {}: {error}", path.display())))?;
        Ok(Self {
            log_path: log_path(&path),
            main,
            log: None,
            _locks: locks,
        })
    }

    /// The file by its real name.
    pub(super) fn path(&self) -> &Path {
        &self.main.path
    }

    /// How long the write-ahead log is; `None` when there is no log.
    pub(super) fn log_bytes(&self) -> Option<u64> {
        self.log_path.metadata().ok().map(|seen| seen.len())
    }

    /// Remembers the files after something was written to them: the log must be at least as long as
    /// its frames.
    pub(super) fn remember(&mut self, frames_end: Option<u64>) {
        self.main.grew();
        if self.log.is_none() {
            let log = Kept::see(&self.log_path, self.main.numbers).ok();
            self.log = log.filter(|log| log.bytes > 0);
        }
        // Not its present length: another process may just have truncated it.
        if let (Some(log), Some(end)) = (&mut self.log, frames_end) {
            log.bytes = end;
        }
    }

    /// Whether the files are still the ones that were opened. `frames_end` says how long the log
    /// must be at least, which is only asked when it is shorter than it was: another program may
    /// have emptied it properly.
    pub(super) fn in_place(&self, frames_end: impl FnOnce() -> Option<u64>) -> Result<(), String> {
        if let Some(trouble) = self.main.trouble("the file") {
            return Err(trouble);
        }
        let Some(log) = &self.log else {
            return Ok(());
        };
        let Some(trouble) = log.trouble("the write-ahead log") else {
            return Ok(());
        };
        let same = Kept::see(&self.log_path, log.numbers)
            .ok()
            .filter(|seen| seen.identity == log.identity);
        match (same, frames_end()) {
            (Some(seen), Some(end)) if seen.bytes >= end => Ok(()),
            (Some(_) | None, _) => Err(trouble),
        }
    }
}

/// Where a log of so many frames ends.
pub(super) fn end_of_log(frames: i64, page_bytes: i64) -> u64 {
    match u64::try_from(frames) {
        Ok(0) | Err(_) => 0,
        Ok(frames) => LOG_HEAD + frames * (u64::try_from(page_bytes).unwrap_or(0) + 24),
    }
}

/// The write-ahead log of a journal.
pub(super) fn log_path(path: &Path) -> PathBuf {
    beside(path, "-wal")
}

/// Refuses a journal beside the write-ahead log of another one, which SQLite would apply to it.
pub(super) fn refuse_foreign_log(path: &Path) -> Result<(), Error> {
    use std::io::Read;
    let log = log_path(path);
    let has_log = log.metadata().is_ok_and(|log| log.len() > 0);
    let mut head = [0; 20];
    let is_read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    // The version of the format is 2 as soon as there is a write-ahead log.
    match is_read {
        Ok(()) if has_log && head[18] == 1 => Err(Error::Open(format!(
            "{} lies beside the write-ahead log of another journal; move {} away",
            path.display(),
            log.display()
        ))),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Both locks: one on the name, which older versions take too, and one on the file itself, however
/// it is reached.
struct Locks {
    _name: File,
    _file: Option<File>,
}

impl Locks {
    fn take(path: &Path) -> Result<Self, Error> {
        let name = beside(path, ".lock");
        create_private_file(&name)
            .map_err(|error| Error::Open(format!("cannot write {}: {error}", name.display())))?;
        Ok(Self {
            _name: locked(&name, path)?,
            _file: if has_lock_of_its_own(path) {
                Some(locked(path, path)?)
            } else {
                None
            },
        })
    }
}

/// Whether another process has a journal open. The journal need not exist, and nothing is created.
pub(in crate::journal) fn is_in_use(path: &Path) -> Result<bool, Error> {
    let Ok(path) = path.canonicalize() else {
        return Ok(false);
    };
    let name = Some(beside(&path, ".lock")).filter(|name| name.exists());
    let file = Some(path.clone()).filter(|path| has_lock_of_its_own(path));
    for way in [name, file].into_iter().flatten() {
        let cannot =
            |error: std::io::Error| Error::Open(format!("cannot lock {}: {error}", way.display()));
        // Shared, so that several observers do not block each other.
        match File::open(&way).map_err(cannot)?.try_lock_shared() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(true),
            Err(TryLockError::Error(error)) => return Err(cannot(error)),
        }
    }
    Ok(false)
}

/// The files beside an open journal, whether they exist or not.
pub(in crate::journal) fn companions(path: &Path) -> [PathBuf; 3] {
    ["-wal", "-shm", ".lock"].map(|ending| beside(path, ending))
}

/// Only where `flock` and the `fcntl` locks that SQLite takes on the same file are independent.
/// Elsewhere SQLite would be locked out too.
fn has_lock_of_its_own(path: &Path) -> bool {
    cfg!(target_os = "linux") && !disk::is_on_network(path)
}

fn locked(file: &Path, journal: &Path) -> Result<File, Error> {
    let cannot = |what: &str, error: std::io::Error| {
        Error::Open(format!("cannot {what} {}: {error}", file.display()))
    };
    let handle = File::open(file).map_err(|error| cannot("open", error))?;
    match handle.try_lock() {
        Ok(()) => Ok(handle),
        Err(TryLockError::WouldBlock) => Err(Error::InUse(journal.display().to_string())),
        Err(TryLockError::Error(error)) => Err(cannot("lock", error)),
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(unix)]
fn identity(seen: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (seen.dev(), seen.ino())
}

/// On other systems an open file cannot be moved.
#[cfg(not(unix))]
fn identity(_seen: &Metadata) -> (u64, u64) {
    (0, 0)
}

/// The journal holds personal data: only its owner may read it.
pub(super) fn create_private_file(path: &Path) -> std::io::Result<()> {
    private().create(true).append(true).open(path).map(drop)
}

/// The same, for a file that must not exist yet.
pub(super) fn create_new_private_file(path: &Path) -> std::io::Result<File> {
    private().create_new(true).write(true).open(path)
}

#[cfg(unix)]
fn private() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

#[cfg(not(unix))]
fn private() -> OpenOptions {
    OpenOptions::new()
}

#[cfg(unix)]
pub(super) fn create_private_folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

#[cfg(not(unix))]
pub(super) fn create_private_folder(path: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(path)
}
