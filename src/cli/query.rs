//! The short commands: `status`, `list`, `stop`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cli::args::{List, Status as Which, Stop};
use crate::cli::prometheus::metrics;
use crate::cli::show::{status_text, table};
use crate::cli::terminal::has_colours;
use crate::cli::wait::{end_at_ctrl_c, wait};
use crate::cli::{Failure, OK, complain, exit_code, print, say};
use crate::control::message::{Force, Request, Status};
use crate::directory::Directory;
use crate::error::{Error, Result};
use crate::paths::{Locations, ServerDir};
use crate::session::{Call, Outcome, Wait};

/// How long `list` waits for supervisors.
const LIMIT: Duration = Duration::from_secs(2);

/// Shows the state of a server.
pub(crate) fn status(which: &Which) -> Result<u8, Failure> {
    end_at_ctrl_c()?;
    let value = ask(existing(&which.name)?, &which.name, Request::Status)?;
    if which.json {
        say(&value)?;
    } else if which.prometheus {
        print(metrics(&read(value)?).as_bytes())?;
    } else {
        say(&status_text(&read(value)?, has_colours()))?;
    }
    Ok(OK)
}

/// Lists the named servers; one that does not run is `stopped`.
pub(crate) fn list(list: &List) -> Result<u8, Failure> {
    end_at_ctrl_c()?;
    let answers = ask_all(servers()?)?.into_iter();
    let row = |(name, answer)| match answer {
        Ok(status) => status,
        Err(Error::NotRunning { .. }) => json!({ "name": name, "state": "stopped" }),
        Err(error) => {
            json!({ "name": name, "state": "unknown", "error": Error::to_string(&error) })
        }
    };
    let rows: Vec<Value> = answers.map(row).collect();
    if list.json {
        say(&Value::Array(rows))?;
    } else {
        say(&table(&rows))?;
    }
    Ok(OK)
}

/// Stops one server or all of them.
pub(crate) fn stop(stop: &Stop) -> Result<u8, Failure> {
    end_at_ctrl_c()?;
    let chosen = if stop.all {
        servers()?
    } else {
        vec![(stop.name.clone(), existing(&stop.name)?)]
    };
    let force = force(stop.force);
    let (mut code, mut rows) = (OK, vec![]);
    for (name, dir) in chosen {
        let ran = ask(Arc::clone(&dir), &name, Request::Status).is_ok();
        match ask(dir, &name, Request::Stop(force.clone())) {
            // One that cannot be stopped does not keep the others.
            Err(error) if stop.all => {
                code = code.max(complain(&error, exit_code(&error)));
                continue;
            }
            ended => ended?,
        };
        rows.push(json!({ "name": name, "state": "stopped", "ran": ran }));
        if stop.json {
            continue;
        }
        if ran {
            say(&format!("server `{name}` is stopped"))?;
        } else if !stop.all {
            say(&format!("server `{name}` was not running"))?;
        }
    }
    if stop.json {
        say(&Value::Array(rows))?;
    }
    Ok(code)
}

/// Opens the directory of a server that has been started before.
pub(crate) fn existing(name: &str) -> Result<Arc<ServerDir>> {
    let found = ServerDir::existing(&root()?, name)?.map(Arc::new);
    found.ok_or_else(|| Error::NotRunning {
        name: name.to_owned(),
    })
}

fn servers() -> Result<Vec<(String, Arc<ServerDir>)>> {
    let root = root()?;
    let mut servers = vec![];
    for name in ServerDir::list(&root)? {
        if let Some(dir) = ServerDir::existing(&root, &name)? {
            servers.push((name, Arc::new(dir)));
        }
    }
    Ok(servers)
}

fn root() -> Result<Directory> {
    Locations::from_environment(|name| std::env::var_os(name), None)?.servers()
}

/// Asks a supervisor one thing, and waits for the reply.
pub(crate) fn ask(dir: Arc<ServerDir>, name: &str, request: Request) -> Result<Value> {
    let mut call = Call::new(dir, name, request);
    loop {
        match call.advance()? {
            Outcome::Done(value) => return Ok(value),
            // An interrupted wait is only an early one.
            Outcome::Wait(pause) => wait(None, &[pause]).unwrap_or(()),
        }
    }
}

/// Asks all supervisors for their status at once; one that hangs does not hold up the answers of the others.
pub(crate) fn ask_all(
    servers: Vec<(String, Arc<ServerDir>)>,
) -> Result<BTreeMap<String, Result<Value>>, Failure> {
    let end = Instant::now() + LIMIT;
    let call = |(name, dir): (String, _)| (name.clone(), Call::new(dir, &name, Request::Status));
    let mut calls: Vec<(String, Call)> = servers.into_iter().map(call).collect();
    let mut answers = BTreeMap::new();
    loop {
        let is_over = Instant::now() >= end;
        let mut waits = vec![Wait {
            fd: None,
            until: Some(end),
        }];
        calls.retain_mut(|(name, call)| {
            let answer = match call.advance() {
                Ok(Outcome::Wait(pause)) if !is_over => {
                    waits.push(pause);
                    return true;
                }
                Ok(Outcome::Wait(_)) => Err(silent()),
                Ok(Outcome::Done(value)) => Ok(value),
                Err(error) => Err(error),
            };
            answers.insert(name.clone(), answer);
            false
        });
        if calls.is_empty() {
            return Ok(answers);
        }
        wait(None, &waits)?;
    }
}

fn silent() -> Error {
    Error::supervisor(
        format!("the supervisor has not answered for {} s", LIMIT.as_secs()),
        "start the server: a supervisor that hangs is replaced",
    )
}

/// Reads a status.
pub(crate) fn read(value: Value) -> Result<Status> {
    serde_json::from_value(value).map_err(|error| {
        Error::supervisor(
            format!("the supervisor's answer cannot be read: {error}"),
            "use `--json`, or the same version of temporal-devserver on both sides",
        )
    })
}

/// Returns whose wish a verb of the command line is: nobody's who has a lease.
pub(crate) fn force(force: bool) -> Force {
    Force { force, lease: None }
}
