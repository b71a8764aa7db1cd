//! What a session does with what comes: from HELLO to the grant, from the end of a lease to its heal or its release.

use std::time::{Duration, Instant};

use crate::clock::seconds;
use crate::control::message::{Granted, Kind, Reply};
use crate::data_dir::DataDir;
use crate::error::{Error, Result};
use crate::lock::FileLock;
use crate::session::greet::wake;
use crate::session::launch::Progress;
use crate::session::link::{Link, Received};
use crate::session::place::clear_data;
use crate::session::registered::Registered;
use crate::session::silence::HANDSHAKE;
use crate::session::wait::Wait;
use crate::session::{Launching, Notice, SLACK, Session, Stage, Waiting, heal};
use crate::state_file::State;

/// How often a start may choose its ports anew.
const DRAWS: u32 = 3;

/// Between two tries to bring a server back.
const REST: Duration = Duration::from_millis(500);

/// How often a share is tried for; each try takes some microseconds.
const SHARE_TRIES: usize = 100;

impl Session {
    /// Does what can be done now; returns what to wait for, and what has happened meanwhile.
    pub fn advance(&mut self) -> (Wait, Vec<Notice>) {
        let mut wait = None;
        while wait.is_none() {
            wait = match std::mem::replace(&mut self.stage, Stage::Idle) {
                Stage::Idle => Some(Wait {
                    fd: None,
                    until: None,
                }),
                Stage::Launching(launching) => self.advance_launch(launching),
                Stage::Resting { until } if until > Instant::now() => {
                    self.stage = Stage::Resting { until };
                    Some(Wait {
                        fd: None,
                        until: Some(until),
                    })
                }
                Stage::Resting { .. } => self.launch_again(true),
                Stage::Waiting(waiting) => self.advance_waiting(waiting),
                Stage::Held { link, is_stopped } => self.advance_held(link, is_stopped),
                Stage::Releasing { link, deadline } => self.advance_release(link, deadline),
            };
        }
        let wait = wait.unwrap_or(Wait {
            fd: None,
            until: None,
        });
        (wait, std::mem::take(&mut self.notices))
    }

    fn advance_launch(&mut self, mut launching: Box<Launching>) -> Option<Wait> {
        match launching.launch.advance(&mut launching.site) {
            Ok(Progress::Again) => {
                self.stage = Stage::Launching(launching);
                None
            }
            Ok(Progress::Wait(wait)) => {
                self.stage = Stage::Launching(launching);
                Some(wait)
            }
            Ok(Progress::Leased(link, welcome)) => {
                self.welcome = Some(welcome);
                self.stage = Stage::Waiting(Waiting {
                    link,
                    deadline: Instant::now() + seconds(self.asked.mine.start_timeout) + SLACK,
                    poke: Instant::now() + HANDSHAKE,
                    healing: launching.healing,
                });
                None
            }
            // Its lock goes first, so that its directory can go.
            Ok(Progress::Stopped) => {
                drop(launching);
                self.stopped()
            }
            Err(error) => {
                drop(launching);
                self.failed(error)
            }
        }
    }

    fn advance_waiting(&mut self, mut waiting: Waiting) -> Option<Wait> {
        match waiting.link.receive() {
            Received::Reply(reply) => match *reply {
                Reply::Granted(granted) => {
                    self.take_grant(*granted, waiting.healing);
                    self.stage = Stage::Held {
                        link: waiting.link,
                        is_stopped: false,
                    };
                    return None;
                }
                Reply::Error { error, .. } => return self.failed(error),
                Reply::Event(event) => self.notices.push(Notice::Event { event }),
                _ => {}
            },
            // Stopped by somebody, or killed, while we waited. A start asked for a running server; a heal ends with the stop.
            Received::End => return self.relaunch(waiting.healing),
            Received::Nothing if Instant::now() > waiting.deadline => {
                self.welcome.iter().for_each(wake);
                return self.failed(Error::StartTimeout {
                    deadline: self.asked.mine.start_timeout,
                    last_probe: "the supervisor does not answer".to_owned(),
                    log_tail: vec![],
                });
            }
            Received::Nothing => {
                if Instant::now() > waiting.poke {
                    // A server may take its time to boot; its supervisor must not stand still meanwhile.
                    self.welcome.iter().for_each(wake);
                    waiting.poke = Instant::now() + HANDSHAKE;
                }
                let wait = waiting.link.wait(Some(waiting.deadline.min(waiting.poke)));
                self.stage = Stage::Waiting(waiting);
                return Some(wait);
            }
        }
        self.stage = Stage::Waiting(waiting);
        None
    }

    fn take_grant(&mut self, granted: Granted, is_healed: bool) {
        let data_dir = granted.data_dir.as_deref().map(DataDir::reopen);
        self.heals_until = None;
        self.heals.granted(granted.identity.restart, is_healed);
        self.data_lock = data_dir
            .and_then(Result::ok)
            .and_then(|data_dir| share(|| data_dir.try_client()));
        if let Some(place) = &mut self.place
            && place.clients.is_none()
        {
            place.clients = share(|| place.dir.try_client());
        }
        self.notices.push(Notice::Granted {
            status: Box::new(granted.status.clone()),
        });
        self.granted = Some(granted);
    }

