//! What the state machine is told, and what it asks for.

use std::time::Duration;

use crate::error::Error;
use crate::process::server::Exit;
use crate::supervisor::transition::{Planned, Transition};

/// What the machine is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// All is prepared: the first start.
    Begin,
    /// The process that `Spawn` asked for exists.
    Spawned(i32),
    /// The readiness ladder was climbed.
    Ready,
    /// The server was not ready in time.
    BootTimedOut,
    /// A liveness probe was answered.
    ProbePassed,
    /// A liveness probe failed.
    ProbeFailed(String),
    /// What kills the process is certain, though it is not gone yet.
    Killed(Exit),
    /// The process has ended and is reaped.
    Exited(Exit),
    /// The process has ended because of a port that the server itself had picked; try again as it is.
    ExitedByChance(Exit),
    /// The process has ended for a reason that every further start will meet: a port was stolen.
    ExitedForGood(Exit, Error),
    /// No process can be started: the database is in use, the executable cannot be found.
    Hopeless(Error),
    /// The process could not be started just now: no memory, no descriptors, an executable that is just being replaced.
    SpawnFailed(Error),
    /// The delay before a restart is over.
    RetryDue,
    /// `kill()`.
    Kill,
    /// `restart()`.
    Restart,
    /// `pause()`.
    Pause,
    /// `resume()`, or the lease that paused or took down has ended.
    Resume,
    /// `outage()`: how many seconds it is kept down at the most.
    Outage(Option<f64>),
    /// `restore()` or `reset()`: another database is ready to take the place of the server's.
    Exchange(Planned),
    /// The database is another one now; or, with nothing to tell, still the old one.
    Exchanged(Option<Transition>),
    /// Somebody attaches: a failed server gets a new chance.
    Attach,
    /// Something around the server does not work.
    Degraded(String),
    /// It works again.
    Mended,
    /// The final stop, and whose wish it is.
    Stop(String),
    /// All that the final stop leaves is cleaned up; with a warning for people.
    CleanedUp(Option<String>),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Start the server's process.
    Spawn,
    /// Kill its group at once.
    Kill,
    /// Stop it in the orderly way.
    Terminate,
    /// SIGSTOP to its group.
    Pause,
    /// SIGCONT to its group.
    Resume,
    /// Tell `RetryDue` after this time; none: not by itself.
    RetryAfter(Option<Duration>),
    /// Exchange the database, which no server has open, then tell `Exchanged`.
    Exchange,
    /// Tell everybody.
    Tell(Transition),
    /// Refuse those who wait for `ready`.
    GiveUp(Error),
    /// Clean up, then tell `CleanedUp`.
    CleanUp,
    /// End the supervisor.
    End,
}
