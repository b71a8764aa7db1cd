//! Keeps the logs bounded while they are written.
//!
//! The kernel fact: a writer that has the file open with `O_APPEND` goes on at its new end after it was cut. So the server
//! need not be told, no pipe is between it and its log, and nothing ever blocks it. What it writes between the copy and the
//! cut is lost: some lines of many million.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use nix::fcntl::{AtFlags, OFlag};
use nix::sys::stat::fstatat;

use crate::directory::Directory;

/// A log is cut when it has grown beyond this, in bytes.
const LARGE: u64 = 64 << 20;

/// What is kept of one that is cut, under the name with `.1`: copying that much takes 5 ms.
const KEPT: u64 = 8 << 20;

/// Cuts a log that has grown large; tells whether it was.
pub(crate) fn rotate(directory: &Directory, name: &str) -> bool {
    if size(directory, name) <= LARGE {
        return false;
    }
    if let Err(error) = keep_end(directory, name) {
        // A bounded log is worth more than its past: the disk may be full because of it.
        tracing::warn!(%error, "the end of {name} could not be kept");
    }
    let cut = directory.open_file(name, OFlag::O_WRONLY);
    cut.and_then(|file| file.set_len(0)).is_ok()
}

fn keep_end(directory: &Directory, name: &str) -> io::Result<()> {
    let mut from = directory.open_file(name, OFlag::O_RDONLY)?;
    let end = from.seek(SeekFrom::End(0))?;
    from.seek(SeekFrom::Start(end.saturating_sub(KEPT)))?;
    let flags = OFlag::O_CREAT | OFlag::O_TRUNC | OFlag::O_WRONLY;
    let mut to: File = directory.open_file(&format!("{name}.1"), flags)?;
    io::copy(&mut from.take(KEPT), &mut to).map(drop)
}

/// Returns how long a log is, in bytes.
pub(crate) fn size(directory: &Directory, name: &str) -> u64 {
    let status = fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW);
    status.map_or(0, |status| status.st_size.cast_unsigned())
}
