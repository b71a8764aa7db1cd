//! Keeps the logs bounded while they are written.
//!
//! The kernel fact: a writer that has the file open with `O_APPEND` goes on at its new end after it was cut. So the server
//! need not be told, no pipe is between it and its log, and nothing ever blocks it. What it writes between the copy and the
//! cut is lost: some lines of many million.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::time::Duration;

use nix::fcntl::OFlag;

use crate::directory::Directory;
use crate::paths::SERVER_LOG;
use crate::supervisor::drive::Supervisor;
use crate::supervisor::{Message, log};

/// A log is cut when it has grown beyond this, in bytes.
const LARGE: u64 = 64 << 20;

/// What is kept of one that is cut, under the name with `.1`: copying that much takes 5 ms.
const KEPT: u64 = 8 << 20;

/// Between two looks: at the fastest that a disk cache takes, 600 MB/s, a log grows by 300 MB in that time. Each look costs
/// an idle supervisor a wake-up, 0.2 ms of processor.
const PAUSE: Duration = Duration::from_millis(500);

impl Supervisor {
    /// Looks at the server's log, now and again later. Our own grows by some lines a restart: it is looked at then.
    pub(crate) fn look_at_log(&mut self) {
        if rotate(self.dir.directory(), SERVER_LOG) {
            self.log_offset = 0;
        }
        self.after(PAUSE, Message::LogDue);
    }
}

/// Cuts a log that has grown large; tells whether it was.
pub(crate) fn rotate(directory: &Directory, name: &str) -> bool {
    if log::size(directory, name) <= LARGE {
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
