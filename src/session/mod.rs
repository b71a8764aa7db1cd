//! One handle's relation to its server: launch, lease, heal, release. A step machine that never waits.
//!
//! Invariant: nothing here blocks, makes a thread or installs anything in the user's process; whoever drives it waits for
//! what [`Session::advance`] says. A lease that ends without a `stopped` (told on it, or remembered in the state file) means
//! that the supervisor was killed: the session brings the same server back, with its whole effective configuration.

mod advance;
mod call;
mod follow;
mod greet;
mod heal;
#[cfg(test)]
mod interleavings;
mod launch;
mod link;
mod lookup;
mod notice;
mod place;
mod registered;
mod silence;
mod site;
mod timer;
mod wait;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Map, Value};

pub use self::call::{Call, Outcome};
pub use self::follow::{Follow, Followed};
use self::heal::Heals;
use self::launch::Launch;
use self::link::Link;
pub use self::lookup::Lookup;
pub use self::notice::Notice;
use self::place::{Place, with_environment};
use self::registered::Registered;
pub use self::registered::close_after_fork;
use self::site::{Launcher, ServerSite};
pub use self::timer::Timer;
pub use self::wait::Wait;
use crate::clock::seconds;
use crate::control::message::{Force, Granted, Hello, LeaseRequest, PROTOCOL, Request, Welcome};
use crate::error::{Error, Result};
use crate::executable::VARIABLE;
use crate::lock::FileLock;
use crate::log_choice::{self, LogChoice};
use crate::options::{Db, Options, config, real_path};
use crate::paths::{ServerDir, check_name};

/// How much longer than the start timeout a supervisor may take to say that it is over.
const SLACK: Duration = Duration::from_secs(2);

/// What the user's process knows about making a supervisor.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Host {
    /// Program and arguments that become the supervisor; the directory and the lease's descriptor are appended.
    #[serde(default)]
    pub supervisor: Vec<String>,
    /// An interpreter that has `sqlite3`.
    pub python: Option<PathBuf>,
    /// Where the wheel of the server may have put its executable.
    #[serde(default)]
    pub scripts: Vec<PathBuf>,
    /// Added to the environment of the supervisor; it decides before our own where everything lies.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
}

impl Host {
    /// Returns a variable of the environment that the supervisor gets.
    fn variable(&self, name: &str) -> Option<OsString> {
        let added = self.environment.get(name).map(OsString::from);
        added.or_else(|| std::env::var_os(name))
    }

    /// Returns the executable that the variable names, as an absolute path.
    fn executable_variable(&self) -> Option<PathBuf> {
        let named = self.variable(VARIABLE).filter(|value| !value.is_empty());
        named.and_then(|value| std::path::absolute(value).ok())
    }
}

/// One handle's relation to its server.
#[derive(Debug)]
pub struct Session {
    given_name: Option<String>,
    asked: Options,
    /// Whether the server is to stay when we are gone.
    pins: bool,
    host: Host,
    place: Option<Place>,
    /// Our share in the throw-away data, so that no sweep takes it while the server is brought back; let go before the lease.
    data_lock: Option<Registered<FileLock>>,
    stage: Stage,
    /// What the last grant said: all that is needed to bring the server back.
    granted: Option<Granted>,
    welcome: Option<Welcome>,
    heals: Heals,
    /// How often chosen ports were taken by others before the server had them.
    draws: u32,
    /// Until when a server that is brought back is tried for again.
    heals_until: Option<Instant>,
    notices: Vec<Notice>,
}

#[derive(Debug)]
enum Stage {
    Idle,
    Launching(Box<Launching>),
    /// What was in the way of a heal may pass.
    Resting {
        until: Instant,
    },
    /// HELLO is answered; the grant is awaited.
    Waiting(Waiting),
    Held {
        link: Link,
        is_stopped: bool,
    },
    Releasing {
        link: Link,
        deadline: Instant,
    },
}

