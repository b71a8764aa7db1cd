//! Where things live: every directory and every file name, decided once.
//!
//! Invariant: every process of one user with one environment gets the same answers, for that is how clients find a
//! server. Named servers live below the state root and need one; private servers, port locks and (where nothing else can
//! be written) templates live below the runtime root, which needs neither HOME nor a passwd entry.
//!
//! The runtime root is the first of these that there is: `TEMPORAL_DEVSERVER_STATE_DIR`; our directory in `XDG_RUNTIME_DIR`,
//! where that is ours; in `/tmp`, where that can be used; in `TMPDIR`. `/tmp` goes before `TMPDIR`, for the locks of ports
//! have to be the same for all programs of a user, and `TMPDIR` may be another one in each of them.

mod server_dir;

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::{AccessFlags, Uid, faccessat};
use serde::{Deserialize, Serialize};

pub use self::server_dir::{
    CONTROL_SOCKET, DATABASE, SERVER_LOCK, SERVER_LOG, SPAWN_LOCK, STATE_FILE, SUPERVISOR_LOCK,
    SUPERVISOR_LOG, ServerDir, check_name,
};
pub(crate) use self::server_dir::{PRIVATE_CONTENTS, STATE_FILE_NEW};
use crate::directory::{Directory, Refused, Unfit, refusal, remote_file_system};
use crate::error::{Error, Problem, Result};

/// The variable that moves everything but throw-away data and templates.
pub const STATE_DIR: &str = "TEMPORAL_DEVSERVER_STATE_DIR";
/// The variable that moves the templates, the digests and what was downloaded.
pub const CACHE_DIR: &str = "TEMPORAL_DEVSERVER_CACHE_DIR";
/// The variable that moves throw-away data.
pub const TEMP_DIR: &str = "TMPDIR";
/// The directory for temporary files that every program of the machine knows.
const COMMON_TEMP: &str = "/tmp";
/// What goes before [`STATE_DIR`] for the state root: an option of the server.
const STATE_DIR_OPTION: &str = "`state_dir`";
/// The directory of downloaded executables in the cache.
const EXECUTABLES: &str = "executables";
/// Our directory in other people's directories.
const OURS: &str = "temporal-devserver";

/// The places in which we put things. It travels to the supervisor, whose working directory is `/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locations {
    /// Below it: named servers. `None` without HOME or anything that stands in for it.
    state: Option<Root>,
    /// Whether the option `state_dir` has chosen the state root, so that no variable moves it.
    #[serde(default)]
    by_option: bool,
    /// Below it: private servers and port locks.
    runtime: Root,
    /// Below it: templates, digests and downloaded executables. `None` as with `state`.
    cache: Option<Root>,
    /// Below it: throw-away data.
    temp: PathBuf,
}

/// A directory below which ours lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Root {
    /// Absolute path.
    path: PathBuf,
    /// Whether the user chose it: then it may be open to others, since only our directories in it must not be.
    chosen: bool,
}