    fn advance_held(&mut self, mut link: Link, is_stopped: bool) -> Option<Wait> {
        match link.receive() {
            Received::Reply(reply) => {
                let mut is_stopped = is_stopped;
                match *reply {
                    Reply::Event(event) => {
                        is_stopped |= event.kind == Kind::Stopped;
                        if event.kind == Kind::Stopping {
                            self.leave_place();
                        }
                        if let (Some(granted), Some(pid)) = (&mut self.granted, event.pid) {
                            granted.status.pid = Some(pid);
                        }
                        self.notices.push(Notice::Event { event });
                    }
                    // How the server is to be brought back has changed.
                    Reply::Granted(granted) => self.granted = Some(*granted),
                    Reply::Error { error, .. } => return self.failed(error),
                    _ => {}
                }
                self.stage = Stage::Held { link, is_stopped };
                None
            }
            Received::Nothing => {
                let wait = link.wait(None);
                self.stage = Stage::Held { link, is_stopped };
                Some(wait)
            }
            Received::End if is_stopped || self.was_stopped() => self.stopped(),
            Received::End => self.heal(),
        }
    }

    /// The server was stopped on purpose.
    fn stopped(&mut self) -> Option<Wait> {
        self.forget();
        self.notices.push(Notice::Stopped);
        None
    }

    /// Tells whether our supervisor's life was ended on purpose, by what it left in its directory.
    fn was_stopped(&self) -> bool {
        let (Some(place), Some(welcome)) = (&self.place, &self.welcome) else {
            return false;
        };
        State::read(place.dir.directory()).is_stopped(welcome.epoch)
    }

    /// Brings the server back after its supervisor was lost; the supervisor being dead, we tell of it ourselves.
    fn heal(&mut self) -> Option<Wait> {
        let pid = self.granted.as_ref().and_then(|granted| granted.status.pid);
        let event = heal::exited(self.welcome.as_ref(), pid);
        self.notices.push(Notice::Event { event });
        self.heals_until = Some(Instant::now() + seconds(self.asked.mine.start_timeout));
        self.relaunch(true)
    }

    /// Tells whether a start failed only because somebody took a port that nobody had asked for and nobody knew yet.
    fn may_draw_again(&mut self, error: &Error) -> bool {
        let is_chance = match error {
            Error::PortInUse { role, .. } => {
                !self.asked.given.contains(role) && !self.asked.implied.contains_key(role)
            }
            _ => false,
        };
        self.draws += u32::from(is_chance);
        is_chance && self.heals_until.is_none() && self.draws <= DRAWS
    }

    fn launch_again(&mut self, healing: bool) -> Option<Wait> {
        match self.launch(healing) {
            Ok(()) => None,
            Err(error) => self.failed(error),
        }
    }

    /// Launches again after a supervisor was lost; supervisors that keep dying are given up.
    fn relaunch(&mut self, healing: bool) -> Option<Wait> {
        if let Err(reason) = self.heals.allow(Instant::now()) {
            let name = self.name().unwrap_or_default().to_owned();
            return self.failed(Error::SupervisorLost { name, reason });
        }
        self.launch_again(healing)
    }

    fn failed(&mut self, mut error: Error) -> Option<Wait> {
        if matches!(error, Error::OptionsConflict { .. }) && self.granted.take().is_some() {
            // Somebody was faster than all who bring the old server back, and found nothing of it to take over: the server
            // of this name is theirs now. What was asked for here is any server of this name that fits the options.
            return self.launch_again(true);
        }
        if self.may_draw_again(&error) {
            self.forget();
            return self.launch_again(false);
        }
        if error.may_pass() && self.heals_until.is_some_and(|until| Instant::now() < until) {
            // Others count on this server, at this address and with this data: given up, it would be another one.
            self.stage = Stage::Resting {
                until: Instant::now() + REST,
            };
            return None;
        }
        if let Error::StartTimeout { deadline, .. } = &mut error {
            // The supervisor knows only what was left of it.
            *deadline = self.asked.mine.start_timeout;
        }
        let granted = self.granted.take();
        self.forget();
        if let Some(data_dir) = granted.and_then(|granted| granted.data_dir) {
            clear_data(&data_dir);
        }
        self.notices.push(Notice::Failed { error });
        None
    }

    fn advance_release(&mut self, mut link: Link, deadline: Instant) -> Option<Wait> {
        match link.receive() {
            Received::Reply(reply) => {
                // Where it was the last lease, the server is stopped now, and the end of the connection is the end of
                // the supervisor.
                let is_over = matches!(&*reply, Reply::Done { value } if value["last"] == false);
                if !is_over {
                    if let Reply::Event(event) = *reply {
                        self.notices.push(Notice::Event { event });
                    }
                    self.stage = Stage::Releasing { link, deadline };
                    return None;
                }
            }
            Received::Nothing if Instant::now() < deadline => {
                let wait = link.wait(Some(deadline));
                self.stage = Stage::Releasing { link, deadline };
                return Some(wait);
            }
            Received::Nothing => self.welcome.iter().for_each(wake),
            Received::End => {}
        }
        drop(link);
        self.forget();
        self.notices.push(Notice::Released);
        None
    }
}

/// Takes a share in a lock; whoever looks whether there is any holds the lock alone, for an instant.
fn share(try_client: impl Fn() -> Result<Option<FileLock>>) -> Option<Registered<FileLock>> {
    let tries = std::iter::repeat_with(|| try_client().ok()?).take(SHARE_TRIES);
    let lock = tries
        .inspect(|_| std::thread::yield_now())
        .find_map(|lock| lock);
    lock.map(Registered::new)
}
