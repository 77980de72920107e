//! Whether the disk under an embedded journal is fit for it: its kind, its free space, its
//! permissions.
//!
//! It only reads. The caller decides what to do when there is no space.

use std::path::{Path, PathBuf};

use super::error::Error;
use super::url::NetworkDisk;

/// File system types whose disk is on another machine. The locks that SQLite relies on may not work
/// there, and data that was reported as written may not be on the disk (SQLite's own documentation,
/// "How To Corrupt An SQLite Database File"). They include folders of the host that a container or
/// a virtual machine sees through a file server of its own.
const NETWORK: [&str; 30] = [
    "9p",
    "virtiofs",
    "fakeowner",
    "grpcfuse",
    "fuse.grpcfuse",
    "osxfs",
    "fuse.osxfs",
    "vboxsf",
    "vmhgfs",
    "fuse.vmhgfs-fuse",
    "prl_fs",
    "fuse.prl_fsd",
    "fuse.portal",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "fuse.sshfs",
    "glusterfs",
    "fuse.ceph-fuse",
    "fuse.glusterfs",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.davfs",
    "davfs",
    "lustre",
    "nfs",
    "nfs4",
    "smb3",
    "smbfs",
];

/// Whether the disk of a path has space for another cancellation. The file need not exist.
pub(super) fn has_room(path: &Path, free_bytes_min: u64) -> Result<(), Error> {
    // Runs at every acceptance: only a path that does not exist costs a search for its nearest
    // folder.
    let free = free_bytes(path).or_else(|| free_bytes(&nearest(path)?));
    match free {
        Some(free) if free < free_bytes_min => Err(Error::NoRoom(format!(
            "only {free} bytes are free where it lies, and nothing new is accepted below \
             journal.disk_free_bytes_min = {free_bytes_min}"
        ))),
        Some(_) | None => Ok(()),
    }
}

/// Whether this user may write the journal and the files beside it. They need not exist.
pub(super) fn may_be_written(path: &Path, companions: &[PathBuf]) -> Result<(), Error> {
    let folder = nearest(folder_of(path));
    let files = companions.iter().map(PathBuf::as_path).chain([path]);
    let files = files.filter_map(|file| file.canonicalize().ok());
    match folder
        .into_iter()
        .chain(files)
        .find_map(|way| Some((refusal(&way)?, way)))
    {
        Some((error, way)) => Err(Error::Open(format!(
            "{} may not be written by the user that this runs as: {error}; the service's user must own the journal and \
             its folder",
            way.display()
        ))),
        None => Ok(()),
    }
}

#[cfg(unix)]
fn refusal(path: &Path) -> Option<String> {
    use rustix::fs::{Access, AtFlags, CWD, accessat};
    let mut access = Access::WRITE_OK | Access::READ_OK;
    if path.is_dir() {
        access |= Access::EXEC_OK;
    }
    let may = accessat(CWD, path, access, AtFlags::EACCESS);
    may.err().map(|error| error.to_string())
}

/// On other systems the start detects it.
#[cfg(not(unix))]
fn refusal(_path: &Path) -> Option<String> {
    None
}

/// Whether a journal may be on the disk of a path. The file need not exist.
pub(super) fn may_lie(path: &Path, network_disk: NetworkDisk) -> Result<(), Error> {
    may_lie_among(&mounts(), path, network_disk)
}

/// The same on a machine with these mounts.
fn may_lie_among(mounts: &str, path: &Path, network_disk: NetworkDisk) -> Result<(), Error> {
    match nearest(path).and_then(|place| network(mounts, &place)) {
        Some(kind) if network_disk == NetworkDisk::Refused => Err(Error::Open(format!(
            "{} is on another machine ({kind}), where a lost connection may lose accepted requests; use a local \
             disk or a PostgreSQL, or set journal.allow_network_disk = true",
            path.display()
        ))),
        Some(_) | None => Ok(()),
    }
}

/// Whether an existing path is on another machine's disk.
pub(super) fn is_on_network(path: &Path) -> bool {
    nearest(path).is_some_and(|place| network(&mounts(), &place).is_some())
}

/// The part of a path that exists, by its real name.
fn nearest(path: &Path) -> Option<PathBuf> {
    path.ancestors().find_map(|place| {
        let is_here = place.as_os_str().is_empty();
        if is_here { Path::new(".") } else { place }
            .canonicalize()
            .ok()
    })
}

/// The folder of a file.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The mounts as the system lists them; empty when it does not.
fn mounts() -> String {
    // Only Linux has this file; on other systems the operator has to make sure.
    std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default()
}

/// The type of the network file system that a file is on, by its canonical path; `None` for a local
/// disk, or when the type is unknown.
fn network(mounts: &str, path: &Path) -> Option<String> {
    kind(mounts, path).filter(|kind| NETWORK.contains(&kind.as_str()))
}

