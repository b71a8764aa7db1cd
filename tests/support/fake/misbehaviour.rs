//! The faults that can be asked for: `FAKE_TEMPORAL=key=value,key,...`.
//!
//! Invariant: a key that is not known is refused, so that a test with a slip in it does not pass for want of a fault.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, Instant};

/// Where the process that [`Misbehaviour::fork`] starts belongs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// In our process group.
    Same,
    /// In one of its own.
    Other,
}

/// All faults; by default there is none.
pub(crate) struct Misbehaviour {
    /// When we were started.
    began: Instant,
    /// `ready_after=<s>`: refuses connections until then, as the real one does while it starts.
    pub(crate) ready_after: Duration,
    /// `never_ready`: listens, and says `NOT_SERVING` for ever.
    pub(crate) never_ready: bool,
    /// `exit_after=<s>:<code>`: ends by itself.
    pub(crate) exit_after: Option<(Duration, u8)>,
    /// `exit_at_once=<code>`: ends before it does anything.
    pub(crate) exit_at_once: Option<u8>,
    /// `exit_if_file=<path>`: ends with code 1 when (or if) this file is there.
    pub(crate) exit_if_file: Option<PathBuf>,
    /// `crash_times=<n>:<counter file>`: dies at start as long as the file has fewer than n bytes; each death adds one.
    pub(crate) crash_times: Option<(u64, PathBuf)>,
    /// `hang`: accepts connections, answers nothing; `hang_after=<s>`: from then on.
    hang_after: Option<Duration>,
    /// `hang_if_file=<path>`: answers nothing once this file is there.
    hang_if_file: Option<PathBuf>,
    /// `lose_database_if_file=<path>`: once this file is there health is SERVING and all else fails.
    lose_database_if_file: Option<PathBuf>,
    /// `ignore_term`: only SIGKILL ends it.
    pub(crate) ignore_term: bool,
    /// `stop_takes=<s>`: how long the end takes after SIGTERM.
    pub(crate) stop_takes: Duration,
    /// `fork=same` or `fork=other`: starts a process that outlives us, and tells its pid as `forked <pid>` on stderr.
    pub(crate) fork: Option<Group>,
    /// `spam=<MiB>`: writes that much to stderr as fast as it can, and then `the spam is over`.
    pub(crate) spam: usize,
    /// `print=<text>`: writes this line to stderr.
    pub(crate) print: Option<String>,
}

impl Misbehaviour {
    /// Reads `FAKE_TEMPORAL`.
    pub(crate) fn from_environment() -> Result<Self, String> {
        let mut faults = Self {
            began: Instant::now(),
            ready_after: Duration::ZERO,
            never_ready: false,
            exit_after: None,
            exit_at_once: None,
            exit_if_file: None,
            crash_times: None,
            hang_after: None,
            hang_if_file: None,
            lose_database_if_file: None,
            ignore_term: false,
            stop_takes: Duration::ZERO,
            fork: None,
            spam: 0,
            print: None,
        };
        let asked = std::env::var("FAKE_TEMPORAL").unwrap_or_default();
        for fault in asked.split(',').filter(|fault| !fault.is_empty()) {
            let (key, value) = fault.split_once('=').unwrap_or((fault, ""));
            faults
                .set(key, value)
                .ok_or_else(|| format!("FAKE_TEMPORAL: `{fault}` is not known"))?;
        }
        Ok(faults)
    }

    fn set(&mut self, key: &str, value: &str) -> Option<()> {
        match key {
            "ready_after" => self.ready_after = seconds(value)?,
            "never_ready" => self.never_ready = true,
            "exit_after" => {
                let (time, code) = value.split_once(':')?;
                self.exit_after = Some((seconds(time)?, parsed(code)?));
            }
            "exit_at_once" => self.exit_at_once = Some(parsed(value)?),
            "exit_if_file" => self.exit_if_file = Some(parsed(value)?),
            "crash_times" => {
                let (times, counter) = value.split_once(':')?;
                self.crash_times = Some((parsed(times)?, parsed(counter)?));
            }
            "hang" => self.hang_after = Some(Duration::ZERO),
            "hang_after" => self.hang_after = Some(seconds(value)?),
            "hang_if_file" => self.hang_if_file = Some(parsed(value)?),
            "lose_database_if_file" => self.lose_database_if_file = Some(parsed(value)?),
            "ignore_term" => self.ignore_term = true,
            "stop_takes" => self.stop_takes = seconds(value)?,
            "fork" if value == "same" => self.fork = Some(Group::Same),
            "fork" if value == "other" => self.fork = Some(Group::Other),
            "spam" => self.spam = parsed(value)?,
            "print" => self.print = Some(value.to_owned()),
            _ => return None,
        }
        Some(())
    }

    /// Tells whether requests are left without an answer now.
    pub(crate) fn hangs(&self) -> bool {
        let long_enough = |after| self.began.elapsed() >= after;
        self.hang_after.is_some_and(long_enough) || is_there(self.hang_if_file.as_ref())
    }

    /// Tells whether the tables are gone now.
    pub(crate) fn lost_database(&self) -> bool {
        is_there(self.lose_database_if_file.as_ref())
    }
}

fn is_there(path: Option<&PathBuf>) -> bool {
    path.is_some_and(|path| path.exists())
}

fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(parsed(text)?).ok()
}

fn parsed<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}