impl Locations {
    /// Decides from the environment (`lookup`), and from the option `state_dir`, which goes before its variable.
    ///
    /// Relative paths are resolved here; values that the XDG specification calls invalid are passed over.
    pub fn from_environment(
        lookup: impl Fn(&str) -> Option<OsString>,
        state_dir: Option<&Path>,
    ) -> Result<Self> {
        let path = |variable: &str| {
            let value = lookup(variable).filter(|value| !value.is_empty());
            value.map(PathBuf::from)
        };
        let absolute = |variable: &str| path(variable).filter(|path| path.is_absolute());
        let xdg = |variable: &str, below_home: &str| {
            let base =
                absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(below_home)));
            base.map(|base| Root::ours(base.join(OURS)))
        };
        let by_option = state_dir.is_some();
        let state_dir = state_dir.map(Path::to_owned).or_else(|| path(STATE_DIR));
        let chosen = state_dir.as_deref().map(Root::chosen).transpose()?;
        let cache = path(CACHE_DIR).as_deref().map(Root::chosen).transpose()?;
        let temp = absolute(TEMP_DIR);
        let runtime = match path(STATE_DIR) {
            Some(path) => Root::chosen(&path)?,
            None => {
                let common = Path::new(COMMON_TEMP);
                Root::ours(runtime_root(
                    absolute("XDG_RUNTIME_DIR"),
                    common,
                    temp.as_deref(),
                )?)
            }
        };
        Ok(Self {
            by_option,
            state: chosen.or_else(|| xdg("XDG_STATE_HOME", ".local/state")),
            runtime,
            cache: cache.or_else(|| xdg("XDG_CACHE_HOME", ".cache")),
            temp: temp.unwrap_or_else(|| PathBuf::from(COMMON_TEMP)),
        })
    }

    /// Opens the directory of the named servers.
    pub fn servers(&self) -> Result<Directory> {
        let root = self.state.as_ref().ok_or_else(no_home)?;
        root.open(self.mover())?.make("servers")
    }

    /// Opens the directory of the private servers.
    pub fn private(&self) -> Result<Directory> {
        self.runtime.open(STATE_DIR)?.make("private")
    }

    /// Opens the directory of the port locks: one for each network namespace, as ports are the namespace's.
    pub fn ports(&self) -> Result<Directory> {
        let namespace = namespace_inode("net").map_err(|error| no_proc(&error))?;
        self.runtime
            .open(STATE_DIR)?
            .make(&format!("ports-{namespace}"))
    }

    /// Opens the directory of templates and digests; below the runtime root where the cache cannot be written.
    pub fn templates(&self) -> Result<Directory> {
        let cached = self.cache.as_ref().and_then(|root| {
            let directory = root.open(CACHE_DIR).ok()?.make("templates").ok()?;
            directory.is_writable().then_some(directory)
        });
        match cached {
            Some(directory) => Ok(directory),
            None => self.runtime.open(STATE_DIR)?.make("templates"),
        }
    }

    /// Opens the directory of the named servers as it is; `None` where there is none yet.
    pub(crate) fn look_at_servers(&self) -> Result<Option<Directory>, Refused> {
        let root = self.state.as_ref();
        root.map_or(Ok(None), |root| root.look("servers", self.mover()))
    }

    /// Opens the directory of the private servers as it is; `None` where there is none yet.
    pub(crate) fn look_at_private(&self) -> Result<Option<Directory>, Refused> {
        self.runtime.look("private", STATE_DIR)
    }

    /// Opens the directory of templates in the cache as it is; `None` where there is none yet.
    pub(crate) fn look_at_cache(&self) -> Result<Option<Directory>, Refused> {
        let root = self.cache.as_ref();
        root.map_or(Ok(None), |root| root.look("templates", CACHE_DIR))
    }

    /// Opens the directory of templates that stands in for the cache as it is; `None` where there is none yet.
    pub(crate) fn look_at_spare_cache(&self) -> Result<Option<Directory>, Refused> {
        self.runtime.look("templates", STATE_DIR)
    }

    /// Returns the directory of downloaded executables as it is, where there is one that others cannot write into.
    pub(crate) fn look_at_executables(&self) -> Option<PathBuf> {
        let found = self.cache.as_ref()?.look(EXECUTABLES, CACHE_DIR).ok()??;
        Some(found.path().to_owned())
    }

    /// Returns what moves the state root.
    fn mover(&self) -> &'static str {
        if self.by_option {
            STATE_DIR_OPTION
        } else {
            STATE_DIR
        }
    }

    /// Returns the directory below which named servers lie, where there is one.
    pub(crate) fn state_root(&self) -> Option<&Path> {
        self.state.as_ref().map(|root| root.path.as_path())
    }

    /// Returns the directory below which templates lie, where there is one.
    pub(crate) fn cache_root(&self) -> Option<&Path> {
        self.cache.as_ref().map(|root| root.path.as_path())
    }

    /// Opens the directory of downloaded executables, made where it is missing.
    pub fn make_executables(&self) -> Result<Directory> {
        let root = self.cache.as_ref().ok_or_else(no_cache)?;
        root.open(CACHE_DIR)?.make(EXECUTABLES)
    }

    /// Returns the directory of downloaded executables, and makes nothing; `None` where it has no place, and where others may
    /// have put something into it.
    pub fn executables(&self) -> Option<PathBuf> {
        let path = self.cache.as_ref()?.path.join(EXECUTABLES);
        let is_missing = path.symlink_metadata().is_err();
        (is_missing || self.make_executables().is_ok()).then_some(path)
    }

    /// Returns the directory below which private servers lie.
    pub fn runtime_root(&self) -> &Path {
        &self.runtime.path
    }

    /// Returns the directory in which throw-away data directories are made.
    pub fn temp_root(&self) -> &Path {
        &self.temp
    }
}

impl Root {
    fn ours(path: PathBuf) -> Self {
        Self {
            path,
            chosen: false,
        }
    }

