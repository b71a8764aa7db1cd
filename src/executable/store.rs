//! The store: executables that were downloaded, each in a directory that is called by its version.
//!
//! Invariant: a directory that bears the name of a version is complete, for it comes there by one rename; whatever else lies
//! in the store begins with a dot. Who uses a version holds a lock shared, which has to be held alone to take it away. What
//! fills the store is `python/temporal_devserver/_install/`.

use std::path::{Path, PathBuf};

use super::NAME;
use crate::error::Result;
use crate::options::config;

/// The version that is downloaded where none is asked for: the one that our tests run with. Not the newest there is: the same
/// package then does the same thing tomorrow, on every machine, and asks nobody what is new.
pub const SERVER_VERSION: &str = "1.9.1";

/// What orders versions: the numbers, then whether it is a release, then what it is before one.
type Rank<'a> = (Vec<u32>, bool, &'a str);

/// Refuses what is no version, and so not fit to be the name of a directory or a part of an address.
pub fn check_version(text: &str) -> Result<()> {
    let problem = || {
        config(
            "version",
            &format!("{text:?} is no version"),
            &format!("give all three numbers, like {SERVER_VERSION}"),
        )
    };
    rank(text).map(|_| ()).ok_or_else(problem)
}

/// Returns the versions in the store, the newest first.
pub fn stored_versions(store: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(store).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut versions: Vec<String> = names.filter(|name| rank(name).is_some()).collect();
    versions.sort_by(|one, other| rank(other).cmp(&rank(one)));
    versions
}

/// Returns the places to try in the store; the first of them where a download would put it if there is nothing.
pub(super) fn candidates(store: &Path, version: Option<&str>) -> Vec<PathBuf> {
    let mut versions = match version {
        Some(version) => vec![version.to_owned()],
        None => stored_versions(store),
    };
    if versions.is_empty() {
        versions.push(SERVER_VERSION.to_owned());
    }
    let path = |version| store.join(version).join(NAME);
    versions.into_iter().map(path).collect()
}

/// Returns the version that `executable` is in the store; `None` where it lies elsewhere.
pub fn version_at<'a>(store: &Path, executable: &'a Path) -> Option<&'a str> {
    let directory = executable.parent()?;
    let version = directory.file_name()?.to_str()?;
    (directory.parent() == Some(store) && rank(version).is_some()).then_some(version)
}

/// Returns the name, in the store, of the lock that users of a version hold.
pub fn lock_name(version: &str) -> String {
    format!(".{version}.use")
}

fn rank(text: &str) -> Option<Rank<'_>> {
    let (numbers, before) = match text.split_once('-') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (text, ""),
    };
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let number = |part: &str| {
        let is_number = part.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| part.parse().ok()).flatten()
    };
    let numbers: Vec<u32> = numbers.split('.').map(number).collect::<Option<_>>()?;
    let fits = numbers.len() == 3 && before.bytes().all(is_part) && text.len() < 64;
    fits.then_some((numbers, before.is_empty(), before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_versions_are_versions() {
        for good in ["1.9.1", "0.13.0", "1.10.0-rc.1", "1.1.0-serverless-2"] {
            check_version(good).unwrap();
        }
        let long = format!("1.2.3-{}", "x".repeat(80));
        for bad in [
            "",
            "1",
            "1.9",
            "v1.9.1",
            "latest",
            "1.9.1-",
            "+1.9.1",
            "1.9.1.lock",
            "1..1",
            "1.9.1/..",
            "../1.9.1",
            "1.9.1-a/b",
            "1.9.1 ",
            "1.9.99999999999",
            ".1.9.1",
            "1.9.1-é",
            &long,
        ] {
            let text = check_version(bad).unwrap_err().to_string();
            assert!(text.ends_with("like 1.9.1"), "{text}");
        }
    }

    #[test]
    fn the_newest_comes_first_and_leftovers_do_not_count() {
        let temp = tempfile::tempdir().unwrap();
        let store = temp.path();
        for name in [
            "1.9.1",
            "1.10.0-rc.1",
            "1.10.0",
            "1.8.3",
            ".1.11.0.new",
            "notes",
        ] {
            std::fs::create_dir(store.join(name)).unwrap();
        }
        let sorted = ["1.10.0", "1.10.0-rc.1", "1.9.1", "1.8.3"];
        assert_eq!(stored_versions(store), sorted);
        assert_eq!(stored_versions(&store.join("none")), [""; 0]);
        assert_eq!(candidates(store, None)[0], store.join("1.10.0/temporal"));
        assert_eq!(
            candidates(store, Some("1.8.3")),
            [store.join("1.8.3/temporal")]
        );
        assert_eq!(
            version_at(store, &store.join("1.8.3/temporal")),
            Some("1.8.3")
        );
        assert_eq!(version_at(store, Path::new("/usr/bin/temporal")), None);
    }
}
