//! What people see: a status at a glance, a list as a table.

use std::fmt::Write as _;

use serde_json::Value;

use crate::control::message::Status;

/// Returns a status as lines for people.
pub(crate) fn status_text(status: &Status) -> String {
    let mut text = format!("{:<11}{}", status.name, status.state.name());
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
    let last = status
        .last_exit
        .as_ref()
        .map_or_else(String::new, |exit| format!(", the last time: {exit}"));
    line("restarts", &format!("{}{last}", status.restarts));
    for probe in &status.probes {
        let result = probe
            .error
            .clone()
            .unwrap_or_else(|| format!("{:.1} ms", probe.latency * 1000.0));
        line("health", &format!("{:<11} {result}", probe.layer));
    }
    for lease in &status.leases {
        line("used by", &lease.describe());
    }
    line("database", status.db_path.as_ref().unwrap_or(&unknown()));
    line("log", &status.log_path);
    text
}

/// Returns a list of servers as a table.
pub(crate) fn table(rows: &[Value]) -> String {
    if rows.is_empty() {
        return "there is no named server; `temporal-devserver run NAME` starts one".to_owned();
    }
    let cell = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let lines = rows.iter().map(|row| {
        let users = row["leases"]
            .as_array()
            .map_or(String::new(), |leases| format!("used by {}", leases.len()));
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
