//! `reset`, `snapshot`, `restore`: what is done to the data of a running server.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::args::{Reset, Restore, Snapshot};
use crate::cli::changed::{changed, tell};
use crate::cli::query::{ask, existing, force, read};
use crate::cli::show::size;
use crate::cli::wait::end_at_ctrl_c;
use crate::cli::{FAILED, Failure, OK, say, terminal, warn};
use crate::control::message::{Kind, Request};
use crate::options::{config, real_path};

/// Deletes all data of a server, once somebody has agreed.
pub(crate) fn reset(reset: &Reset) -> Result<u8, Failure> {
    end_at_ctrl_c()?;
    let name = &reset.server.name;
    let dir = existing(name)?;
    let status = read(ask(dir.clone(), name, Request::Status)?)?;
    if !reset.yes {
        if !terminal::can_ask() {
            let problem = "all data would be deleted, and without a terminal nobody can be asked";
            return Err(config("yes", problem, "add --yes if you mean it").into());
        }
        let bytes = status
            .db_bytes
            .map_or_else(String::new, |bytes| format!(", {}", size(bytes)));
        let path = status.db_path.unwrap_or_default();
        let question = format!("Delete all data of server `{name}` ({path}{bytes})?");
        if !terminal::ask(&question)? {
            warn(&"nothing was deleted");
            return Ok(FAILED);
        }
    }
    let request = Request::Reset(force(reset.server.force));
    let status = changed(&dir, name, request, Some(Kind::Reset))?;
    tell(&status, "is as new", reset.server.json)
}

/// Writes a consistent copy of a server's database.
pub(crate) fn snapshot(snapshot: &Snapshot) -> Result<u8, Failure> {
    end_at_ctrl_c()?;
    let name = &snapshot.which.server;
    let path = absolute(&snapshot.file);
    let request = Request::Snapshot { path: path.clone() };
    ask(existing(name)?, name, request)?;
    let bytes = path.metadata().map_or(0, |file| file.len());
    if snapshot.which.json {
        say(&json!({ "path": path, "bytes": bytes }))?;
    } else {
        say(&format!(
            "snapshot {} is written, {}",
            path.display(),
            size(bytes)
        ))?;
    }
    Ok(OK)
}

/// Has a server go back to a snapshot.
pub(crate) fn restore(restore: &Restore) -> Result<u8, Failure> {
    end_at_ctrl_c()?;
    let name = &restore.which.server;
    let path = absolute(&restore.file);
    let request = Request::Restore {
        path: path.clone(),
        force: force(restore.force),
    };
    let status = changed(&existing(name)?, name, request, Some(Kind::Restored))?;
    let what = format!("is as it was in {}", path.display());
    tell(&status, &what, restore.which.json)
}

/// Returns what the supervisor, which is elsewhere, finds the same file by.
fn absolute(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path);
    real_path(absolute.as_deref().unwrap_or(path))
}
