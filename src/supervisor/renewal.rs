//! The reset of a server that was kept warm too long: before the first lease after none is granted.
//!
//! Invariant: nobody is granted a lease from the look at the server until its end, so those who come at once lead to one reset
//! and all get the fresh server; and where a lease is held, nothing is looked at. A kept database is never reset by us.

use std::net::SocketAddr;

use crate::control::message::LeaseRequest;
use crate::database::Kind;
use crate::error::Result;
use crate::supervisor::Message;
use crate::supervisor::drive::Supervisor;
use crate::supervisor::exchange::{Exchange, Successor};
use crate::supervisor::files::Files;
use crate::supervisor::verbs::answer_of;
use crate::temporal::namespaces;

impl Supervisor {
    /// Begins to renew the server for a lease that is not taken on yet, where it asks for that and is the first after none.
    pub(crate) fn renew_for(&mut self, request: &LeaseRequest) {
        let is_alone = self.leases.ids().is_empty() && !self.jobs.is_renewing;
        let is_lingering = is_alone && self.machine.is_serving();
        let Some(most) = request.reset_above.filter(|_| is_lingering) else {
            return;
        };
        let Some(files) = self.files() else { return };
        if files.database.kind == Kind::Kept {
            return;
        }
        let address = self.grpc_address();
        self.jobs.is_renewing = true;
        self.work(async move |turn| {
            let successor = Successor::Template;
            match files.stage_above(most, address).await {
                Ok(true) => Message::Staged(Exchange::new(None, successor, turn), Ok(None)),
                spared => Message::Renewed(spared.map(drop)),
            }
        });
    }

    /// The server is as it shall be; where it could not be reset, it serves as it is.
    pub(crate) fn renewed(&mut self, renewed: Result<()>) {
        if let Err(error) = renewed {
            tracing::warn!(%error, "the server could not be reset");
        }
        self.jobs.is_renewing = false;
        self.grant();
    }
}

impl Files {
    /// Stages an empty database where the server has more than so many namespaces; tells whether it has.
    async fn stage_above(&self, most: usize, server: SocketAddr) -> Result<bool> {
        let list = answer_of(server, async |server| namespaces::list(&server).await);
        let count = list.await?.len();
        if count <= most {
            return Ok(false);
        }
        tracing::info!(
            count,
            most,
            "the server has too many namespaces; it is reset"
        );
        self.stage(&Successor::Template).await?;
        Ok(true)
    }
}
