//! HELLO and its answer: a supervisor that does not answer is told to go on, and ended if that does not help.
//!
//! The fact: SIGCONT harms nobody, so it comes first; and whoever stood still itself (a suspend, a stopped group) has not
//! waited. So the end comes only when the time *after the poke* is over.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::control::message::{PROTOCOL, Reply, Request, Welcome};
use crate::error::{Error, Result};
use crate::process::identity::ProcessIdentity;
use crate::session::hello;
use crate::session::launch::{Launch, PAUSE, Progress, Step, Wait};
use crate::session::link::Received;
use crate::session::site::{Site, signal};

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

impl<L, K> Launch<L, K> {
    /// Returns the first line, with the lease asked for.
    pub(crate) fn hello(&mut self, site: &impl Site) -> Request {
        self.request.start_timeout = self.remaining(site).as_secs_f64();
        hello(Some(self.request.clone()))
    }

    /// Says HELLO.
    pub(crate) fn say_hello(
        &mut self,
        site: &mut impl Site<Link = L, Lock = K>,
        mut link: L,
    ) -> Progress<L> {
        let hello = self.hello(site);
        site.send(&mut link, &hello);
        self.await_answer(site, link)
    }

    /// Begins to wait for the answer to HELLO.
    pub(crate) fn await_answer(&mut self, site: &impl Site<Link = L>, link: L) -> Progress<L> {
        let silence = Silence::new(site.now());
        let wait = site.wait(&link, silence.until(true));
        self.step = Step::Greet { link, silence };
        Progress::Wait(wait)
    }

    /// Takes the answer, or does something about there being none.
    pub(crate) fn greet(
        &mut self,
        site: &mut impl Site<Link = L, Lock = K>,
        mut link: L,
        mut silence: Silence,
    ) -> Result<Progress<L>> {
        match site.receive(&mut link) {
            Received::Reply(reply) => return self.answered(link, *reply),
            Received::End => return Ok(Progress::Wait(Wait::pause(PAUSE))),
            Received::Nothing => {}
        }
        if silence.is_over(site, &link, true) {
            return Ok(Progress::Wait(Wait::pause(PAUSE)));
        }
        let wait = site.wait(&link, silence.until(true));
        self.step = Step::Greet { link, silence };
        Ok(Progress::Wait(wait))
    }

    fn answered(&mut self, link: L, reply: Reply) -> Result<Progress<L>> {
        match reply {
            Reply::Hello(welcome) if welcome.protocol == PROTOCOL => {
                self.spawn_lock = None;
                Ok(Progress::Leased(link, welcome))
            }
            Reply::Hello(Welcome {
                protocol, version, ..
            }) => Err(Error::Protocol {
                ours: PROTOCOL,
                theirs: protocol,
                version,
            }),
            Reply::Error { error, .. } => Err(error),
            // It is ending, or says what we do not know: ask again.
            _ => Ok(Progress::Wait(Wait::pause(PAUSE))),
        }
    }
}

/// Lets a supervisor go on that has said HELLO and only stands still, so that it sees that nobody waits for it any more.
pub(crate) fn wake(welcome: &Welcome) {
    let supervisor = ProcessIdentity::of(welcome.pid);
    let supervisor = supervisor.filter(|supervisor| supervisor.word() == welcome.identity);
    signal(supervisor.as_ref(), Signal::SIGCONT);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;
    use std::process::{Child, Command, Stdio};
    use std::sync::Arc;

    use crate::control::message::LeaseRequest;
    use crate::directory::Directory;
    use crate::paths::ServerDir;
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
        let mut launch = Launch::new(LeaseRequest::of_test("a"), None, Instant::now());
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let input = Stdio::from(std::os::fd::OwnedFd::from(theirs.try_clone().unwrap()));
        let mut command = Command::new("sleep");
        let mut sleeper = Sleeper(command.arg("60").stdin(input).spawn().unwrap());
        let supervisor = ProcessIdentity::of(sleeper.0.id().cast_signed()).unwrap();
        let ago = |seconds| {
            Instant::now()
                .checked_sub(Duration::from_secs(seconds))
                .unwrap()
        };
        let mut greet = |launch: &mut Launch, poked| {
            let link = Link::to_a_child(ours.try_clone().unwrap(), &theirs);
            let since = ago(11);
            launch.step = Step::Knock;
            let silence = Silence { since, poked };
            launch.greet(&mut site, link, silence).unwrap();
        };
        greet(&mut launch, None);
        let is_poked = |step: &Step<Link>| matches!(step, Step::Greet { silence, .. } if silence.poked.is_some());
        assert!(is_poked(&launch.step));
        assert!(supervisor.is_alive());
        greet(&mut launch, Some(ago(6)));
        assert!(matches!(launch.step, Step::Knock));
        sleeper.0.wait().unwrap();
    }
}
