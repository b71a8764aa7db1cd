//! `--version`: the package, the protocol between its versions, and the server that a start would find.

use serde_json::Map;

use crate::cli::asked::version_of;
use crate::cli::{Failure, OK, say};
use crate::control::message::PROTOCOL;
use crate::paths::Locations;
use crate::session::{Host, Lookup};

/// Tells the versions.
pub(crate) fn version(host: &Host) -> Result<u8, Failure> {
    let found = Lookup::new(&Map::new(), host, false).map(Lookup::into_executable);
    let server = match found {
        Ok(Some(path)) => {
            let locations = Locations::from_environment(|name| std::env::var_os(name), None);
            let version = version_of(&path, locations.as_ref().ok());
            let version = version.unwrap_or_else(|_| "of unknown version".to_owned());
            format!("temporal {version} ({})", path.display())
        }
        Ok(None) => "temporal: none found".to_owned(),
        Err(error) => format!("temporal: {error}"),
    };
    let package = env!("CARGO_PKG_VERSION");
    say(&format!(
        "temporal-devserver {package}\nprotocol {PROTOCOL}\n{server}"
    ))?;
    Ok(OK)
}
