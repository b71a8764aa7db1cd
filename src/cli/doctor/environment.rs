//! Variables and files that lead clients elsewhere, and values that count for nothing.
//!
//! The fact: a program outside `run` gets the variables that this process has; what `run` would change for its command is
//! what misleads such a program. So the functions that `run` uses are asked.

use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::unistd::Uid;

use super::files;
use super::finding::{Code, Finding, Look};
use super::world::World;
use crate::environment::{self, LOOPBACK, Variables};
use crate::paths::TEMP_DIR;

/// Variables whose value must be an absolute path to count.
const DIRECTORIES: [&str; 5] = [
    "HOME",
    "XDG_STATE_HOME",
    "XDG_CACHE_HOME",
    "XDG_RUNTIME_DIR",
    TEMP_DIR,
];

/// Looks at the environment.
pub(crate) fn look(_world: &World) -> Look {
    let variables = environment::inherited();
    let lookup = |name: &str| {
        let value = variables.get(OsStr::new(name)).cloned();
        value.filter(|value| !value.is_empty())
    };
    let misleading = [proxy(&variables), connection(&variables)];
    let mut findings: Vec<Finding> = misleading.into_iter().flatten().collect();
    findings.extend(files::look(&lookup));
    findings.extend(
        DIRECTORIES
            .iter()
            .filter_map(|name| ignored(name, &lookup(name)?)),
    );
    Look {
        at: "proxies, clients' variables and files, HOME, TMPDIR, XDG directories".to_owned(),
        findings,
    }
}

fn proxy(variables: &Variables) -> Option<Finding> {
    let proxies = environment::proxies(variables);
    // Our servers have the address, not the name.
    let lists = environment::without_proxy(variables, &LOOPBACK[..1]).into_iter();
    let short = lists.filter(|(name, list)| {
        let own = variables.get(name);
        own != Some(list) && !own.is_some_and(|own| excepts(own))
    });
    let short: Vec<String> = short
        .map(|(name, _)| name.to_string_lossy().into_owned())
        .collect();
    (!proxies.is_empty() && !short.is_empty()).then(|| {
        let hosts = LOOPBACK.join(",");
        let exports: Vec<String> = short.iter().map(|name| format!("{name}={hosts}")).collect();
        Finding::new(
            Code::ProxyForLoopback,
            format!(
                "a proxy is set ({}), and 127.0.0.1 is missing in {}: a client that obeys them looks for our server at the proxy; {}",
                proxies.join(", "),
                short.join(", "),
                mended("list it"),
            ),
            format!("`export {}`, appended to what they list", exports.join(" ")),
        )
    })
}

/// Tells whether a list of exceptions has the address that our servers listen on, in a form that clients understand. Some do not understand `*`: see
/// [`environment::without_proxy`].
fn excepts(list: &OsStr) -> bool {
    let list = list.to_string_lossy();
    let mut entries = list.split([',', ' ']);
    entries.any(|entry| {
        matches!(entry, "127.0.0.1" | "127." | "127.*" | "127.0.0.0/8")
            || entry.starts_with("127.0.0.1:")
    })
}

fn connection(variables: &Variables) -> Option<Finding> {
    let is_file = |name: &OsStr| name == environment::CONFIGURATION_FILE;
    let names = variables.keys();
    let names = names.filter(|name| environment::is_connection(name) && !is_file(name));
    let names: Vec<_> = names.map(|name| name.to_string_lossy()).collect();
    (!names.is_empty()).then(|| {
        let names = names.join(" ");
        Finding::new(
            Code::ConnectionVariable,
            format!(
                "{names}: this tells clients how to connect, also to our server, which knows neither TLS nor API keys; {}",
                mended("remove it")
            ),
            format!("run the program by `temporal-devserver run -- PROGRAM`, or `unset {names}`"),
        )
    })
}

/// Says what does something about a client that is led elsewhere, and what does not.
pub(super) fn mended(how: &str) -> String {
    format!(
        "`run -- COMMAND` and the fixture `temporal_environment` {how}, a program that is started otherwise is affected"
    )
}

fn ignored(name: &str, value: &OsStr) -> Option<Finding> {
    let value = Path::new(value);
    let problem = problem(name, value)?;
    Some(Finding::new(
        Code::VariableIgnored,
        format!(
            "{name} is `{}`, which {problem}, so it counts for nothing",
            value.display()
        ),
        format!("set {name} to an absolute path of your own, or leave it unset"),
    ))
}

/// Says why the value of a variable is passed over.
fn problem(name: &str, value: &Path) -> Option<String> {
    if !value.is_absolute() {
        return Some("is not absolute".to_owned());
    }
    if name != "XDG_RUNTIME_DIR" {
        return None;
    }
    match value.metadata() {
        Err(error) => Some(format!("cannot be examined ({error})")),
        Ok(found) if !found.is_dir() => Some("is no directory".to_owned()),
        Ok(found) if found.uid() != Uid::effective().as_raw() => {
            Some(format!("belongs to user id {}", found.uid()))
        }
        Ok(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_is_excepted_by_its_address_not_by_its_name() {
        let is_reported = |list: &str| {
            let set = [
                ("https_proxy", "http://p"),
                ("NO_PROXY", list),
                ("no_proxy", list),
            ];
            proxy(&set.map(|(name, value)| (name.into(), value.into())).into()).is_some()
        };
        for list in [
            "127.0.0.1",
            "a, 127.0.0.0/8",
            "127.*",
            "localhost, 127.0.0.1",
            "localhost 127.0.0.1",
        ] {
            assert!(!is_reported(list), "{list}");
        }
        for list in ["", "localhost", "10.127.0.0.1", "127.0.0.11"] {
            assert!(is_reported(list), "{list}");
        }
    }
}
