//! `ui`: the address of the web UI, and the way to it.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::cli::args::Ui;
use crate::cli::query::{ask, existing, read};
use crate::cli::wait::end_at_ctrl_c;
use crate::cli::{Failure, OK, say};
use crate::control::message::Request;
use crate::environment::{LOOPBACK, inherited, without_proxy};
use crate::error::{Error, Result as Checked};

/// Shows the address of the web UI, and opens it where that is asked for.
pub(crate) fn ui(which: &Ui) -> Result<u8, Failure> {
    end_at_ctrl_c()?;
    let name = &which.name;
    let status = read(ask(existing(name)?, name, Request::Status)?)?;
    let url = status.ui_url.ok_or_else(|| {
        Error::supervisor(
            format!("server `{name}` has no web UI"),
            "stop it, and start it again with `temporal-devserver start` or `run --ui`",
        )
    })?;
    if which.json {
        say(&json!({ "ui_url": url }))?;
    } else {
        say(&url)?;
    }
    if which.open {
        open(&url)?;
    }
    Ok(OK)
}

/// Opens an address in a browser that outlives us, prints nothing on our terminal, and asks no proxy for our machine.
fn open(url: &str) -> Checked<()> {
    let program = browser(|name| std::env::var_os(name).filter(|value| !value.is_empty()));
    let program = program.ok_or_else(|| {
        Error::supervisor(
            "there is no display to open it on",
            "open the address where there is one, or let BROWSER name a program",
        )
    })?;
    let started = Command::new(&program)
        .arg(url)
        .envs(without_proxy(&inherited(), &LOOPBACK))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn();
    started.map(drop).map_err(|error| {
        Error::supervisor(
            format!("{} cannot be run: {error}", program.display()),
            "let BROWSER name a program, or open the address yourself",
        )
    })
}

/// Chooses the program that opens addresses: the user's, else the desktop's, if there is one.
fn browser(variable: impl Fn(&str) -> Option<OsString>) -> Option<OsString> {
    let has_display = || variable("DISPLAY").or_else(|| variable("WAYLAND_DISPLAY"));
    variable("BROWSER").or_else(|| has_display().map(|_| "xdg-open".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_display_only_the_users_own_choice_counts() {
        let chosen = |set: &[&str]| {
            let value = |name: &str| set.contains(&name).then(|| OsString::from(name));
            browser(value).map(|program| program.to_string_lossy().into_owned())
        };
        assert_eq!(chosen(&[]), None);
        assert_eq!(chosen(&["BROWSER"]).as_deref(), Some("BROWSER"));
        assert_eq!(chosen(&["WAYLAND_DISPLAY"]).as_deref(), Some("xdg-open"));
        assert_eq!(chosen(&["DISPLAY", "BROWSER"]).as_deref(), Some("BROWSER"));
    }
}
