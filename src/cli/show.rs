//! What people see: a status at a glance, a list as a table.

use std::fmt::Write as _;

use serde_json::Value;

use crate::cli::terminal::{Colour, coloured};
use crate::control::message::{Kind, Status};
use crate::temporal::Probe;

/// Returns a status as lines for people.
pub(crate) fn status_text(status: &Status, colours: bool) -> String {
    let paint = |text: &str, colour| {
        if colours {
            coloured(text, colour)
        } else {
            text.to_owned()
        }
    };
    let state = paint(&status.state.name(), colour_of(status.state));
    let mut text = format!("{:<11}{state}", status.name);
    let mut line = |label: &str, value: &str| {
        // Writing into a string cannot fail.
        write!(text, "\n  {label:<9}{value}").unwrap_or(());
    };
    line("address", &status.address);
    if let Some(url) = &status.ui_url {
        line("ui", url);
    }
    let unknown = || "unknown".to_owned();
    let pid = status
        .pid
        .map_or_else(|| "none".to_owned(), |pid| pid.to_string());
    line("version", status.version.as_ref().unwrap_or(&unknown()));
    line(
        "process",
        &format!("pid {pid}, supervisor pid {}", status.supervisor_pid),
    );
    line(
        "uptime",
        &status
            .uptime
            .map_or_else(|| "not ready".to_owned(), duration),
    );
    line("restarts", &restarts(status));
    for warning in &status.warnings {
        line("warning", &paint(warning, Colour::Yellow));
    }
    for probe in &status.probes {
        let colour = if probe.error.is_some() {
            Colour::Red
        } else {
            Colour::Green
        };
        line("health", &paint(&health(probe), colour));
    }
    for lease in &status.leases {
        line("used by", &lease.describe());
    }
    if status.pinned {
        line("stays", "until it is stopped");
    } else if status.leases.is_empty() {
        line("used by", "nobody");
    }
    let bytes = status
        .db_bytes
        .map_or_else(String::new, |bytes| format!(", {}", size(bytes)));
    let path = status.db_path.clone().unwrap_or_else(unknown);
    line("database", &format!("{path}{bytes}"));
    line("log", &status.log_path);
    text
}

fn colour_of(state: Kind) -> Colour {
    match state {
        Kind::Ready => Colour::Green,
        Kind::Failed | Kind::Unhealthy => Colour::Red,
        _ => Colour::Yellow,
    }
}

fn restarts(status: &Status) -> String {
    let causes = status.restart_causes.iter();
    let causes = causes.map(|(cause, count)| format!("{count} {}", cause.replace('_', " ")));
    let causes = causes.collect::<Vec<_>>().join(", ");
    let causes = if causes.is_empty() {
        causes
    } else {
        format!(" ({causes})")
    };
    let last = status
        .last_exit
        .as_ref()
        .map_or_else(String::new, |exit| format!(", the last time: {exit}"));
    format!("{}{causes}{last}", status.restarts)
}

fn health(probe: &Probe) -> String {
    let result = probe
        .error
        .clone()
        .unwrap_or_else(|| format!("{:.1} ms", probe.latency * 1000.0));
    format!("{:<11} {result}", probe.layer)
}

/// Returns a list of servers as a table.
pub(crate) fn table(rows: &[Value]) -> String {
    if rows.is_empty() {
        return "there is no named server; `temporal-devserver start` starts one".to_owned();
    }
    let cell = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let lines = rows.iter().map(|row| {
        let users = match row["leases"].as_array() {
            Some(leases) if leases.is_empty() && row["pinned"] == true => "stays".to_owned(),
            Some(leases) => format!("used by {}", leases.len()),
            None => String::new(),
        };
        let line = format!(
            "{:<20} {:<11} {:<21} {users}",
            cell(row, "name"),
            cell(row, "state"),
            cell(row, "address")
        );
        line.trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns a number of bytes for people.
pub(crate) fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let bytes = bytes as f64;
    match bytes {
        ..1e3 => format!("{bytes} B"),
        ..1e6 => format!("{:.1} kB", bytes / 1e3),
        ..1e9 => format!("{:.1} MB", bytes / 1e6),
        _ => format!("{:.1} GB", bytes / 1e9),
    }
}

fn duration(seconds: f64) -> String {
    match seconds {
        ..60.0 => format!("{seconds:.1} s"),
        ..3600.0 => format!("{:.0} min", (seconds / 60.0).floor()),
        _ => format!(
            "{:.0} h {:.0} min",
            (seconds / 3600.0).floor(),
            (seconds % 3600.0 / 60.0).floor()
        ),
    }
}
