//! Finds out about an executable: that it is Temporal's, its version, the flags that it knows, its digest.
//!
//! Invariant: found out by asking the executable, once for each digest; the cache is a file per digest, written whole. A
//! script (asdf, mise: a shim that runs whatever version is chosen) says nothing of what is behind it: it is asked each time.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::Duration;

use nix::fcntl::OFlag;
use serde_json::Value;
use tokio::task::yield_now;

use crate::database::cache::Templates;
use crate::error::{Error, Problem, Result};
use crate::executable::{
    Digester, Digests, Facts, Key, KeyScan, Keys, digest_of, version_from_output,
};
use crate::failpoint;
use crate::process::oneshot;
use crate::process::server::Exit;
use crate::supervisor::command_line::{DISPENSABLE, every_flag};
use crate::supervisor::environment::environment;

/// How long an executable may take to answer a question.
const PATIENCE: Duration = Duration::from_secs(10);

/// Returns the digest of an executable, from the cache where it is known.
pub(crate) async fn digest(executable: &Path, templates: &Templates) -> Result<String> {
    let unreadable =
        |error: &std::io::Error| wrong(executable, Problem::of("cannot be read", error));
    let key = Key::of(executable).map_err(|error| unreadable(&error))?;
    if let Some(digest) = Digests::read(templates.directory()).get(&key) {
        return Ok(digest.to_owned());
    }
    let mut digester = Digester::open(executable).map_err(|error| unreadable(&error))?;
    loop {
        if let Some((key, digest)) = digester.step().map_err(|error| unreadable(&error))? {
            // A cache that cannot be written costs time, nothing else.
            Digests::add(templates.directory(), key, digest.clone()).ok();
            return Ok(digest);
        }
        yield_now().await;
    }
}

/// Returns the facts about an executable, from the cache where they are known.
pub(crate) async fn facts(executable: &Path, digest: &str, templates: &Templates) -> Result<Facts> {
    let name = format!("{digest}.json");
    if let Some(facts) = read(templates, &name).filter(|_| !is_script(executable)) {
        return Ok(facts);
    }
    let version = version(executable).await?;
    let facts = flags(executable, version).await?;
    write(templates, &name, &facts).ok();
    Ok(facts)
}

/// Returns what an executable knows of the keys of a dynamic configuration; where there are none, it is not looked at.
pub(crate) async fn keys(
    executable: &Path,
    config: &BTreeMap<String, Value>,
    templates: &Templates,
) -> Result<Keys> {
    let unreadable =
        |error: &std::io::Error| wrong(executable, Problem::of("cannot be read", error));
    let mut scan = KeyScan::open(executable, config.keys(), templates.directory())
        .map_err(|error| unreadable(&error))?;
    loop {
        if let Some(keys) = scan.step().map_err(|error| unreadable(&error))? {
            return Ok(keys);
        }
        yield_now().await;
    }
}

/// Asks an executable for its version.
pub(crate) async fn version(executable: &Path) -> Result<String> {
    let (exit, said) = ask(executable, vec!["--version".into()]).await?;
    let said_first = first(&said);
    if exit != Exit::Code(0) {
        let problem = format!("does not tell its version; it says {said_first:?}");
        return Err(wrong(
            executable,
            Problem::ended(problem, &exit).said(said.lines()),
        ));
    }
    version_from_output(&said).ok_or_else(|| {
        let problem = format!("is not Temporal's: `--version` prints {said_first:?}");
        wrong(executable, &problem)
    })
}

/// Returns the version of an executable that the cache knows; it is neither hashed nor asked.
pub(crate) fn known_version(executable: &Path, templates: &Templates) -> Option<String> {
    let key = Key::of(executable).ok()?;
    let digests = Digests::read(templates.directory());
    let facts = read(templates, &format!("{}.json", digests.get(&key)?));
    Some(facts.filter(|_| !is_script(executable))?.version)
}

/// Returns the name of the template for an executable: a script's depends on what is behind it now.
pub(crate) fn template_name(executable: &Path, digest: &str, facts: &Facts) -> String {
    if is_script(executable) {
        digest_of(&format!("{digest} {}", facts.version))
    } else {
        digest.to_owned()
    }
}

