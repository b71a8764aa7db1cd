//! HELLO and its answer: a supervisor that does not answer is told to go on, and ended if that does not help.
//!
//! The fact: SIGCONT harms nobody, so it comes first; and whoever stood still itself (a suspend, a stopped group) has not
//! waited. So the end comes only when the time *after the poke* is over.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::control::message::{PROTOCOL, Reply, Welcome};
use crate::error::{Error, Result};
use crate::process::holders::socket_holders_of;
use crate::process::identity::ProcessIdentity;
use crate::session::hello;
use crate::session::launch::{Launch, PAUSE, Progress, Step, Wait};
use crate::session::link::{Link, Received};

/// How long a supervisor may take to answer HELLO, and then to answer after a SIGCONT, before it is replaced.
pub(crate) const HANDSHAKE: Duration = Duration::from_secs(5);

impl Launch {
    /// Says HELLO with the lease asked for.
    pub(crate) fn say_hello(&mut self, mut link: Link) -> Progress {
        self.request.start_timeout = self.remaining().as_secs_f64();
        link.send(&hello(Some(self.request.clone())));
        let now = Instant::now();
        let supervisor = link
            .peer()
            .filter(|pid| *pid != std::process::id().cast_signed());
        let supervisor = supervisor.and_then(ProcessIdentity::of);
        let wait = link.wait(Some(now + HANDSHAKE));
        self.step = Step::Greet {
            link,
            supervisor,
            since: now,
            poked: None,
        };
        Progress::Wait(wait)
    }

    /// Takes the answer, or does something about there being none.
    pub(crate) fn greet(
        &mut self,
        mut link: Link,
        supervisor: Option<ProcessIdentity>,
        since: Instant,
        poked: Option<Instant>,
    ) -> Result<Progress> {
        match link.receive() {
            Received::Reply(reply) => match *reply {
                Reply::Hello(welcome) if welcome.protocol == PROTOCOL => {
                    self.spawn_lock = None;
                    return Ok(Progress::Leased(link, welcome));
                }
                Reply::Hello(Welcome {
                    protocol, version, ..
                }) => {
                    return Err(Error::Protocol {
                        ours: PROTOCOL,
                        theirs: protocol,
                        version,
                    });
                }
                Reply::Error { error, .. } => return Err(error),
                // It is ending, or says what we do not know: ask again.
                _ => return Ok(Progress::Wait(Wait::pause(PAUSE))),
            },
            Received::End => return Ok(Progress::Wait(Wait::pause(PAUSE))),
            Received::Nothing => {}
        }
        let poked = match poked {
            // It had its time after the poke, however long we ourselves stood still before.
            Some(poked) if poked.elapsed() > HANDSHAKE => {
                signal(self.silent(supervisor.as_ref()).as_ref(), Signal::SIGKILL);
                return Ok(Progress::Wait(Wait::pause(PAUSE)));
            }
            None if since.elapsed() > HANDSHAKE => {
                // It may only be stopped.
                signal(self.silent(supervisor.as_ref()).as_ref(), Signal::SIGCONT);
                Some(Instant::now())
            }
            poked => poked,
        };
        let until = poked.unwrap_or(since) + HANDSHAKE;
        let wait = link.wait(Some(until + PAUSE));
        self.step = Step::Greet {
            link,
            supervisor,
            since,
            poked,
        };
        Ok(Progress::Wait(wait))
    }

    /// Returns who does not answer: the peer of the connection, or who was given the other end of the pair.
    pub(crate) fn silent(&self, peer: Option<&ProcessIdentity>) -> Option<ProcessIdentity> {
        let holder = || {
            let (ours, theirs) = self.pair?;
            socket_holders_of(theirs, ours).pop()
        };
        peer.cloned().or_else(holder)
    }
}

/// Lets a supervisor go on that has said HELLO and only stands still, so that it sees that nobody waits for it any more.
pub(crate) fn wake(welcome: &Welcome) {
    let supervisor = ProcessIdentity::of(welcome.pid);
    let supervisor = supervisor.filter(|supervisor| supervisor.word() == welcome.identity);
    signal(supervisor.as_ref(), Signal::SIGCONT);
}

/// Signals a supervisor, unless a debugger has it.
pub(crate) fn signal(supervisor: Option<&ProcessIdentity>, signal: Signal) {
    if let Some(supervisor) = supervisor.filter(|supervisor| !supervisor.is_traced()) {
        supervisor.signal(signal).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;
    use std::process::{Child, Command};
    use std::sync::Arc;

    use crate::control::message::LeaseRequest;
    use crate::directory::Directory;
    use crate::paths::{Locations, ServerDir};
    use crate::session::launch::Launcher;
    use serde_json::Map;

    /// A process in the place of a supervisor.
    struct Sleeper(Child);

    impl Drop for Sleeper {
        fn drop(&mut self) {
            self.0.kill().ok();
            self.0.wait().ok();
        }
    }

    fn launch(root: &std::path::Path) -> Launch {
        let root = Directory::make(root, "X").unwrap();
        let request = LeaseRequest {
            pid: 1,
            command: String::new(),
            name: "a".to_owned(),
            private: false,
            options: Map::new(),
            executable_variable: None,
            scripts: vec![],
            python: None,
            locations: Locations::from_environment(|_| None, None).unwrap(),
            data_dir: None,
            start_timeout: 60.0,
            stop_timeout: 1.0,
            linger: 0.0,
        };
        let launcher = Launcher {
            argv: vec![],
            environment: vec![],
        };
        let dir = Arc::new(ServerDir::open(&root, "a").unwrap());
        Launch::new(dir, launcher, request, None)
    }

    #[test]
    fn a_supervisor_gets_its_time_after_the_poke_however_long_we_stood_still() {
        let temp = tempfile::tempdir().unwrap();
        let mut launch = launch(&temp.path().join("d"));
        let mut sleeper = Sleeper(Command::new("sleep").arg("60").spawn().unwrap());
        let supervisor = ProcessIdentity::of(sleeper.0.id().cast_signed()).unwrap();
        let (ours, _theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let long_ago = |seconds| {
            Instant::now()
                .checked_sub(Duration::from_secs(seconds))
                .unwrap()
        };
        let greet = |launch: &mut Launch, since, poked| {
            launch.step = Step::Knock;
            let link = Link::over(ours.try_clone().unwrap());
            launch
                .greet(link, Some(supervisor.clone()), since, poked)
                .unwrap();
        };
        greet(&mut launch, long_ago(11), None);
        assert!(matches!(launch.step, Step::Greet { poked: Some(_), .. }));
        assert!(supervisor.is_alive());
        greet(&mut launch, long_ago(11), Some(long_ago(6)));
        assert!(matches!(launch.step, Step::Knock));
        sleeper.0.wait().unwrap();
    }
}
