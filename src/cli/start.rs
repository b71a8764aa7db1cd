//! `start`: a server in the background that stays until it is stopped.
//!
//! Invariant: before the grant our lease alone holds the server, so whatever ends us leaves nothing; from the grant on it is pinned.

use nix::sys::signal::Signal;

use crate::cli::options::{SERVER, Start};
use crate::cli::wait::{Signals, wait};
use crate::cli::{Failure, OK, SIGNALLED, say, warn};
use crate::control::message::{Kind, Level, Status};
use crate::error::{Error, Result as Checked};
use crate::options::Db;
use crate::session::{Host, Notice, Session};

/// Starts a server in the background, or pins the one that runs.
pub(crate) fn start(start: &Start, host: Host) -> Result<u8, Failure> {
    let signals = Signals::take(&[Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP])?;
    let mut session =
        Session::pinning(start.defaults(), start.name.clone(), &start.given()?, host)?;
    session.start()?;
    let status = loop {
        let (pause, notices) = session.advance();
        if let Some(status) = granted(&start.name, notices)? {
            break status;
        }
        wait(Some(&signals), &[pause])?;
        if let Some((signal, _)) = signals.next() {
            session.abandon();
            warn(&"the start was given up; nothing is left of it");
            return Ok(SIGNALLED + signal as u8);
        }
    };
    let is_thrown_away = session
        .granted()
        .is_some_and(|granted| granted.identity.db == Db::Throwaway);
    session.abandon();
    if is_thrown_away {
        let name = &start.name;
        warn(&format!(
            "server `{name}` was started by somebody else, and its data is thrown away when it is stopped; \
             to have it kept, stop it and start it again"
        ));
    }
    if start.json {
        say(&serde_json::json!(status))?;
    } else {
        say(&words(&status))?;
    }
    Ok(OK)
}

/// Returns the status once the server is ready.
fn granted(name: &str, notices: Vec<Notice>) -> Checked<Option<Box<Status>>> {
    for notice in notices {
        match notice {
            Notice::Granted { status } => return Ok(Some(status)),
            Notice::Failed { error } => return Err(error),
            // The error that follows says it all.
            Notice::Event { event } if event.kind == Kind::Failed => {}
            Notice::Event { event } if event.level != Level::Info => warn(&event.message),
            Notice::Event { .. } => {}
            Notice::Stopped | Notice::Released => {
                return Err(Error::NotRunning {
                    name: name.to_owned(),
                });
            }
        }
    }
    Ok(None)
}

fn words(status: &Status) -> String {
    let name = &status.name;
    let mut lines = vec![format!("server `{name}` is ready at {}", status.address)];
    lines.extend(status.ui_url.as_ref().map(|url| format!("web UI at {url}")));
    lines.extend(
        status
            .db_path
            .as_ref()
            .map(|path| format!("data in {path}")),
    );
    let named = if name == SERVER {
        String::new()
    } else {
        format!(" {name}")
    };
    lines.push(format!("it stays until `temporal-devserver stop{named}`"));
    lines.join("\n")
}
