//! How the directory of a private server goes.

use tokio::time::sleep;

use crate::disposable::CLIENTS_LOCK;
use crate::error::Result;
use crate::lock::FileLock;
use crate::paths::ServerDir;
use crate::supervisor::orphan::PAUSE;

/// How often it is looked whether all clients of a private server are gone.
const LOOKS: u32 = 40;

/// Removes the directory of a private server, once nobody else counts on it; `client` is our own share.
///
/// Only who has `clients.lock` alone may remove anything: a client that has given the server up tries the same, and a forked
/// child of it may be about to bring the server back. Where it cannot be had, the last of them removes the directory.
pub(crate) async fn remove_private(dir: &ServerDir, client: Option<FileLock>) -> Result<()> {
    drop(client);
    for _ in 0..LOOKS {
        if let Some(_clients) = dir.try_exclusive(CLIENTS_LOCK)? {
            return dir.remove_private();
        }
        sleep(PAUSE).await;
    }
    Ok(())
}
