//! What kind of disk a file lies on and how much room it has, as far as the system says it.
//!
//! It only tells; whether a journal may lie there is decided by whoever opens it.

use std::path::Path;

/// Kinds of file systems on another machine. The locks that SQLite relies on may not hold there, and what it was told is
/// on the disk may not be (SQLite's own documentation, "How To Corrupt An SQLite Database File").
const NETWORK: [&str; 18] = [
    "9p",
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

/// What is mounted where, as the system writes it; empty when it does not say.
pub(super) fn mounts() -> String {
    // Only Linux has this file; elsewhere it is up to the operator.
    std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default()
}

/// The kind of the network file system that a file lies on, by its canonical path; `None` when it is none, or nobody can
/// say.
pub(super) fn network(mounts: &str, path: &Path) -> Option<String> {
    kind(mounts, path).filter(|kind| NETWORK.contains(&kind.as_str()))
}

/// How many bytes this user may still write where a folder lies; `None` when nobody can say.
#[cfg(unix)]
pub(super) fn free_bytes(folder: &Path) -> Option<u64> {
    let room = rustix::fs::statvfs(folder).ok()?;
    Some(room.f_bavail.saturating_mul(room.f_frsize))
}

/// Elsewhere it is up to the operator.
#[cfg(not(unix))]
pub(super) fn free_bytes(_folder: &Path) -> Option<u64> {
    None
}

/// The kind of the innermost mount that holds a path; of two at the same place the later one lies on top.
fn kind(mounts: &str, path: &Path) -> Option<String> {
    let mut found: Option<(usize, &str)> = None;
    for line in mounts.lines() {
        // proc(5): id, parent, device, root, mount point, options, optional fields, a dash, the kind, …
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

/// Blanks and backslashes of a mount point stand there as three octal digits.
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

    #[test]
    fn a_folder_has_room_and_one_that_is_not_there_cannot_say() {
        assert!(free_bytes(&std::env::temp_dir()).is_some_and(|free| free > 0));
        assert_eq!(free_bytes(Path::new("/nowhere/at/all")), None);
    }
}