fn is_script(executable: &Path) -> bool {
    let mut begin = [0; 2];
    let read = File::open(executable).and_then(|mut file| file.read_exact(&mut begin));
    read.is_ok() && &begin == b"#!"
}

/// Finds out which flags an executable does not know: it is given them all, and asked for help instead of a server.
///
/// A list of flags in some text would not do: from 1.8 on, that of `start-dev` leaves out those of all commands.
async fn flags(executable: &Path, version: String) -> Result<Facts> {
    let mut facts = Facts {
        version,
        unknown: BTreeSet::new(),
    };
    loop {
        let mut arguments = every_flag(&facts);
        arguments.push("--help".into());
        let (exit, said) = ask(executable, arguments).await?;
        match unknown_flag(&said) {
            Some(flag) if DISPENSABLE.contains(&flag) && facts.knows(flag) => {
                facts.unknown.insert(flag.to_owned());
            }
            Some(flag) => {
                let version = &facts.version;
                let problem = format!(
                    "is temporal {version}, which does not know `{flag}`, as 1.5.1 and newer do"
                );
                return Err(wrong(executable, &problem));
            }
            // 1.6 calls it an error that it was asked for help.
            None if exit == Exit::Code(0) || said.contains("help requested") => return Ok(facts),
            None => {
                let problem = format!("does not tell its flags; it says {:?}", first(&said));
                let problem = Problem::ended(problem, &exit).said(said.lines());
                return Err(wrong(executable, problem));
            }
        }
    }
}

/// Returns the flag about which an executable complains.
fn unknown_flag(said: &str) -> Option<&str> {
    let (_, rest) = said.split_once("unknown flag: ")?;
    rest.split_whitespace().next()
}

/// Asks an executable something; returns how it ended, and what it said.
async fn ask(executable: &Path, arguments: Vec<OsString>) -> Result<(Exit, String)> {
    let environment = environment("version");
    let answer = oneshot::run(executable, arguments, environment, vec![], PATIENCE).await;
    answer.map_err(|error| match error.raw_os_error() {
        Some(libc::ENOENT) => wrong(
            executable,
            "cannot be run: the interpreter or the loader that it names is not there",
        ),
        Some(libc::ENOEXEC) => wrong(
            executable,
            "cannot be run: it is no program for this machine",
        ),
        _ => wrong(executable, Problem::of_spawn("cannot be run", &error)),
    })
}

/// Returns the first line that says something.
fn first(said: &str) -> &str {
    let line = said.lines().find(|line| !line.trim().is_empty());
    line.unwrap_or("nothing")
}

fn read(templates: &Templates, name: &str) -> Option<Facts> {
    let file = templates
        .directory()
        .open_file(name, OFlag::O_RDONLY)
        .ok()?;
    let mut text = String::new();
    file.take(1 << 16).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn write(templates: &Templates, name: &str, facts: &Facts) -> std::io::Result<()> {
    let new = format!("{name}.{}", std::process::id());
    let mut file = templates
        .directory()
        .open_file(&new, OFlag::O_CREAT | OFlag::O_WRONLY | OFlag::O_TRUNC)?;
    failpoint::pass("facts.write")?;
    file.write_all(&serde_json::to_vec(facts)?)?;
    templates.directory().rename(&new, name)
}

/// The error for a file that is no usable executable.
fn wrong(executable: &Path, problem: impl Into<Problem>) -> Error {
    let official = "name the official `temporal` executable of this platform by `executable=`";
    unusable(executable, problem, official)
}

/// The error for an executable that cannot be used.
pub(crate) fn unusable(executable: &Path, problem: impl Into<Problem>, remedy: &str) -> Error {
    let problem = problem.into();
    Error::ExecutableNotFound {
        problem: format!("the executable {} {problem}", executable.display()),
        searched: vec![executable.display().to_string()],
        remedy: problem.remedy(remedy),
        installable: None,
    }
}