/// How many bytes this user may still write on the disk of a path; `None` when that is unknown.
#[cfg(unix)]
fn free_bytes(path: &Path) -> Option<u64> {
    let room = rustix::fs::statvfs(path).ok()?;
    // A disk without a size says nothing: some types have none, such as a tmpfs without a limit.
    (room.f_blocks > 0).then(|| room.f_bavail.saturating_mul(room.f_frsize))
}

/// On other systems the operator has to make sure.
#[cfg(not(unix))]
fn free_bytes(_path: &Path) -> Option<u64> {
    None
}

/// The type of the innermost mount that holds a path; of two at the same place the later one is on
/// top.
fn kind(mounts: &str, path: &Path) -> Option<String> {
    let mut found: Option<(usize, &str)> = None;
    for line in mounts.lines() {
        // proc(5): id, parent, device, root, mount point, options, optional fields, a dash, the
        // kind, …
        let Some((before, after)) = line.split_once(" - ") else {
            continue;
        };
        let (Some(point), Some(kind)) = (before.split(' ').nth(4), after.split(' ').next()) else {
            continue;
        };
        let point = unescaped(point);
        let depth = Path::new(&point).components().count();
        if path.starts_with(&point) && found.is_none_or(|(deepest, _)| depth >= deepest) {
            found = Some((depth, kind));
        }
    }
    found.map(|(_, kind)| kind.to_owned())
}

/// Blanks and backslashes of a mount point are written as three octal digits.
fn unescaped(point: &str) -> String {
    [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ]
    .iter()
    .fold(point.to_owned(), |text, (code, plain)| {
        text.replace(code, plain)
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw
30 22 0:30 / /srv/share rw,relatime shared:9 - nfs4 10.0.0.5:/export rw
31 30 254:9 / /srv/share/local rw,relatime - xfs /dev/sdb rw
32 22 0:31 / /mnt/our\\040files rw - cifs //server/files rw
33 22 0:32 / /over rw - ext4 /dev/sdc rw
34 33 0:33 / /over rw - nfs server:/x rw
broken line
";

    #[test]
    fn the_innermost_and_latest_mount_counts() {
        let kind_of = |path: &str| kind(MOUNTS, Path::new(path)).unwrap_or_default();
        assert_eq!(kind_of("/var/lib/ozmap-cancel"), "ext4");
        assert_eq!(kind_of("/srv/share/data"), "nfs4");
        assert_eq!(kind_of("/srv/share-of-mine"), "ext4");
        assert_eq!(kind_of("/srv/share/local/data"), "xfs");
        assert_eq!(kind_of("/mnt/our files"), "cifs");
        assert_eq!(kind_of("/over/data"), "nfs");
        assert_eq!(kind("", Path::new("/")), None);
    }

    #[test]
    fn a_folder_of_this_machine_is_on_no_network() {
        assert_eq!(network(&mounts(), &std::env::temp_dir()), None);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_not_there_yet_has_the_room_of_where_it_will_be_and_what_has_no_size_says_nothing() {
        assert!(free_bytes(&std::env::temp_dir()).is_some_and(|free| free > 0));
        let not_yet = std::env::temp_dir().join("not/there/yet/journal.db");
        assert!(has_room(&not_yet, 1).is_ok());
        let refused = has_room(&not_yet, u64::MAX).unwrap_err().to_string();
        assert!(refused.contains("journal.disk_free_bytes_min"), "{refused}");
        if cfg!(target_os = "linux") {
            assert_eq!(free_bytes(Path::new("/proc/self")), None);
        }
    }

    /// A machine whose only disk is of this type, wherever its temporary folder is.
    fn machine(kind: &str) -> String {
        format!("22 1 0:30 / / rw,relatime shared:1 - {kind} somewhere rw\n")
    }

    #[test]
    fn a_journal_on_another_machines_disk_is_refused_also_before_it_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("journal.db");
        std::fs::write(&there, "").unwrap();
        let not_yet = folder.path().join("data/of/ours/journal.db");
        for path in [there.as_path(), &not_yet, Path::new("journal.db")] {
            for kind in NETWORK {
                let refused = may_lie_among(&machine(kind), path, NetworkDisk::Refused);
                let said = refused.unwrap_err().to_string();
                assert!(said.contains(&format!("({kind})")), "{said}");
                assert!(said.contains("journal.allow_network_disk"), "{said}");
                let known = may_lie_among(&machine(kind), path, NetworkDisk::Allowed);
                assert!(known.is_ok(), "{kind}: {known:?}");
            }
            for mounts in [machine("ext4"), String::new()] {
                let local = may_lie_among(&mounts, path, NetworkDisk::Refused);
                assert!(local.is_ok(), "{mounts}: {local:?}");
            }
        }
    }
}
