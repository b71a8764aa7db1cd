//! The executable: whether there is one, whether it is Temporal's, and whether it is the one that a server was started with.
//!
//! The fact: a supervisor writes down which executable it has taken, and which version that was; whoever starts the server anew, after
//! all have left it, gets what is found then.

use std::cmp::Ordering;

use super::finding::{Code, Finding, Look};
use super::world::{Known, Life, World};
use crate::database::mark::Version;
use crate::executable::{find, passed_over};
use crate::options::Db;

/// Looks for the executable, and asks it for its version where the cache does not know it.
pub(crate) fn look(world: &World) -> Look {
    let places = world.places(None);
    let mut findings = vec![];
    if world.variable.is_none() {
        let passed = passed_over(&places).into_iter();
        findings.extend(passed.map(|(path, problem)| {
            Finding::new(
                Code::ExecutablePassedOver,
                format!("{} is passed over: it {problem}", path.display()),
                "mend that if it is the one that is meant, else leave it",
            )
        }));
    }
    let mut version = None;
    let at = match find(&places) {
        Err(error) => {
            findings.push(Finding::of(Code::NoExecutable, &error));
            "none found".to_owned()
        }
        // Nothing can be started, and so nothing asked.
        Ok(path) if !world.has_proc => path.display().to_string(),
        Ok(path) => match world.version(&path) {
            Ok(said) => {
                let at = format!("{}, version {said}", path.display());
                version = Some(said);
                at
            }
            Err(error) => {
                findings.push(Finding::of(Code::ExecutableMute, &error));
                path.display().to_string()
            }
        },
    };
    for known in &world.servers {
        findings.extend(changed(world, known));
        findings.extend(
            version
                .as_deref()
                .and_then(|version| differs(known, version)),
        );
    }
    Look { at, findings }
}

/// The finding where a server that runs was started with something that is not there any more: a restart would need it.
fn changed(world: &World, known: &Known) -> Option<Finding> {
    if !matches!(known.life, Life::Running(_) | Life::Silent(_)) {
        return None;
    }
    let identity = known.identity()?;
    let (path, then) = (identity.executable?, identity.version?);
    let problem = match find(&world.places(Some(&path))) {
        Err(_) => "is not there any more".to_owned(),
        Ok(_) => match world.version(&path) {
            Ok(now) if now == then => return None,
            Ok(now) => format!("is version {now} now"),
            Err(_) => "is not Temporal's any more".to_owned(),
        },
    };
    Some(Finding::new(
        Code::ExecutableChanged,
        format!(
            "server `{}` was started with {}, version {then}, which {problem}: it cannot be restarted with it",
            known.name,
            path.display()
        ),
        "put it back, or stop the server and start it anew with the executable that is there",
    ))
}

/// Compares the version that has, or last had, a kept database with the one that would have it next.
fn differs(known: &Known, now: &str) -> Option<Finding> {
    let identity = known.identity()?;
    let (name, then) = (&known.name, identity.version?);
    if !matches!(identity.db, Db::Path(_)) {
        return None;
    }
    let fix = match Version::of(now).cmp(&Version::of(&then)) {
        Ordering::Equal => return None,
        Ordering::Less => {
            format!(
                "nothing, if it is meant; what only {then} knows is not seen, so better use it (`--server-version {then}`)"
            )
        }
        Ordering::Greater => format!(
            "nothing, if it is meant: no version adds to a database, so a start refuses one that lacks what {now} needs; or stay with `--server-version {then}`"
        ),
    };
    let message = format!(
        "server `{name}`: its database was last used by temporal {then}, and the executable found now is {now}"
    );
    Some(Finding::new(Code::VersionDiffers, message, fix))
}
