//! What `doctor` can find: each finding has a code that stays, a level, one line of explanation and one with the fix.
//!
//! Invariant: the table is the only list of codes. The tests below compare it with `docs/troubleshooting.md`, which has a
//! section for each, and with the tests, which produce each.

use serde::Serialize;

use crate::directory::{Refused, Unfit};
use crate::error::Error;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// Worth knowing, and nothing to do.
    Note,
    /// Works, and may bite.
    Warning,
    /// Something does not work.
    Error,
}

impl Level {
    /// Returns the word for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

macro_rules! table {
    ($($variant:ident = $name:literal, $level:ident;)*) => {
        /// The code of a finding.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Code { $($variant),* }

        impl Code {
            /// Every code, in the order of the page.
            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$variant),*];

            /// Returns the code as it is printed.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// Returns how bad it is.
            pub(crate) fn level(self) -> Level {
                match self { $(Self::$variant => Level::$level),* }
            }
        }
    };
}

table! {
    NoExecutable = "no-executable", Error;
    ExecutablePassedOver = "executable-passed-over", Note;
    ExecutableMute = "executable-mute", Error;
    ExecutableChanged = "executable-changed", Warning;
    LoopbackDown = "loopback-down", Error;
    PortHeld = "port-held", Error;
    DefaultPortHeld = "default-port-held", Warning;
    ForeignTemporal = "foreign-temporal", Warning;
    NoSuchServer = "no-such-server", Warning;
    SupervisorSilent = "supervisor-silent", Error;
    ServerFailed = "server-failed", Error;
    ServerWarns = "server-warns", Warning;
    StaleState = "stale-state", Note;
    StateUnreadable = "state-unreadable", Error;
    StateDamaged = "state-damaged", Warning;
    HalfMade = "half-made", Note;
    LeftOverData = "left-over-data", Note;
    DatabaseUnusable = "database-unusable", Error;
    DatabaseLog = "database-log", Warning;
    VersionDiffers = "version-differs", Warning;
    NoProc = "no-proc", Error;
    NoPlace = "no-place", Warning;
    DirectoryForeign = "directory-foreign", Error;
    DirectoryOpen = "directory-open", Error;
    DirectoryLink = "directory-link", Error;
    DirectoryClosed = "directory-closed", Error;
    NetworkFileSystem = "network-file-system", Error;
    CacheUnusable = "cache-unusable", Note;
    DiskFull = "disk-full", Error;
    DiskLow = "disk-low", Warning;
    OrphanedServer = "orphaned-server", Warning;
    OtherServer = "other-server", Note;
    ProxyForLoopback = "proxy-for-loopback", Warning;
    ConnectionVariable = "connection-variable", Warning;
    ConfigurationFile = "configuration-file", Warning;
    ToolEnvironment = "tool-environment", Warning;
    VariableIgnored = "variable-ignored", Note;
    LimitLow = "limit-low", Warning;
    NoPidfd = "no-pidfd", Note;
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub code: Code,
    /// What is so, and why it matters: one line.
    pub message: String,
    /// What to do: one line.
    pub fix: String,
}

impl Finding {
    pub(crate) fn new(code: Code, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            fix: fix.into(),
        }
    }

    /// Returns the finding for what a start would refuse with this error.
    pub(crate) fn of(code: Code, error: &Error) -> Self {
        match error {
            Error::ExecutableNotFound {
                problem,
                searched,
                remedy,
                ..
            } => {
                let message = format!("{problem}; looked at: {}", searched.join(", "));
                Self::new(code, message, remedy)
            }
            Error::StateDir {
                path,
                problem,
                remedy,
            } => Self::new(code, format!("`{path}`: {problem}"), remedy),
            Error::Database {
                path,
                problem,
                remedy,
            } => Self::new(code, format!("database `{path}`: {problem}"), remedy),
            Error::Supervisor { reason, remedy, .. } => Self::new(code, reason, remedy),
            other => {
                // Every message ends with the remedy.
                let text = other.to_string();
                let (message, fix) = text.rsplit_once("; ").unwrap_or((&text, "see the message"));
                Self::new(code, message, fix)
            }
        }
    }

    /// Returns the finding for a directory that is not to be used.
    pub(crate) fn refused(refused: Refused) -> Self {
        let code = match refused.unfit {
            Unfit::Foreign { .. } => Code::DirectoryForeign,
            Unfit::Enterable(_) | Unfit::Writable(_) => Code::DirectoryOpen,
            Unfit::Link => Code::DirectoryLink,
            Unfit::NotADirectory | Unfit::Closed(_) => Code::DirectoryClosed,
            Unfit::Remote(_) => Code::NetworkFileSystem,
        };
        Self::of(code, &refused.into())
    }
}

/// What a look at one area came to.
#[derive(Debug, Default)]
pub(crate) struct Look {
    /// What was looked at, for people.
    pub at: String,
    pub findings: Vec<Finding>,
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn text(path: &str) -> String {
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
    }

    #[test]
    fn every_code_has_its_section_and_no_other_is_there() {
        let page = text("docs/troubleshooting.md");
        let headings: Vec<&str> = page
            .lines()
            .filter_map(|line| line.strip_prefix("### "))
            .collect();
        let expected: Vec<String> = Code::ALL
            .iter()
            .map(|code| format!("`{}` ({})", code.name(), code.level().name()))
            .collect();
        assert_eq!(headings, expected);
    }

    /// Codes that a plain machine cannot show are made by pure functions, and tested beside these.
    const IN_RUST: [(Code, &str); 1] = [(Code::NetworkFileSystem, "src/cli/doctor/directories.rs")];

    #[test]
    fn every_code_has_a_test_that_produces_it() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python");
        let files = std::fs::read_dir(folder).unwrap().flatten();
        let ours = files.filter(|file| {
            let name = file.file_name().into_string().unwrap();
            name.starts_with("test_doctor_")
        });
        let tests: String = ours
            .map(|file| std::fs::read_to_string(file.path()).unwrap())
            .collect();
        for code in Code::ALL {
            let in_rust = IN_RUST.iter().find(|(other, _)| other == code);
            let is_tested = match in_rust {
                Some((code, file)) => text(file).contains(&format!("Code::{code:?}")),
                None => tests.contains(&format!("\"{}\"", code.name())),
            };
            assert!(is_tested, "no test produces {}", code.name());
        }
    }

    #[test]
    fn every_directory_that_is_refused_has_a_code_of_its_kind() {
        for (unfit, code) in [
            (Unfit::Link, Code::DirectoryLink),
            (Unfit::Enterable(0o755), Code::DirectoryOpen),
            (Unfit::Remote("NFS"), Code::NetworkFileSystem),
        ] {
            let refused = Refused {
                path: "/x".into(),
                unfit,
                variable: "THE_VARIABLE",
            };
            let finding = Finding::refused(refused);
            assert_eq!(finding.code, code);
            assert!(finding.fix.contains("THE_VARIABLE"), "{}", finding.fix);
        }
    }
}
