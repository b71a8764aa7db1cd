//! The status of a server, put together from what the supervisor knows.

use std::net::Ipv4Addr;
use std::path::Path;

use crate::clock::monotonic;
use crate::control::message::Status;
use crate::database::{COMPANIONS, beside};
use crate::paths::SERVER_LOG;
use crate::supervisor::drive::Supervisor;
use crate::temporal::proto::DEFAULT_NAMESPACE;

impl Supervisor {
    /// Returns the status at this moment.
    pub(crate) fn status(&mut self) -> Status {
        self.look_at_config();
        let host = match self.identity.ip {
            Ipv4Addr::UNSPECIFIED => Ipv4Addr::LOCALHOST,
            ip => ip,
        };
        let at = |port: Option<u16>| format!("{host}:{}", port.unwrap_or_default());
        let mut namespaces = self.additive.namespaces.clone();
        if !namespaces
            .iter()
            .any(|namespace| namespace == DEFAULT_NAMESPACE)
        {
            namespaces.push(DEFAULT_NAMESPACE.to_owned());
        }
        let database = self.prepared.as_ref().map(|prepared| &prepared.database);
        Status {
            state: self.machine.state(),
            name: self.name.clone(),
            pid: self
                .server
                .as_ref()
                .map(crate::process::server::ServerProcess::pid),
            supervisor_pid: nix::unistd::getpid().as_raw(),
            address: at(self.identity.port),
            ui_url: self
                .identity
                .ui
                .then(|| format!("http://{}", at(self.identity.ui_port))),
            http_address: at(self.identity.http_port),
            metrics_address: at(self.identity.metrics_port),
            namespaces,
            version: self
                .prepared
                .as_ref()
                .map(|prepared| prepared.facts.version.clone()),
            started_at: self.server.as_ref().map(|_| self.started_at),
            uptime: self.machine.ready_at().map(|ready| monotonic() - ready),
            restarts: self.machine.restarts(),
            restart_causes: self.machine.restart_causes(),
            last_exit: self.machine.last_exit().map(ToString::to_string),
            warnings: self.machine.warnings(),
            probes: self.probes.clone(),
            leases: self.leases.list(),
            pinned: self.leases.is_pinned(),
            db_path: database.map(|database| database.path.display().to_string()),
            db_bytes: database.and_then(|database| size(&database.path)),
            log_path: self.dir.path().join(SERVER_LOG).display().to_string(),
            state_dir: self.dir.path().display().to_string(),
        }
    }
}

/// Returns the size of a database with what lies beside it; none where it is not there.
fn size(path: &Path) -> Option<u64> {
    let length = |path: &Path| Some(path.metadata().ok()?.len());
    let companions = COMPANIONS.iter();
    let beside = companions.filter_map(|suffix| length(&beside(path, suffix)));
    Some(length(path)? + beside.sum::<u64>())
}
