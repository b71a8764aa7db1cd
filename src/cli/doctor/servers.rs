//! The servers that are known: which run, which were killed, and what a kill has left of them.

use super::finding::{Code, Finding, Look};
use super::world::{Known, Life, World};
use crate::control::message::Kind;
use crate::paths::{STATE_FILE, STATE_FILE_NEW};
use crate::process::holders::locked_files;
use crate::process::identity::describe;
use crate::sweep::left_over;

/// Looks at their states, and at what others have left.
pub(crate) fn look(world: &World) -> Look {
    let mut look = Look::default();
    let shown: Vec<String> = world.servers.iter().map(shown).collect();
    look.at = if shown.is_empty() {
        "no named server".to_owned()
    } else {
        shown.join(", ")
    };
    if let Some(name) = &world.only
        && world.servers.is_empty()
        && world.refused.is_empty()
    {
        look.findings.push(Finding::new(
            Code::NoSuchServer,
            format!("there is no server `{name}`"),
            "`temporal-devserver list` shows those that there are",
        ));
    }
    for known in &world.servers {
        look.findings.extend(life(known));
        look.findings.extend(warnings(known));
        look.findings.extend(state(known));
    }
    look.findings.extend(left(world));
    look
}

fn shown(known: &Known) -> String {
    let state = match &known.life {
        Life::Running(status) => status.state.name(),
        Life::Silent(_) => "silent".to_owned(),
        Life::Killed => "killed".to_owned(),
        Life::Stopped => "stopped".to_owned(),
    };
    format!("{} ({state})", known.name)
}

fn life(known: &Known) -> Option<Finding> {
    let name = &known.name;
    match &known.life {
        Life::Running(status) if status.state == Kind::Failed => {
            let last = status.last_exit.as_deref().unwrap_or("it was never ready");
            Some(Finding::new(
                Code::ServerFailed,
                format!("server `{name}` has failed and is not restarted any more ({last})"),
                format!(
                    "`temporal-devserver logs {name} --tail 20` tells the cause; mend it, then start the server again"
                ),
            ))
        }
        Life::Silent(error) => {
            let mut finding = Finding::of(Code::SupervisorSilent, error);
            let who = known
                .supervisor()
                .map(|supervisor| format!(", {},", describe(supervisor.pid)));
            finding.message = format!(
                "the supervisor of server `{name}`{} does not answer: {}",
                who.unwrap_or_default(),
                finding.message
            );
            Some(finding)
        }
        Life::Killed => Some(Finding::new(
            Code::StaleState,
            format!(
                "server `{name}` was killed, its supervisor too; what is left in {} is harmless",
                known.dir.path().display()
            ),
            "nothing: the next start of it takes over",
        )),
        Life::Running(_) | Life::Stopped => None,
    }
}

/// Says what a server that runs warns of.
fn warnings(known: &Known) -> Vec<Finding> {
    let Life::Running(status) = &known.life else {
        return vec![];
    };
    let finding = |warning: &String| {
        Finding::new(
            Code::ServerWarns,
            format!("server `{}` warns: {warning}", known.name),
            "change what it warns of, then start the server anew; without that it goes on as it is",
        )
    };
    status.warnings.iter().map(finding).collect()
}

/// Looks at the state file.
fn state(known: &Known) -> Vec<Finding> {
    let path = known.dir.path();
    let mut findings = vec![];
    match &known.state {
        Ok(Some(_)) => {}
        Ok(None) => findings.push(Finding::new(
            Code::StateDamaged,
            format!(
                "server `{}`: {} is no JSON; it counts as never written, so a stop may be forgotten",
                known.name,
                path.join(STATE_FILE).display()
            ),
            "start the server: it writes the file anew",
        )),
        Err(error) => {
            let mut finding = Finding::of(Code::StateUnreadable, error);
            finding.fix = format!(
                "remove {} (what it tells is worth nothing while the server does not run)",
                path.join(STATE_FILE).display()
            );
            findings.push(finding);
        }
    }
    let is_dead = matches!(known.life, Life::Killed | Life::Stopped);
    if is_dead && known.dir.directory().has(STATE_FILE_NEW) {
        findings.push(Finding::new(
            Code::HalfMade,
            format!(
                "{} was left by a kill, half written",
                path.join(STATE_FILE_NEW).display()
            ),
            "nothing: the next start of the server replaces it",
        ));
    }
    findings
}

/// Looks for what killed throw-away servers have left, whoever had them.
fn left(world: &World) -> Option<Finding> {
    let locations = world.locations.as_ref().ok()?;
    // Found out only where there is something to ask about.
    let locked = std::cell::OnceCell::new();
    let is_locked = |file| locked.get_or_init(locked_files).contains(&file);
    let found = left_over(locations, is_locked);
    let first = found.first()?;
    Some(Finding::new(
        Code::LeftOverData,
        match found.len() {
            1 => format!("{} was left by a killed server", first.display()),
            count => format!(
                "{count} directories were left by killed servers, the first is {}",
                first.display()
            ),
        },
        "nothing: the next start of any server removes what nobody uses",
    ))
}
