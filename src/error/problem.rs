//! What is wrong, in words, and whether a limit of the machine or of the user is in the way: then the remedy is to raise it.
//!
//! The fact: the kernel tells an error by its number. The words of a number are in the language of the process
//! (`LANGUAGE`, `LC_MESSAGES`), so no remedy is chosen by them. The Go runtime speaks English everywhere.

use std::fmt;
use std::io;

use nix::errno::Errno;

use crate::process::server::Exit;

/// What is wrong, in words, and the limit that is in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    words: String,
    limit: Option<Limit>,
}

/// What there is too little of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    OpenFiles,
    OpenFilesOfAll,
    Processes,
    Memory,
    FileSize,
    Room,
}

/// How the Go runtime, which ends every process of the server, says that there is too little of something.
const SAID_BY_GO: [(&str, Limit); 7] = [
    ("failed to reserve", Limit::Memory),
    ("out of memory", Limit::Memory),
    ("cannot allocate memory", Limit::Memory),
    ("failed to create new OS thread", Limit::Processes),
    ("too many open files in system", Limit::OpenFilesOfAll),
    ("too many open files", Limit::OpenFiles),
    ("no space left on device", Limit::Room),
];

/// What may be the cause of a problem.
pub(crate) trait Cause: fmt::Display {
    /// Returns the kernel's number for it, where it has one.
    fn errno(&self) -> Option<Errno> {
        None
    }
}

impl Cause for io::Error {
    fn errno(&self) -> Option<Errno> {
        self.raw_os_error().map(Errno::from_raw)
    }
}

impl Cause for Errno {
    fn errno(&self) -> Option<Errno> {
        Some(*self)
    }
}

impl Cause for str {}
impl Cause for &str {}
impl Cause for String {}

impl Problem {
    /// Returns the problem that `what` is so because of `cause`.
    pub(crate) fn of(what: impl fmt::Display, cause: &(impl Cause + ?Sized)) -> Self {
        Self {
            words: format!("{what}: {cause}"),
            limit: cause.errno().and_then(Limit::of_errno),
        }
    }

    /// Returns the problem that no process or thread could be made. `EAGAIN` means a limit there, and elsewhere only *not now*.
    pub(crate) fn of_spawn(what: impl fmt::Display, cause: &(impl Cause + ?Sized)) -> Self {
        let is_limit = cause.errno() == Some(Errno::EAGAIN);
        let problem = Self::of(what, cause);
        let limit = problem.limit.or(is_limit.then_some(Limit::Processes));
        Self { limit, ..problem }
    }

    /// Returns the problem that a process ended in this way.
    pub(crate) fn ended(what: impl fmt::Display, exit: &Exit) -> Self {
        let is_file_size = *exit == Exit::Signal("SIGXFSZ".to_owned());
        Self {
            words: format!("{what}: {exit}"),
            limit: is_file_size.then_some(Limit::FileSize),
        }
    }

    /// Returns the problem with what a process has said of it beside.
    pub(crate) fn said(self, lines: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut lines = lines.into_iter();
        let said = || lines.find_map(|line| Limit::said(line.as_ref()));
        let limit = self.limit.or_else(said);
        Self { limit, ..self }
    }

    /// Returns what to do: to raise the limit where one is in the way, else `otherwise`.
    pub(crate) fn remedy(&self, otherwise: &str) -> String {
        let Some(limit) = self.limit else {
            return otherwise.to_owned();
        };
        match limit {
            Limit::OpenFiles => "raise the limit of open files (`ulimit -n`)".to_owned(),
            Limit::OpenFilesOfAll => {
                "close other programs, or raise the machine's limit of open files (`sysctl fs.file-max`)".to_owned()
            }
            Limit::Processes => {
                "raise the limit of processes (`ulimit -u`, in a container also `pids.max`)".to_owned()
            }
            Limit::Memory => {
                "free memory, or raise the limit of it (`ulimit -v`, in a container also `memory.max`)".to_owned()
            }
            Limit::FileSize => "raise the limit of a file's size (`ulimit -f`)".to_owned(),
            Limit::Room => format!("make room on that disk (`df`, `quota`), or {otherwise}"),
        }
    }
}

impl Limit {
    fn of_errno(errno: Errno) -> Option<Self> {
        match errno {
            Errno::EMFILE => Some(Self::OpenFiles),
            Errno::ENFILE => Some(Self::OpenFilesOfAll),
            Errno::ENOMEM => Some(Self::Memory),
            Errno::EFBIG => Some(Self::FileSize),
            Errno::ENOSPC | Errno::EDQUOT => Some(Self::Room),
            _ => None,
        }
    }

    fn said(line: &str) -> Option<Self> {
        let found = SAID_BY_GO.iter().find(|(words, _)| line.contains(words));
        found.map(|(_, limit)| *limit)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl<T: AsRef<str>> From<T> for Problem {
    fn from(words: T) -> Self {
        Self {
            words: words.as_ref().to_owned(),
            limit: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remedy_is_chosen_by_the_number_and_not_by_the_words() {
        for (number, part) in [
            (libc::EMFILE, "ulimit -n"),
            (libc::ENFILE, "fs.file-max"),
            (libc::ENOMEM, "ulimit -v"),
            (libc::EFBIG, "ulimit -f"),
            (
                libc::ENOSPC,
                "make room on that disk (`df`, `quota`), or look",
            ),
            (libc::EDQUOT, "make room"),
            (libc::EACCES, "look"),
        ] {
            let error = io::Error::from_raw_os_error(number);
            let remedy = Problem::of("it is so", &error).remedy("look");
            assert!(remedy.contains(part), "{error}: {remedy}");
        }
        let busy = io::Error::from_raw_os_error(libc::EAGAIN);
        assert_eq!(Problem::of("a pipe is full", &busy).remedy("look"), "look");
        let spawning = Problem::of_spawn("no process", &busy).remedy("look");
        assert!(spawning.contains("ulimit -u"), "{spawning}");
        let foreign = Problem::from("a file is called `Too many open files`");
        assert_eq!(foreign.remedy("look"), "look");
    }

    #[test]
    fn what_ended_the_server_chooses_the_remedy() {
        let by = |exit: Exit| Problem::ended("its boot", &exit);
        let signal = Exit::Signal("SIGXFSZ".to_owned());
        assert!(by(signal).remedy("look").contains("ulimit -f"));
        assert_eq!(by(Exit::Code(1)).remedy("look"), "look");
        for (line, part) in [
            (
                "fatal error: failed to reserve page summary memory",
                "ulimit -v",
            ),
            ("error=\"accept4: too many open files\"", "ulimit -n"),
            ("open x: too many open files in system", "fs.file-max"),
            ("write x.db: no space left on device", "make room"),
        ] {
            let said = by(Exit::Code(2)).said(["a", line]);
            assert!(said.remedy("look").contains(part), "{line}");
        }
    }
}
