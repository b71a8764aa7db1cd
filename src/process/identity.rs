//! Who a process is: a pid is a number the kernel reuses, together with the boot, the namespace and the start time it is not.
//!
//! Invariant: nothing is signalled that is not identified. The start time is read *after* the pidfd was opened: a pidfd
//! stays with its process, so what was identified and what gets the signal are the same.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::sync::OnceLock;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use procfs::FromRead as _;
use procfs::process::Stat;
use serde::{Deserialize, Serialize};

use crate::sys;

/// How much of a command line is shown.
const SHOWN: usize = 60;

/// One process, never mistaken for a later one with the same pid.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProcessIdentity {
    /// The kernel's id of this boot.
    pub boot_id: String,
    /// Inode of the pid namespace that the pid belongs to.
    pub pid_namespace: u64,
    /// The pid.
    pub pid: i32,
    /// Start time, in clock ticks since boot.
    pub start_time: u64,
}

impl ProcessIdentity {
    /// Returns who has this pid now; None when nobody has, when it is a zombie, or when `/proc` does not tell.
    pub fn of(pid: i32) -> Option<Self> {
        let stat = stat(pid)?;
        if is_dead(stat.state) {
            return None;
        }
        Self::from_stat(&stat)
    }

    /// Returns the identity of a child that we have not reaped: zombie or not, the pid is still its own.
    pub(crate) fn of_child(pid: i32) -> Option<Self> {
        Self::from_stat(&stat(pid)?)
    }

    /// Returns the identity of this process; None only where `/proc` is not to be read.
    pub fn current() -> Option<Self> {
        Self::of(Pid::this().as_raw())
    }

    fn from_stat(stat: &Stat) -> Option<Self> {
        Some(Self {
            boot_id: boot_id()?.to_owned(),
            pid_namespace: pid_namespace()?,
            pid: stat.pid,
            start_time: stat.starttime,
        })
    }

    /// Returns it as one word, which no other process has in the life of the machine.
    pub(crate) fn word(&self) -> String {
        format!("{}-{}-{}", self.boot_id, self.pid, self.start_time)
    }

    /// Tells whether this very process lives. One of another pid namespace cannot be seen and counts as dead.
    pub fn is_alive(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }

    /// Tells whether a debugger is attached: such a process may stand still for as long as it likes.
    pub fn is_traced(&self) -> bool {
        let status = fs::read(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        tracer(&status) != 0 && self.is_alive()
    }

    /// Signals this very process; false when it is gone, and then nobody was signalled.
    pub fn signal(&self, signal: Signal) -> io::Result<bool> {
        let sent = match sys::pidfd_open(self.pid) {
            Ok(_) if !self.is_alive() => return Ok(false),
            Ok(pidfd) => sys::pidfd_send_signal(pidfd.as_fd(), signal),
            // No pidfds here (kernel before 5.3, seccomp): microseconds between check and signal are the best there is.
            Err(error)
                if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM))
                    && self.is_alive() =>
            {
                kill(Pid::from_raw(self.pid), signal).map_err(io::Error::from)
            }
            Err(error) => Err(error),
        };
        match sent {
            Ok(()) => Ok(true),
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(false),
            Err(_) if !self.is_alive() => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Describes a process for people, as in "pid 41 (`python -m http.server 8000`)".
pub fn describe(pid: i32) -> String {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let command = match (shown(&line), stat(pid)) {
        (line, _) if !line.is_empty() => line,
        (_, Some(stat)) => shown(stat.comm.as_bytes()),
        (_, None) => return format!("pid {pid} (gone)"),
    };
    format!("pid {pid} (`{command}`)")
}

/// Returns the parsed `/proc/<pid>/stat`; None when there is no such process.
pub(crate) fn stat(pid: i32) -> Option<Stat> {
    Stat::from_read(File::open(format!("/proc/{pid}/stat")).ok()?).ok()
}

/// Tells whether this state letter means that nothing runs any more.
pub(crate) fn is_dead(state: char) -> bool {
    matches!(state, 'Z' | 'X' | 'x')
}

/// Lists every pid that `/proc` shows.
pub(crate) fn pids() -> impl Iterator<Item = i32> {
    numbers_in("/proc".to_owned())
}

/// Lists the threads of a process by their ids; that of the first one is the pid.
pub(crate) fn threads(pid: i32) -> impl Iterator<Item = i32> {
    numbers_in(format!("/proc/{pid}/task"))
}

fn numbers_in(folder: String) -> impl Iterator<Item = i32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn boot_id() -> Option<&'static str> {
    static BOOT_ID: OnceLock<Option<String>> = OnceLock::new();
    let read = || fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
    let trimmed = || Some(read()?.trim().to_owned());
    BOOT_ID.get_or_init(trimmed).as_deref()
}

fn pid_namespace() -> Option<u64> {
    Some(fs::metadata("/proc/self/ns/pid").ok()?.ino())
}

/// Returns the `TracerPid` of a `/proc/<pid>/status`. The kernel escapes line breaks in the name, so no name can feign one.
fn tracer(status: &[u8]) -> i32 {
    let value = |line: &[u8]| {
        let digits = line.strip_prefix(b"TracerPid:")?.trim_ascii();
        str::from_utf8(digits).ok()?.parse().ok()
    };
    status
        .split(|byte| *byte == b'\n')
        .find_map(value)
        .unwrap_or(0)
}

/// Makes one printable line of a NUL-separated command line, cut at [`SHOWN`] characters.
fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end_matches(['\0', '\n']);
    let printable = |c: char| match c {
        c if c.is_control() || c.is_whitespace() => ' ',
        '`' => '\'',
        c => c,
    };
    let mut short: String = text.chars().take(SHOWN).map(printable).collect();
    if text.chars().nth(SHOWN).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The numbers after the name, as a running kernel writes them; the start time is 4242.
    const REST: &str = "S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4242 1 1 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0";

    proptest! {
        #[test]
        fn no_name_hides_the_start_time(name in proptest::collection::vec(any::<u8>(), 0..16)) {
            let mut line = b"7 (".to_vec();
            line.extend(name);
            line.extend(b") ");
            line.extend(REST.as_bytes());
            line.push(b'\n');
            let stat = Stat::from_read(&line[..]).unwrap();
            prop_assert_eq!((stat.pid, stat.state, stat.starttime), (7, 'S', 4242));
        }

        #[test]
        fn what_is_shown_is_one_short_line(line in proptest::collection::vec(any::<u8>(), 0..200)) {
            let shown = shown(&line);
            prop_assert!(shown.chars().count() <= SHOWN + 1);
            prop_assert!(!shown.contains(|c: char| c.is_control() || c == '`'));
        }
    }

    #[test]
    fn we_are_alive_and_not_traced_by_a_name() {
        let me = ProcessIdentity::current().unwrap();
        assert!(me.is_alive());
        assert_eq!(tracer(b"Name:\tx\\nTracerPid: 1\nTracerPid:\t0\n"), 0);
        assert_eq!(tracer(b"Name:\tx\nTracerPid:\t41\n"), 41);
        let text = serde_json::to_string(&me).unwrap();
        assert_eq!(serde_json::from_str::<ProcessIdentity>(&text).unwrap(), me);
    }

    #[test]
    fn long_command_lines_are_cut() {
        assert_eq!(shown(b"python\0-m\0http.server\0"), "python -m http.server");
        assert_eq!(shown("x".repeat(100).as_bytes()), "x".repeat(SHOWN) + "…");
    }
}
