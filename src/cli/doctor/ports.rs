//! Ports: the usual ones, and those of servers that were killed; who holds them, and whether that is a Temporal server, too.
//!
//! A port that the kernel had chosen is not missed: a new start gets another one. So of a killed server only ports outside the range
//! from which the kernel chooses count.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use super::finding::{Code, Finding, Look};
use super::world::{Known, Life, World};
use crate::cli::asked::run;
use crate::cli::options::{PORT, SERVER, UI_PORT};
use crate::port::check_loopback;
use crate::process::listeners::{Listener, listener_of};
use crate::supervisor::environment;
use crate::temporal::probe::is_temporal;

/// The ports that everybody expects a Temporal server at, with what for.
const USUAL: [(u16, &str); 2] = [(PORT, "gRPC"), (UI_PORT, "web UI")];
/// How long a stranger may take to say that it is a Temporal server.
const PATIENCE: Duration = Duration::from_secs(1);

/// Looks at who listens.
pub(crate) fn look(world: &World) -> Look {
    let mut look = Look::default();
    let down = check_loopback().err();
    look.findings
        .extend(down.map(|error| Finding::of(Code::LoopbackDown, &error)));
    let mut seen = vec![];
    if world.only.as_deref().is_none_or(|only| only == SERVER) {
        for (port, what) in USUAL {
            let (shown, findings) = usual(world, port, what);
            seen.push(shown);
            look.findings.extend(findings);
        }
    }
    let chosen = range_of_the_kernel();
    for known in world.dead() {
        let ports = known.identity().map(|identity| identity.ports());
        for (role, port) in ports.into_iter().flatten() {
            let Some(port) = port.filter(|port| !chosen.contains(port)) else {
                continue;
            };
            seen.push(format!("{port} (server `{}`)", known.name));
            if let Some(listener) = listener_of(port) {
                look.findings
                    .push(missed(world, known, role, port, &listener));
                look.findings.extend(foreign(world, port, &listener));
            }
        }
    }
    look.at = if seen.is_empty() {
        "none that a server would miss".to_owned()
    } else {
        seen.join(", ")
    };
    look
}

/// Looks at one of the usual ports.
fn usual(world: &World, port: u16, what: &str) -> (String, Vec<Finding>) {
    let Some(listener) = listener_of(port) else {
        return (format!("{port} is free"), vec![]);
    };
    if let Some(ours) = ours(world, port, &listener) {
        return (format!("{port} is {}", ours.shown), vec![]);
    }
    if let Some(foreign) = foreign(world, port, &listener) {
        return (format!("{port} is held"), vec![foreign]);
    }
    let held = Finding::new(
        Code::DefaultPortHeld,
        format!(
            "port {port} ({what} of the server `{SERVER}`) is held by {}",
            listener.description
        ),
        format!("{}, or give the server another port", end(&listener)),
    );
    (format!("{port} is held"), vec![held])
}

/// The finding for a port that a killed server had, and that somebody has now.
fn missed(world: &World, known: &Known, role: &str, port: u16, listener: &Listener) -> Finding {
    let holder = ours(world, port, listener);
    let end = match &holder {
        Some(Ours {
            name: Some(name), ..
        }) => {
            format!("stop that server (`temporal-devserver stop {name}`)")
        }
        Some(Ours { name: None, .. }) => "end the program that uses that server".to_owned(),
        None => end(listener),
    };
    let holder = holder.map_or_else(|| listener.description.clone(), |ours| ours.shown);
    Finding::new(
        Code::PortHeld,
        format!(
            "port {port} ({role}) of server `{}`, which was killed, is held by {holder}",
            known.name
        ),
        format!("{end}, or start it with another port"),
    )
}

/// The finding for a stranger that answers as a Temporal server.
fn foreign(world: &World, port: u16, listener: &Listener) -> Option<Finding> {
    if ours(world, port, listener).is_some() {
        return None;
    }
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    run(is_temporal(address, PATIENCE)).ok()?.then(|| {
        Finding::new(
            Code::ForeignTemporal,
            format!(
                "a Temporal server that is not ours answers at port {port}: {}; who connects there gets its data",
                listener.description
            ),
            format!("{}, or give our server another port and tell its address to clients", end(listener)),
        )
    })
}

/// A server of ours that listens.
struct Ours {
    /// Its name, where it is a named one.
    name: Option<String>,
    /// What it is, for people.
    shown: String,
}

/// Says which server of ours listens; none where a stranger does.
fn ours(world: &World, port: u16, listener: &Listener) -> Option<Ours> {
    let has_it = |known: &&Known| match &known.life {
        Life::Running(status) => {
            let suffix = format!(":{port}");
            let ui = status.ui_url.as_deref().unwrap_or_default();
            [
                &status.address,
                &status.http_address,
                &status.metrics_address,
            ]
            .iter()
            .any(|address| address.ends_with(&suffix))
                || ui.trim_end_matches('/').ends_with(&suffix)
        }
        _ => false,
    };
    let pid = listener.process.as_ref()?.pid;
    if !environment::is_ours(pid) {
        return None;
    }
    let known = world.servers.iter().find(has_it);
    let name = known.map(|known| known.name.clone());
    let shown = match &name {
        Some(name) => format!("server `{name}`"),
        None => format!("a server of ours, pid {pid}"),
    };
    Some(Ours { name, shown })
}

/// Says how a holder would be ended.
fn end(listener: &Listener) -> String {
    match &listener.process {
        Some(process) => format!("end that process (`kill {}`)", process.pid),
        None => "end that process".to_owned(),
    }
}

/// Returns the ports from which the kernel chooses.
fn range_of_the_kernel() -> RangeInclusive<u16> {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
    let text = text.unwrap_or_default();
    let mut bounds = text.split_whitespace().flat_map(str::parse);
    bounds.next().unwrap_or(32_768)..=bounds.next().unwrap_or(60_999)
}
