//! A supervisor that does not answer HELLO is told to go on, and ended if that does not help.
//!
//! The fact: SIGCONT harms nobody, so it comes first; and whoever stood still itself (a suspend, a stopped group) has not
//! waited. So the end comes only when the time *after the poke* is over.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::session::site::Site;
use crate::session::wait::PAUSE;

/// How long a supervisor may take to answer HELLO, and then to answer after a SIGCONT, before it is replaced.
pub(crate) const HANDSHAKE: Duration = Duration::from_secs(5);

/// How long a supervisor has not answered HELLO.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Silence {
    since: Instant,
    /// When it was told to go on, because it did not answer.
    poked: Option<Instant>,
}

impl Silence {
    /// HELLO was said now.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            since: now,
            poked: None,
        }
    }

    /// Returns when to look again, if there is anything left to do.
    pub(crate) fn until(&self, may_end: bool) -> Option<Instant> {
        let since = match self.poked {
            Some(poked) => may_end.then_some(poked)?,
            None => self.since,
        };
        Some(since + HANDSHAKE + PAUSE)
    }

    /// Pokes a supervisor whose time is over, and ends one that does not answer even then, where that is allowed; tells whether it did.
    pub(crate) fn is_over<S: Site>(&mut self, site: &mut S, link: &S::Link, may_end: bool) -> bool {
        let waited = |since| site.now().saturating_duration_since(since) > HANDSHAKE;
        match self.poked {
            // It had its time after the poke, however long we ourselves stood still before.
            Some(poked) if may_end && waited(poked) => {
                self.poked = Some(site.now());
                site.signal(link, Signal::SIGKILL);
                true
            }
            None if waited(self.since) => {
                // It may only be stopped.
                site.signal(link, Signal::SIGCONT);
                self.poked = Some(site.now());
                false
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;
    use std::process::{Child, Command, Stdio};
    use std::sync::Arc;

    use crate::directory::Directory;
    use crate::paths::ServerDir;
    use crate::process::identity::ProcessIdentity;
    use crate::session::link::Link;
    use crate::session::site::{Launcher, ServerSite};

    /// A process in the place of a supervisor.
    struct Sleeper(Child);

    impl Drop for Sleeper {
        fn drop(&mut self) {
            self.0.kill().ok();
            self.0.wait().ok();
        }
    }

    #[test]
    fn a_supervisor_gets_its_time_after_the_poke_however_long_we_stood_still() {
        let temp = tempfile::tempdir().unwrap();
        let root = Directory::make(&temp.path().join("d"), "X").unwrap();
        let mut site = ServerSite {
            dir: Arc::new(ServerDir::open(&root, "a").unwrap()),
            launcher: Launcher::default(),
        };
        let (ours, theirs) = UnixStream::pair().unwrap();
        let input = Stdio::from(std::os::fd::OwnedFd::from(theirs.try_clone().unwrap()));
        let mut command = Command::new("sleep");
        let mut sleeper = Sleeper(command.arg("60").stdin(input).spawn().unwrap());
        let supervisor = ProcessIdentity::of(sleeper.0.id().cast_signed()).unwrap();
        let link = Link::to_a_child(ours, &theirs);
        let ago = |seconds| {
            Instant::now()
                .checked_sub(Duration::from_secs(seconds))
                .unwrap()
        };
        let mut silence = Silence::new(ago(11));
        assert!(!silence.is_over(&mut site, &link, true));
        assert!(silence.poked.is_some() && supervisor.is_alive());
        silence.poked = Some(ago(6));
        assert!(!silence.is_over(&mut site, &link, false));
        assert!(supervisor.is_alive());
        assert!(silence.is_over(&mut site, &link, true));
        sleeper.0.wait().unwrap();
    }
}
