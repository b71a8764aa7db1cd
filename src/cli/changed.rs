//! Verbs after which the server boots again: they end when it is ready. And `restart`, the plainest of them.
//!
//! Invariant: the events are followed from before the verb is said, so the `ready` that is waited for cannot be missed.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::cli::args::Disturb;
use crate::cli::query::{ask, existing, force, read};
use crate::cli::wait::{end_at_ctrl_c, wait};
use crate::cli::{Failure, OK, say};
use crate::control::message::{Event, Kind, Request, Status};
use crate::error::{Error, Result as Checked};
use crate::paths::ServerDir;
use crate::session::{Follow, Followed};

/// Stops a server's process in an orderly way and starts it again.
pub(crate) fn restart(which: &Disturb) -> Result<u8, Failure> {
    end_at_ctrl_c()?;
    let dir = existing(&which.name)?;
    let status = changed(
        &dir,
        &which.name,
        Request::Restart(force(which.force)),
        None,
    )?;
    tell(&status, "was restarted", which.json)
}

/// Says a verb, and waits until the server is ready after it, or after the event that is its effect.
pub(crate) fn changed(
    dir: &Arc<ServerDir>,
    name: &str,
    request: Request,
    effect: Option<Kind>,
) -> Result<Status, Failure> {
    let mut follow = Follow::new(Arc::clone(dir), name);
    let before = next(&mut follow)?.unwrap_or_default();
    let life = before.last().map(|event| event.server.clone());
    ask(Arc::clone(dir), name, request)?;
    let mut is_effected = effect.is_none();
    loop {
        let Some(events) = next(&mut follow)? else {
            return Err(stopped(name).into());
        };
        for event in events {
            // The verb was answered, so it has had its effect, also if its supervisor has not lived to tell it.
            is_effected |= Some(event.kind) == effect || Some(&event.server) != life.as_ref();
            match event.kind {
                Kind::Ready if is_effected => {
                    return Ok(read(ask(Arc::clone(dir), name, Request::Status)?)?);
                }
                Kind::Failed => return Err(given_up(&event).into()),
                Kind::Stopped => return Err(stopped(name).into()),
                _ => {}
            }
        }
    }
}

/// Tells that it is done.
pub(crate) fn tell(status: &Status, what: &str, json: bool) -> Result<u8, Failure> {
    if json {
        say(&json!(status))?;
    } else {
        let Status { name, address, .. } = status;
        say(&format!(
            "server `{name}` {what}, and is ready at {address}"
        ))?;
    }
    Ok(OK)
}

/// Waits for the next events; none when there will be none.
pub(crate) fn next(follow: &mut Follow) -> Checked<Option<Vec<Event>>> {
    loop {
        match follow.advance()? {
            Followed::Events(events) => return Ok(Some(events)),
            Followed::Ended => return Ok(None),
            // An interrupted wait is only an early one.
            Followed::Wait(pause) => wait(None, &[pause]).unwrap_or(()),
        }
    }
}

/// Returns why the server is not started again any more.
fn given_up(event: &Event) -> Error {
    let error = event.data.get("error").cloned();
    let told = serde_json::from_value(error.unwrap_or(Value::Null));
    told.unwrap_or_else(|_| Error::supervisor(&*event.message, "look at `temporal-devserver logs`"))
}

fn stopped(name: &str) -> Error {
    Error::NotRunning {
        name: name.to_owned(),
    }
}
