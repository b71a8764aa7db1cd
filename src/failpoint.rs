//! Points at the effects of supervisor and launcher where a test can let things go wrong, each with a name.
//!
//! The method is `SQLite`'s: the n-th effect of a run goes wrong, for n = 1, 2, …, until a run has fewer than n. So every
//! effect goes wrong once, also the one that nobody thought of. In a release build a point is nothing at all.

#[cfg(debug_assertions)]
pub use armed::pass;

/// Passes a point.
#[cfg(not(debug_assertions))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "in a debug build it may fail, and so may the effect that follows"
)]
#[inline]
pub fn pass(_: &'static str) -> std::io::Result<()> {
    Ok(())
}

#[cfg(debug_assertions)]
mod armed {
    use std::fs::File;
    use std::io::{self, Write as _};
    use std::path::PathBuf;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use nix::errno::Errno;
    use nix::sys::signal::{Signal, raise};

    /// What goes wrong: `<number of the effect> <fault> <directory>`. The directory gets the names of all points that were
    /// met, one a line (`met`), and of the one that went wrong (`fired`): it is only one in all processes together.
    const VARIABLE: &str = "TEMPORAL_DEVSERVER_FAILPOINT";

    /// Passes the point `name`, or goes wrong there.
    pub fn pass(name: &'static str) -> io::Result<()> {
        static PLAN: OnceLock<Option<Plan>> = OnceLock::new();
        match PLAN.get_or_init(Plan::from_environment) {
            Some(plan) => plan.meet(name),
            None => Ok(()),
        }
    }

    #[derive(Debug)]
    struct Plan {
        number: u64,
        fault: Fault,
        directory: PathBuf,
        met: AtomicU64,
    }

    #[derive(Debug, Clone, Copy)]
    enum Fault {
        Abort,
        Exit,
        Stop,
        Errno(Errno),
    }

    impl Fault {
        fn parse(word: &str) -> Option<Self> {
            Some(match word {
                "abort" => Self::Abort,
                "exit" => Self::Exit,
                "stop" => Self::Stop,
                "eio" => Self::Errno(Errno::EIO),
                "enospc" => Self::Errno(Errno::ENOSPC),
                "emfile" => Self::Errno(Errno::EMFILE),
                "eagain" => Self::Errno(Errno::EAGAIN),
                _ => return None,
            })
        }

        fn happen(self) -> io::Result<()> {
            match self {
                Self::Abort => std::process::abort(),
                Self::Exit => std::process::exit(70),
                Self::Stop => Ok(raise(Signal::SIGSTOP)?),
                Self::Errno(errno) => Err(errno.into()),
            }
        }
    }

    impl Plan {
        fn from_environment() -> Option<Self> {
            let text = std::env::var(VARIABLE).ok()?;
            let mut words = text.splitn(3, ' ');
            Some(Self {
                number: words.next()?.parse().ok()?,
                fault: Fault::parse(words.next()?)?,
                directory: words.next()?.into(),
                met: AtomicU64::new(0),
            })
        }

        fn meet(&self, name: &str) -> io::Result<()> {
            let number = self.met.fetch_add(1, Ordering::Relaxed) + 1;
            let mut met = File::options()
                .create(true)
                .append(true)
                .open(self.directory.join("met"))?;
            met.write_all(format!("{name}\n").as_bytes())?;
            if number != self.number {
                return Ok(());
            }
            match File::create_new(self.directory.join("fired")) {
                Ok(mut fired) => {
                    fired.write_all(name.as_bytes())?;
                    self.fault.happen()
                }
                Err(_) => Ok(()),
            }
        }
    }
}
