//! HELLO and its answer.

use nix::sys::signal::Signal;

use crate::control::message::{PROTOCOL, Reply, Request, Welcome};
use crate::error::{Error, Result};
use crate::process::identity::ProcessIdentity;
use crate::session::hello;
use crate::session::launch::{Launch, Progress, Step};
use crate::session::link::Received;
use crate::session::silence::Silence;
use crate::session::site::{Site, signal};
use crate::session::wait::{PAUSE, Wait};

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