/// A supervisor is looked for, or made.
#[derive(Debug)]
struct Launching {
    launch: Launch,
    site: ServerSite,
    healing: bool,
}

/// A lease that is asked for.
#[derive(Debug)]
struct Waiting {
    link: Link,
    deadline: Instant,
    /// When a supervisor that is silent is told to go on, in case that it stands still.
    poke: Instant,
    healing: bool,
}

impl Session {
    /// Returns the session of a handle; checks the options and touches nothing.
    pub fn new(name: Option<String>, options: &Map<String, Value>, host: Host) -> Result<Self> {
        Self::over(Map::new(), name, options, host)
    }

    /// Returns the session of a server that is to stay, from the grant on, until it is stopped. Where it does not run yet, it
    /// is started with `implied` for all that was not asked for.
    pub fn pinning(
        implied: Map<String, Value>,
        name: String,
        options: &Map<String, Value>,
        host: Host,
    ) -> Result<Self> {
        let pinning = Self::over(implied, Some(name), options, host)?;
        Ok(Self {
            pins: true,
            ..pinning
        })
    }

    fn over(
        implied: Map<String, Value>,
        name: Option<String>,
        options: &Map<String, Value>,
        host: Host,
    ) -> Result<Self> {
        if let Some(name) = &name {
            check_name(name)?;
        }
        let mut asked = Options::parse_over(implied, &with_environment(options)?)?;
        match &asked.identity.db {
            Db::Named(_) if name.is_none() => {
                return Err(config(
                    "db",
                    "a private server has no name to keep data under",
                    "give a name, or a path",
                ));
            }
            Db::Path(path) => asked.identity.db = Db::Path(real_path(path)),
            _ => {}
        }
        Ok(Self {
            given_name: name,
            asked,
            pins: false,
            host,
            place: None,
            stage: Stage::Idle,
            granted: None,
            welcome: None,
            data_lock: None,
            heals: Heals::default(),
            draws: 0,
            heals_until: None,
            notices: vec![],
        })
    }

    /// Returns what the last grant said, for as long as there is a lease.
    pub fn granted(&self) -> Option<&Granted> {
        self.granted.as_ref()
    }

    /// Returns the name of the server; none for a private one that was never started.
    pub fn name(&self) -> Option<&str> {
        self.place
            .as_ref()
            .map(|place| &*place.name)
            .or(self.given_name.as_deref())
    }

    /// Returns the directory of the server, once it is known.
    pub fn dir(&self) -> Option<&Arc<ServerDir>> {
        self.place.as_ref().map(|place| &place.dir)
    }

    /// Returns the identity of the supervisor that the lease is with.
    pub fn identity(&self) -> Option<&str> {
        self.welcome.as_ref().map(|welcome| &*welcome.identity)
    }

