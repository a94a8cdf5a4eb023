//! On what kind of file system a folder lies.

use std::path::{Path, PathBuf};

use crate::StoreError;

/// File systems whose locks or shared memory do not hold between machines.
const NETWORK: &[&str] = &[
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "afs",
    "ceph",
    "fuse.ceph",
    "fuse.glusterfs",
    "glusterfs",
    "lustre",
    "gpfs",
    "ocfs2",
    "gfs2",
    "beegfs",
    "beegfs_nodev",
    "orangefs",
    "pvfs2",
    "fuse.sshfs",
    "fuse.s3fs",
    "fuse.rclone",
    "fuse.davfs",
    "davfs",
    "ncpfs",
    "coda",
    "fuse.juicefs",
    "fuse.goofys",
    "fuse.blobfuse2",
];

/// Refuses a folder on a network file system; where the system does not tell, it passes.
pub fn refuse_network(dir: &Path) -> Result<(), StoreError> {
    let Ok(mounts) = std::fs::read_to_string("/proc/self/mountinfo") else { return Ok(()) };
    let real = dir.canonicalize().map_err(|e| StoreError::io("find the folder", dir, e))?;
    match kind_of(&mounts, &real) {
        Some(kind) if NETWORK.contains(&kind) => {
            Err(StoreError::Network { path: dir.to_owned(), kind: kind.to_owned() })
        }
        _ => Ok(()),
    }
}

/// The file system type of the mount that holds `path`: the longest mount point above it, the last
/// of equals (a later mount covers an earlier one).
fn kind_of<'a>(mountinfo: &'a str, path: &Path) -> Option<&'a str> {
    let mut best: Option<(usize, &str)> = None;
    for line in mountinfo.lines() {
        let Some((before, after)) = line.split_once(" - ") else { continue };
        let (Some(point), Some(kind)) = (before.split(' ').nth(4), after.split(' ').next()) else { continue };
        let point = unescape(point);
        if path.starts_with(&point) {
            let depth = point.components().count();
            if best.is_none_or(|(d, _)| depth >= d) {
                best = Some((depth, kind));
            }
        }
    }
    best.map(|b| b.1)
}

/// Spaces, tabs, newlines and backslashes stand as octal escapes in mountinfo.
fn unescape(text: &str) -> PathBuf {
    let mut out = text.to_owned();
    for (code, c) in [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")] {
        out = out.replace(code, c);
    }
    PathBuf::from(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw
30 22 0:5 / /mnt/my\\040share rw shared:2 - nfs4 host:/x rw
31 30 0:6 / /mnt/my\\040share/local rw - ext4 /dev/sdb rw
32 22 0:7 / /data rw - tmpfs tmpfs rw
33 22 0:8 / /data rw - fuse.sshfs me@host: rw
";

    #[test]
    fn the_longest_and_last_mount_counts() {
        let kind = |p: &str| kind_of(MOUNTS, Path::new(p)).unwrap();
        assert_eq!(kind("/home/x"), "ext4");
        assert_eq!(kind("/mnt/my share/a"), "nfs4");
        assert_eq!(kind("/mnt/my share/local/a"), "ext4");
        assert_eq!(kind("/data"), "fuse.sshfs");
        assert_eq!(kind("/database"), "ext4");
        assert!(NETWORK.contains(&kind("/data")));
    }

    #[test]
    fn the_message_says_what_to_do() {
        let told = StoreError::Network { path: "/data".into(), kind: "nfs4".into() }.to_string();
        assert!(told.contains("nfs4") && told.contains("--data"), "{told}");
        refuse_network(&std::env::temp_dir()).unwrap();
    }
}
