//! What has to be asked for: an executable's version, a stranger's service. This process is our own, so it may have a runtime.
//!
//! Invariant: what the cache knows is not asked again, and no question waits longer than a supervisor would.

use std::path::Path;

use crate::database::cache::Templates;
use crate::error::{Error, Problem, Result};
use crate::paths::Locations;
use crate::supervisor::facts;

/// Returns the version of an executable, from the cache where it is known.
pub(crate) fn version_of(executable: &Path, locations: Option<&Locations>) -> Result<String> {
    let caches = locations.into_iter().flat_map(|places| {
        [places.look_at_cache(), places.look_at_spare_cache()]
            .into_iter()
            .filter_map(|found| found.ok()?)
    });
    let known = caches
        .map(Templates::new)
        .find_map(|templates| facts::known_version(executable, &templates));
    known.map_or_else(|| run(facts::version(executable))?, Ok)
}

/// Waits for what needs a runtime; this process is our own.
pub(crate) fn run<T>(work: impl Future<Output = T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| {
        let problem = Problem::of("cannot wait for an answer", &error);
        let remedy = problem.remedy("raise the limit that is in the way (`ulimit -a`)");
        Error::supervisor(problem.to_string(), remedy)
    })?;
    Ok(runtime.block_on(work))
}
