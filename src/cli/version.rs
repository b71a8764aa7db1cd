//! `--version`: the package, the protocol between its versions, and the server that a start would find.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Map;

use crate::cli::{Failure, OK, say};
use crate::control::message::PROTOCOL;
use crate::executable::version_from_output;
use crate::paths::Locations;
use crate::session::{Host, Lookup};
use crate::supervisor::known_version;

/// Tells the versions.
pub(crate) fn version(host: &Host) -> Result<u8, Failure> {
    let found = Lookup::new(&Map::new(), host).map(Lookup::into_executable);
    let server = match found {
        Ok(Some(path)) => {
            let version = known(&path).or_else(|| asked(&path));
            let version = version.unwrap_or_else(|| "of unknown version".to_owned());
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

/// Returns what a start has found out before.
fn known(executable: &Path) -> Option<String> {
    let locations = Locations::from_environment(|name| std::env::var_os(name), None).ok()?;
    known_version(executable, locations.templates().ok()?)
}

/// Asks the executable, which takes its time.
fn asked(executable: &Path) -> Option<String> {
    let output = Command::new(executable)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    version_from_output(&String::from_utf8_lossy(&output.stdout))
}