    /// Returns the stage, in a word.
    pub fn state(&self) -> &'static str {
        let healing = |healing| if healing { "healing" } else { "starting" };
        match self.stage {
            Stage::Idle => "idle",
            Stage::Launching(ref launching) => healing(launching.healing),
            Stage::Waiting(ref waiting) => healing(waiting.healing),
            Stage::Resting { .. } => healing(true),
            Stage::Held { .. } => "held",
            Stage::Releasing { .. } => "releasing",
        }
    }

    /// Begins to attach or launch; nothing where that is under way.
    pub fn start(&mut self) -> Result<()> {
        if !matches!(self.stage, Stage::Idle) {
            return Ok(());
        }
        LogChoice::of(self.host.variable(log_choice::VARIABLE).as_deref())?;
        self.draws = 0;
        self.heals = Heals::default();
        self.launch(false).inspect_err(|_| self.forget())
    }

    fn launch(&mut self, healing: bool) -> Result<()> {
        if self.place.is_none() {
            self.place = Some(self.settle()?);
        }
        let request = self.request()?;
        let Some(place) = &self.place else {
            return Ok(());
        };
        let environment = self
            .host
            .environment
            .iter()
            .map(|(name, value)| (name.into(), value.into()));
        let launcher = Launcher {
            argv: self.host.supervisor.iter().map(Into::into).collect(),
            environment: environment.collect(),
        };
        let lost = self.welcome.as_ref().map(|welcome| welcome.epoch);
        let lost = lost.filter(|_| healing);
        self.stage = Stage::Launching(Box::new(Launching {
            launch: Launch::new(request, lost, Instant::now()),
            site: ServerSite {
                dir: Arc::clone(&place.dir),
                launcher,
            },
            healing,
        }));
        Ok(())
    }

    /// Forgets the server: whatever comes next begins anew.
    fn forget(&mut self) {
        // Before the lease: the supervisor must not take us for one who comes back.
        self.data_lock = None;
        self.stage = Stage::Idle;
        self.heals_until = None;
        self.granted = None;
        self.welcome = None;
        if let Some(place) = self.place.take()
            && self.given_name.is_none()
        {
            place.clear();
        }
    }

    /// Counts on the directory no more: whoever is the last to do so removes it, if it is a private server's.
    fn leave_place(&mut self) {
        if let Some(place) = &mut self.place {
            place.clients = None;
        }
    }

    /// Begins to give up the lease; ends with [`Notice::Released`].
    pub fn release(&mut self) {
        let link = match std::mem::replace(&mut self.stage, Stage::Idle) {
            Stage::Launching(launching) => launching.launch.into_link(),
            Stage::Waiting(Waiting { link, .. })
            | Stage::Held { link, .. }
            | Stage::Releasing { link, .. } => Some(link),
            Stage::Idle | Stage::Resting { .. } => None,
        };
        if let Some(mut link) = link {
            self.data_lock = None;
            self.leave_place();
            link.send(&Request::Release);
            let limit = seconds(self.asked.mine.stop_timeout) + SLACK;
            self.stage = Stage::Releasing {
                link,
                deadline: Instant::now() + limit,
            };
        } else {
            self.forget();
            self.notices.push(Notice::Released);
        }
    }

    /// Closes the lease at once and waits for nothing.
    pub fn abandon(&mut self) {
        self.forget();
        self.notices.clear();
    }

    /// Forgets, in a forked child, the lease that was the parent's; the next start attaches to the same server.
    pub fn after_fork(&mut self) {
        let place = self.place.take();
        self.abandon();
        self.place = place.map(|place| Place {
            clients: None,
            ..place
        });
    }

    /// Begins one verb on a connection of its own.
    pub fn call(&self, request: Request) -> Result<Call> {
        let name = self.name().unwrap_or("private");
        let dir = match &self.place {
            Some(place) => Some(Arc::clone(&place.dir)),
            None => self.find()?,
        };
        let dir = dir.ok_or_else(|| Error::NotRunning {
            name: name.to_owned(),
        })?;
        let own = |force: Force| Force {
            lease: self.welcome.as_ref().and_then(|welcome| welcome.lease),
            ..force
        };
        let request = match request {
            Request::Stop(force) => Request::Stop(own(force)),
            Request::Kill(force) => Request::Kill(own(force)),
            Request::Pause(force) => Request::Pause(own(force)),
            Request::Restart(force) => Request::Restart(own(force)),
            Request::Reset(force) => Request::Reset(own(force)),
            Request::Outage { seconds, force } => Request::Outage {
                seconds,
                force: own(force),
            },
            Request::Restore { path, force } => Request::Restore {
                path: real_path(&path),
                force: own(force),
            },
            Request::Snapshot { path } => Request::Snapshot {
                path: real_path(&path),
            },
            other => other,
        };
        let call = Call::new(dir, name, request);
        Ok(match &self.welcome {
            Some(_) => call.for_a_client(),
            None => call,
        })
    }
}

/// Returns the first line of every connection.
fn hello(lease: Option<LeaseRequest>) -> Request {
    Request::Hello(Box::new(Hello {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        lease,
    }))
}