    fn chosen(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path).map_err(|error| {
            let problem = Problem::of("cannot be made absolute", &error);
            refusal(path, problem, STATE_DIR)
        })?;
        Ok(Self { path, chosen: true })
    }

    /// Makes it, and checks it; one that the user chose may be entered by others (`/tmp` may be chosen).
    fn open(&self, variable: &'static str) -> Result<OpenRoot<'_>> {
        let ours = if self.chosen {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&self.path)
                .map_err(|e| refusal(&self.path, Problem::of("cannot be created", &e), variable))?;
            self.check_chosen(variable)?;
            None
        } else {
            Some(Directory::make(&self.path, variable)?)
        };
        Ok(OpenRoot {
            root: self,
            ours,
            variable,
        })
    }

    fn check_chosen(&self, variable: &'static str) -> Result<(), Refused> {
        check_chosen(&self.path).map_err(|unfit| Refused {
            path: self.path.clone(),
            unfit,
            variable,
        })
    }

    /// Opens the directory `name` in it as it is; `None` where there is none yet.
    fn look(&self, name: &str, variable: &'static str) -> Result<Option<Directory>, Refused> {
        if !self.path.exists() && !self.path.is_symlink() {
            return Ok(None);
        }
        if self.chosen {
            self.check_chosen(variable)?;
            return Directory::look(&self.path.join(name), variable);
        }
        match Directory::look(&self.path, variable)? {
            Some(root) => root.look_child(name.as_ref()),
            None => Ok(None),
        }
    }
}

/// Checks that nobody but us (and root) can put something else into the place of what we make in a chosen root.
fn check_chosen(path: &Path) -> Result<(), Unfit> {
    let metadata = path
        .symlink_metadata()
        .map_err(|error| Unfit::Closed(Problem::of("cannot be examined", &error)))?;
    if metadata.is_symlink() {
        return Err(Unfit::Link);
    }
    let (owner, euid) = (metadata.uid(), Uid::effective().as_raw());
    if owner != euid && owner != 0 {
        return Err(Unfit::Foreign { owner, euid });
    }
    let mode = metadata.mode() & 0o7777;
    let is_sticky = mode & 0o1000 != 0;
    if mode & 0o022 != 0 && !is_sticky {
        return Err(Unfit::Writable(mode));
    }
    Ok(())
}

/// A root that exists.
struct OpenRoot<'a> {
    /// Which one.
    root: &'a Root,
    /// The root itself, where it must be ours alone.
    ours: Option<Directory>,
    /// What the remedy of an error names.
    variable: &'static str,
}

impl OpenRoot<'_> {
    /// Opens the directory `name` in it, made where it is missing.
    fn make(&self, name: &str) -> Result<Directory> {
        match &self.ours {
            Some(directory) => directory.make_child(name),
            None => Directory::make(&self.root.path.join(name), self.variable),
        }
    }
}

/// The runtime root. Its name carries the pid namespace: containers that share the directory cannot see each other's
/// processes, so neither could tell a survivor of the other from nothing.
///
/// `common` and `temp` are the directories for temporary files of the machine and of this process.
fn runtime_root(xdg: Option<PathBuf>, common: &Path, temp: Option<&Path>) -> Result<PathBuf> {
    let namespace = namespace_inode("pid").map_err(|error| no_proc(&error))?;
    let uid = Uid::effective().as_raw();
    // `sudo` and containers leave the variable pointing to somebody else's directory, or to nothing.
    let is_ours = |path: &PathBuf| {
        std::fs::metadata(path).is_ok_and(|metadata| metadata.is_dir() && metadata.uid() == uid)
    };
    Ok(match xdg.filter(is_ours) {
        Some(directory) => directory.join(format!("{OURS}-{namespace}")),
        None => {
            let temp = temp.filter(|temp| !can_be_used(common) && can_be_used(temp));
            let directory = temp.unwrap_or(common);
            directory.join(format!("{OURS}-{uid}-{namespace}"))
        }
    })
}

/// Tells whether we can make a directory in this one, and whether locks hold there.
fn can_be_used(directory: &Path) -> bool {
    let flags = AccessFlags::W_OK | AccessFlags::X_OK;
    let is_open = faccessat(AT_FDCWD, directory, flags, AtFlags::AT_EACCESS).is_ok();
    is_open && matches!(File::open(directory).and_then(remote_file_system), Ok(None))
}

fn namespace_inode(kind: &str) -> io::Result<u64> {
    Ok(std::fs::metadata(format!("/proc/self/ns/{kind}"))?.ino())
}

fn no_proc(error: &io::Error) -> Error {
    let problem = Problem::of("/proc/self/ns cannot be read", error);
    Error::UnsupportedPlatform {
        remedy: problem.remedy("mount /proc in this container or chroot"),
        problem: problem.to_string(),
    }
}

fn no_home() -> Error {
    Error::StateDir {
        path: "~/.local/state".to_owned(),
        problem: "there is no HOME, so a named server has no place".to_owned(),
        remedy: format!(
            "set {STATE_DIR} to a directory of your own on a local disk, or leave the name out (a private server needs none)"
        ),
    }
}

