//! The directories in which we put things: whether there is a place, whether it is ours alone, and whether locks hold there.

use std::fs::File;
use std::path::{Path, PathBuf};

use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::{AccessFlags, faccessat};

use super::finding::{Code, Finding, Look};
use super::world::World;
use crate::data_dir::open_temp;
use crate::directory::{Refused, Unfit, remote_file_system};
use crate::error::Problem;
use crate::paths::{CACHE_DIR, Locations, STATE_DIR, TEMP_DIR};

/// Looks at the four places: named servers, private servers and port locks, templates, throw-away data.
pub(crate) fn look(world: &World) -> Look {
    let mut findings = vec![];
    if !world.has_proc {
        findings.push(Finding::new(
            Code::NoProc,
            "/proc does not show this process: no process can be told from another, nor who has a lock or a port",
            "mount /proc in this container or chroot",
        ));
    }
    let Ok(locations) = &world.locations else {
        let at = "none: which are ours is told by /proc".to_owned();
        return Look { at, findings };
    };
    findings.extend(world.refused.iter().cloned().map(Finding::refused));
    if world.refused.is_empty() {
        findings.extend(named(locations));
    }
    findings.extend(private(locations));
    findings.extend(cache(locations));
    findings.extend(temporary(locations.temp_root()));
    // A root that the user chose is the one of both.
    findings.dedup();
    Look {
        at: shown(locations),
        findings,
    }
}

fn shown(locations: &Locations) -> String {
    let shown = places(locations);
    let shown = shown.map(|(what, root)| format!("{what} {}", root.display()));
    shown.collect::<Vec<_>>().join(", ")
}

/// Returns what lies where.
fn places(locations: &Locations) -> impl Iterator<Item = (&'static str, &Path)> {
    let all = [
        ("named servers", locations.state_root()),
        ("private servers", Some(locations.runtime_root())),
        ("templates", locations.cache_root()),
        ("throw-away data", Some(locations.temp_root())),
    ];
    all.into_iter()
        .filter_map(|(what, root)| Some((what, root?)))
}

/// Returns every root, each once.
pub(crate) fn roots(locations: &Locations) -> Vec<&Path> {
    let mut roots = vec![];
    for (_, root) in places(locations) {
        if !roots.contains(&root) {
            roots.push(root);
        }
    }
    roots
}

/// Named servers: without a place for them, private ones work all the same.
fn named(locations: &Locations) -> Option<Finding> {
    let Some(root) = locations.state_root() else {
        return Some(Finding::new(
            Code::NoPlace,
            "there is no HOME, so named servers have no place; private ones need none",
            format!(
                "set {STATE_DIR} to a directory of your own on a local disk, if you want named ones"
            ),
        ));
    };
    match usable(root, STATE_DIR) {
        Err(Refused {
            path,
            unfit: Unfit::Closed(problem),
            ..
        }) => Some(Finding::new(
            Code::NoPlace,
            format!("named servers have no place: {} {problem}", path.display()),
            format!(
                "set {STATE_DIR} to a directory of your own on a local disk, if you want named ones"
            ),
        )),
        other => other.err().map(Finding::refused),
    }
}

/// Private servers and port locks: no server works without.
fn private(locations: &Locations) -> Option<Finding> {
    let refused = locations.look_at_private().err();
    let refused = refused.or_else(|| usable(locations.runtime_root(), STATE_DIR).err());
    refused.map(Finding::refused)
}

/// Templates: another place stands in for the cache.
fn cache(locations: &Locations) -> Option<Finding> {
    let root = locations.cache_root()?;
    let refused = locations.look_at_cache().err();
    let refused = refused.or_else(|| usable(root, CACHE_DIR).err())?;
    Some(Finding::new(
        Code::CacheUnusable,
        format!(
            "the cache is not used ({}: {}); templates go to {}, and are made again when that is gone",
            refused.path.display(),
            refused.unfit,
            locations.runtime_root().display()
        ),
        format!("make it a directory of your own, or set {CACHE_DIR}"),
    ))
}

/// Throw-away data: the directory for temporary files is never made, and is everybody's.
fn temporary(root: &Path) -> Option<Finding> {
    let refused = match open_temp(root) {
        Err(error) => return Some(Finding::of(Code::DirectoryClosed, &error)),
        Ok(_) => usable(root, TEMP_DIR).err()?,
    };
    Some(Finding::refused(refused))
}

/// Tells whether directories can be made at `path`, or above it where it is missing, and whether locks hold there.
fn usable(path: &Path, variable: &'static str) -> Result<(), Refused> {
    let place = nearest(path);
    let refuse = |unfit| {
        Err(Refused {
            path: place.clone(),
            unfit,
            variable,
        })
    };
    let flags = AccessFlags::W_OK | AccessFlags::X_OK;
    if let Err(errno) = faccessat(AT_FDCWD, &place, flags, AtFlags::AT_EACCESS) {
        return refuse(Unfit::Closed(Problem::of("cannot be written to", &errno)));
    }
    match File::open(&place).and_then(remote_file_system) {
        Ok(kind) => fits(kind).or_else(refuse),
        Err(error) => refuse(Unfit::Closed(Problem::of("cannot be examined", &error))),
    }
}

/// Judges the kind of a file system.
fn fits(remote: Option<&'static str>) -> Result<(), Unfit> {
    remote.map_or(Ok(()), |kind| Err(Unfit::Remote(kind)))
}

/// Returns the path, or what there is of it.
pub(crate) fn nearest(path: &Path) -> PathBuf {
    let existing = path.ancestors().find(|path| path.exists());
    existing.unwrap_or(Path::new("/")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_file_system_is_found_and_a_local_one_is_not() {
        assert_eq!(fits(None), Ok(()));
        let refused = Refused {
            path: PathBuf::from("/mnt/nfs"),
            unfit: fits(Some("NFS")).unwrap_err(),
            variable: TEMP_DIR,
        };
        let finding = Finding::refused(refused);
        assert_eq!(finding.code, Code::NetworkFileSystem);
        assert!(finding.message.contains("/mnt/nfs") && finding.message.contains("NFS"));
        assert!(finding.fix.contains("TMPDIR"), "{}", finding.fix);
    }

    #[test]
    fn what_is_missing_is_judged_by_what_is_above_it() {
        let temp = tempfile::tempdir().unwrap();
        assert_eq!(nearest(&temp.path().join("a/b/c")), temp.path());
        assert_eq!(usable(&temp.path().join("a/b"), TEMP_DIR), Ok(()));
    }
}
