//! The executable of a server: found, and held.
//!
//! Invariant: what was downloaded is held from before it is used until its supervisor and its server are gone, by a lock that the
//! kernel releases; so nobody takes it away from a server that has to be restarted.

use std::path::{Path, PathBuf};
use std::time::Instant;

use tokio::time::sleep;

use crate::database::cache::Templates;
use crate::directory::Directory;
use crate::error::Result;
use crate::executable::{self, Places};
use crate::lock::FileLock;
use crate::paths::CACHE_DIR;
use crate::supervisor::facts;
use crate::supervisor::orphan::{PATIENCE, PAUSE};
use crate::supervisor::plan::Plan;

/// Finds the executable that the plan asks for.
pub(crate) async fn find(plan: &Plan, templates: &Templates) -> Result<PathBuf> {
    let path = std::env::var_os("PATH");
    let store = plan.locations.executables();
    let places = Places {
        explicit: plan.identity.executable.as_deref(),
        variable: plan.executable_variable.as_deref().map(Path::as_os_str),
        scripts: &plan.scripts,
        path: path.as_deref(),
        store: store.as_deref(),
        version: plan.identity.version.as_deref(),
    };
    let Some(wanted) = places.version else {
        return executable::find(&places);
    };
    let mut versions = vec![];
    for candidate in executable::usable(&places)? {
        let version = version(&candidate, templates).await.ok();
        let is_it = version.as_deref() == Some(wanted);
        versions.push((candidate, version));
        if is_it {
            break;
        }
    }
    executable::choose(wanted, &places, &versions)
}

/// Takes our share in a downloaded executable; `None` for one from elsewhere.
pub(crate) async fn hold(executable: &Path, plan: &Plan) -> Result<Option<FileLock>> {
    let store = plan.locations.executables();
    let of = |store| Some((store, executable::version_at(store, executable)?));
    let Some((store, version)) = store.as_deref().and_then(of) else {
        return Ok(None);
    };
    let store = Directory::open(store, CACHE_DIR)?;
    let began = Instant::now();
    // Whoever has it alone is about to be done: it was in its place when we looked.
    while began.elapsed() < PATIENCE {
        match store.try_shared(&executable::lock_name(version)) {
            Ok(Some(_)) if !executable.exists() => break,
            // Where none can be made, nobody can take anything away.
            Err(_) => return Ok(None),
            Ok(Some(lock)) => return Ok(Some(lock)),
            Ok(None) => sleep(PAUSE).await,
        }
    }
    let remedy = "start again; `temporal-devserver install` brings it back";
    Err(facts::unusable(executable, "is just being removed", remedy))
}

async fn version(executable: &Path, templates: &Templates) -> Result<String> {
    let digest = facts::digest(executable, templates).await?;
    let facts = facts::facts(executable, &digest, templates).await?;
    Ok(facts.version)
}
