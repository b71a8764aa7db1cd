//! Variables: proxies that would be asked for the way to our own machine, and values that count for nothing.
//!
//! The fact: a gRPC client that obeys `https_proxy` or `grpc_proxy` sends calls for 127.0.0.1 to the proxy, too, unless
//! `no_proxy` lists it; not every library makes an exception for the loopback.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::unistd::Uid;

use super::finding::{Code, Finding, Look};
use super::world::World;
use crate::paths::TEMP_DIR;

/// What names a proxy; each in capitals, too.
const PROXIES: [&str; 4] = ["http_proxy", "https_proxy", "all_proxy", "grpc_proxy"];
/// What lists the exceptions; each in capitals, too.
const EXCEPTIONS: [&str; 2] = ["no_proxy", "no_grpc_proxy"];
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
    let lookup = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let mut findings: Vec<Finding> = proxy(&lookup).into_iter().collect();
    findings.extend(DIRECTORIES.iter().filter_map(|name| {
        let value = lookup(name)?;
        let problem = ignored(name, Path::new(&value))?;
        Some(Finding::new(
            Code::VariableIgnored,
            format!(
                "{name} is `{}`, which {problem}, so it counts for nothing",
                value.display()
            ),
            format!("set {name} to an absolute path of your own, or leave it unset"),
        ))
    }));
    Look {
        at: "proxies, HOME, TMPDIR, XDG directories".to_owned(),
        findings,
    }
}

fn proxy(lookup: &impl Fn(&str) -> Option<OsString>) -> Option<Finding> {
    let both = |names: &[&str]| -> Vec<(String, String)> {
        let all = names
            .iter()
            .flat_map(|name| [(*name).to_owned(), name.to_uppercase()]);
        all.filter_map(|name| {
            let value = lookup(&name)?.to_string_lossy().into_owned();
            Some((name, value))
        })
        .collect()
    };
    let set: Vec<String> = both(&PROXIES).into_iter().map(|(name, _)| name).collect();
    let is_excepted = both(&EXCEPTIONS)
        .iter()
        .any(|(_, list)| excepts_loopback(list));
    (!set.is_empty() && !is_excepted).then(|| {
        Finding::new(
            Code::ProxyForLoopback,
            format!(
                "{} is set, and NO_PROXY does not list 127.0.0.1: a client that obeys it looks for our server at the proxy",
                set.join(" and ")
            ),
            "`export NO_PROXY=127.0.0.1,localhost`, appended to what it lists",
        )
    })
}

/// Tells whether a list of exceptions has the address that our servers listen on.
fn excepts_loopback(list: &str) -> bool {
    let mut entries = list.split([',', ' ']).map(str::trim);
    entries.any(|entry| {
        matches!(entry, "*" | "127.0.0.1" | "127." | "127.*" | "127.0.0.0/8")
            || entry.strip_prefix("127.0.0.1:").is_some()
    })
}

/// Says why the value of a variable is passed over.
fn ignored(name: &str, value: &Path) -> Option<String> {
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
        for list in ["127.0.0.1", "*", "a, 127.0.0.0/8", "localhost 127.0.0.1"] {
            assert!(excepts_loopback(list), "{list}");
        }
        for list in ["", "localhost", "10.127.0.0.1", "127.0.0.11"] {
            assert!(!excepts_loopback(list), "{list}");
        }
    }
}
