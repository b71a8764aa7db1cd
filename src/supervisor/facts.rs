//! What we know of an executable: that it is Temporal's, its version, its digest and its template database.
//!
//! Invariant: found out by asking the executable, once for each digest; the cache is a file per digest, written whole. A
//! script (asdf, mise: a shim that runs whatever version is chosen) says nothing of what is behind it: it is asked each time.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::Duration;

use nix::fcntl::OFlag;
use serde::{Deserialize, Serialize};
use tokio::task::yield_now;

use crate::database::cache::Templates;
use crate::directory::Directory;
use crate::error::{Error, Result, remedy_for};
use crate::executable::{Digester, Digests, Key, digest_of, version_from_output};
use crate::failpoint;
use crate::process::oneshot;
use crate::process::server::Exit;
use crate::supervisor::environment::environment;

/// Keeps the UI from fetching news; only some versions know it.
pub(crate) const DISABLE_NEWS: &str = "--ui-disable-news-fetch";

/// How long an executable may take to tell its version.
const PATIENCE: Duration = Duration::from_secs(10);

/// What an executable says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Version of the CLI.
    pub version: String,
    /// Whether it knows [`DISABLE_NEWS`].
    pub can_disable_news: bool,
}

/// Returns the version of an executable, where it is known already.
pub(crate) fn known_version(executable: &Path, directory: Directory) -> Option<String> {
    let key = Key::of(executable)
        .ok()
        .filter(|_| !is_script(executable))?;
    let digest = Digests::read(&directory).get(&key)?.to_owned();
    let facts = read(&Templates::new(directory), &format!("{digest}.json"))?;
    Some(facts.version)
}

/// Returns the digest of an executable, from the cache where it is known.
pub(crate) async fn digest(executable: &Path, templates: &Templates) -> Result<String> {
    let unreadable =
        |error: &std::io::Error| wrong(executable, &format!("cannot be read: {error}"));
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
    let said = ask(executable, &["--version"]).await?;
    let version = version_from_output(&said).ok_or_else(|| {
        let said = said.lines().next().unwrap_or("nothing");
        wrong(
            executable,
            &format!("is not Temporal's: `--version` prints {said:?}"),
        )
    })?;
    let help = ask(executable, &["server", "start-dev", "--help"]).await?;
    let facts = Facts {
        version,
        can_disable_news: help.contains(DISABLE_NEWS),
    };
    write(templates, &name, &facts).ok();
    Ok(facts)
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

async fn ask(executable: &Path, arguments: &[&str]) -> Result<String> {
    let arguments = arguments.iter().map(Into::into).collect();
    let answer = oneshot::run(
        executable,
        arguments,
        environment("version"),
        vec![],
        PATIENCE,
    )
    .await;
    match answer {
        Ok((Exit::Code(0), text)) => Ok(text),
        Ok((exit, text)) => {
            let said = text.lines().find(|line| !line.trim().is_empty());
            let said = said.unwrap_or("nothing");
            Err(wrong(
                executable,
                &format!("does not tell its version ({exit}); it says {said:?}"),
            ))
        }
        Err(error) => Err(wrong(executable, &format!("cannot be run: {error}"))),
    }
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

pub(crate) fn wrong(executable: &Path, problem: &str) -> Error {
    Error::ExecutableNotFound {
        problem: format!("the executable {} {problem}", executable.display()),
        searched: vec![executable.display().to_string()],
        remedy: remedy_for(
            problem,
            "name the official `temporal` executable by `executable=`, or leave that out",
        ),
    }
}