fn no_cache() -> Error {
    Error::StateDir {
        path: "~/.cache".to_owned(),
        problem: "there is no HOME, so what is downloaded has no place".to_owned(),
        remedy: format!("set {CACHE_DIR} to a directory of your own on a local disk"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locations(pairs: &[(&str, &str)]) -> Locations {
        let lookup = |name: &str| {
            let pair = pairs.iter().find(|(key, _)| *key == name);
            pair.map(|(_, value)| OsString::from(value))
        };
        Locations::from_environment(lookup, None).unwrap()
    }

    fn state(locations: &Locations) -> &Path {
        &locations.state.as_ref().unwrap().path
    }

    #[test]
    fn the_variable_goes_before_xdg_and_xdg_before_home() {
        let all = [
            (STATE_DIR, "/own"),
            ("XDG_STATE_HOME", "/xdg"),
            ("HOME", "/home/me"),
        ];
        assert_eq!(state(&locations(&all)), Path::new("/own"));
        assert_eq!(
            state(&locations(&all[1..])),
            Path::new("/xdg/temporal-devserver")
        );
        assert_eq!(
            state(&locations(&all[2..])),
            Path::new("/home/me/.local/state/temporal-devserver")
        );
        assert_eq!(locations(&all).runtime.path, Path::new("/own"));
    }

    #[test]
    fn the_option_goes_before_the_variable() {
        let lookup = |name: &str| (name == STATE_DIR).then(|| OsString::from("/own"));
        let found = Locations::from_environment(lookup, Some(Path::new("/option"))).unwrap();
        assert_eq!(state(&found), Path::new("/option"));
        assert_eq!(found.runtime.path, Path::new("/own"));
    }

    #[test]
    fn without_home_only_named_servers_have_no_place() {
        let temp = tempfile::tempdir().unwrap();
        let runtime = temp.path().to_str().unwrap();
        let found = locations(&[("XDG_RUNTIME_DIR", runtime)]);
        let text = found.servers().unwrap_err().to_string();
        assert!(text.contains(STATE_DIR), "{text}");
        assert!(found.private().unwrap().path().starts_with(temp.path()));
        assert!(found.ports().unwrap().path().starts_with(temp.path()));
        assert!(found.templates().unwrap().path().starts_with(temp.path()));
        assert_eq!(found.temp_root(), Path::new("/tmp"));
    }

    #[test]
    fn empty_and_relative_values_are_no_values() {
        let found = locations(&[
            (STATE_DIR, ""),
            ("XDG_STATE_HOME", "x"),
            ("HOME", "/h"),
            ("TMPDIR", "t"),
            ("XDG_RUNTIME_DIR", "/no/such/directory"),
        ]);
        assert_eq!(
            state(&found),
            Path::new("/h/.local/state/temporal-devserver")
        );
        assert_eq!(found.temp_root(), Path::new("/tmp"));
        let runtime = found.runtime.path.to_str().unwrap();
        assert!(runtime.starts_with("/tmp/temporal-devserver-"), "{runtime}");
    }

    #[test]
    fn the_common_temporary_directory_goes_before_ones_own_where_it_can_be_used() {
        let there = tempfile::tempdir().unwrap();
        let (there, gone) = (there.path(), Path::new("/no/such/directory"));
        let root = |common, temp| runtime_root(None, common, temp).unwrap();
        let own = tempfile::tempdir().unwrap();
        assert!(root(there, Some(own.path())).starts_with(there));
        assert!(root(gone, Some(own.path())).starts_with(own.path()));
        // What is refused then names the directory that everybody knows.
        assert!(root(gone, Some(gone)).starts_with(gone));
        assert!(root(gone, None).starts_with(gone));
        let xdg = runtime_root(Some(there.to_owned()), gone, Some(own.path())).unwrap();
        assert!(xdg.starts_with(there));
    }

    #[test]
    fn an_option_that_chose_the_state_root_is_what_moves_it() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(temp.path().join("file"), "").unwrap();
        let found = Locations::from_environment(|_| None, Some(&temp.path().join("file")));
        let error = found.unwrap().servers().unwrap_err().to_string();
        assert!(error.contains("set `state_dir` to one"), "{error}");
    }

    #[test]
    fn a_chosen_root_may_be_open_to_others_and_ours_in_it_is_not() {
        use std::os::unix::fs::PermissionsExt as _;
        let temp = tempfile::tempdir().unwrap();
        std::fs::set_permissions(temp.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let found = locations(&[(STATE_DIR, temp.path().to_str().unwrap())]);
        let servers = found.servers().unwrap();
        let mode = std::fs::metadata(servers.path()).unwrap().mode() & 0o777;
        assert_eq!(mode, 0o700);
    }
}
