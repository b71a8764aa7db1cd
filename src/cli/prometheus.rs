//! A status as Prometheus' text: for its node exporter's textfile collector, or whoever scrapes by a script.
//!
//! Invariant: a metric that counts is there from the start, at 0, so that its first increase is seen.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::control::message::Status;
use crate::supervisor::state::Cause;
use crate::temporal::Probe;

/// What all metrics begin with.
const PREFIX: &str = "temporal_devserver";

/// Returns the metrics of a server.
pub(crate) fn metrics(status: &Status) -> String {
    let mut page = Page {
        text: String::new(),
        server: status.name.clone(),
    };
    let state = status.state.name();
    let version = status.version.as_deref().unwrap_or("unknown");
    let info = [
        ("state", &*state),
        ("version", version),
        ("address", &*status.address),
    ];
    page.family(
        "info",
        "gauge",
        "What the server is; always 1.",
        [(&info[..], 1.0)],
    );
    let is_up = f64::from(u8::from(status.uptime.is_some()));
    page.single("up", "Whether the server is ready.", Some(is_up));
    page.single(
        "uptime_seconds",
        "Seconds since it has been ready.",
        status.uptime,
    );
    let mut causes: BTreeMap<String, u32> = Cause::ALL.map(|cause| (cause.name(), 0)).into();
    causes.extend(status.restart_causes.clone());
    let causes: Vec<_> = causes
        .iter()
        .map(|(cause, count)| ([("cause", &**cause)], f64::from(*count)))
        .collect();
    let samples = causes.iter().map(|(labels, count)| (&labels[..], *count));
    page.family(
        "restarts_total",
        "counter",
        "Restarts, by what led to them.",
        samples,
    );
    probes(&mut page, &status.probes);
    #[expect(clippy::cast_precision_loss, reason = "nobody has so many")]
    let leases = status.leases.len() as f64;
    page.single("leases", "Clients that use the server.", Some(leases));
    #[expect(clippy::cast_precision_loss, reason = "as all numbers of Prometheus")]
    let bytes = status.db_bytes.map(|bytes| bytes as f64);
    page.single(
        "database_bytes",
        "Size of the database, with what is still in its log.",
        bytes,
    );
    page.text
}

/// Writes how the last answer of each layer went.
fn probes(page: &mut Page, probes: &[Probe]) {
    let layers: Vec<_> = probes.iter().map(|probe| probe.layer.to_string()).collect();
    let labels: Vec<_> = layers.iter().map(|layer| [("layer", &**layer)]).collect();
    let mut family = |name, help, value: fn(&Probe) -> f64| {
        let samples = labels.iter().zip(probes);
        let samples = samples.map(|(labels, probe)| (&labels[..], value(probe)));
        page.family(name, "gauge", help, samples);
    };
    family(
        "probe_latency_seconds",
        "How long the last answer of each layer took.",
        |probe| probe.latency,
    );
    family(
        "probe_success",
        "Whether the last answer of each layer was right.",
        |probe| f64::from(u8::from(probe.error.is_none())),
    );
}

/// A page of metrics of one server.
struct Page {
    text: String,
    server: String,
}

impl Page {
    /// Writes a metric that has one value, or none.
    fn single(&mut self, name: &str, help: &str, value: Option<f64>) {
        self.family(name, "gauge", help, value.map(|value| (&[][..], value)));
    }

    /// Writes a metric with its samples; none without any.
    fn family<'a>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        samples: impl IntoIterator<Item = (&'a [(&'a str, &'a str)], f64)>,
    ) {
        let mut head = format!("# HELP {PREFIX}_{name} {help}\n# TYPE {PREFIX}_{name} {kind}\n");
        for (labels, value) in samples {
            self.text.push_str(&std::mem::take(&mut head));
            let server = escaped(&self.server);
            // Writing into a string cannot fail.
            write!(self.text, "{PREFIX}_{name}{{name=\"{server}\"").unwrap_or(());
            for (label, value) in labels {
                write!(self.text, ",{label}=\"{}\"", escaped(value)).unwrap_or(());
            }
            writeln!(self.text, "}} {value}").unwrap_or(());
        }
    }
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
