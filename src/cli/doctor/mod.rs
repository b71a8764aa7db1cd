//! `doctor`: looks for what keeps a server from working, and says what to do about it.
//!
//! Invariant: nothing is changed, not even what a start would mend; what is found is what the code that starts a server would
//! find, for it is asked by the same functions. One area that cannot be looked at does not keep the others.

mod databases;
mod directories;
mod disk;
mod environment;
mod executable;
mod files;
mod finding;
mod limits;
mod ports;
mod processes;
mod servers;
mod show;
mod world;

use self::finding::Look;
use self::world::World;
use crate::cli::wait::end_at_ctrl_c;
use crate::cli::{FAILED, Failure, OK, say};
use crate::session::Host;

/// A look at one area.
type Looking = fn(&World) -> Look;

/// What is looked at, in this order.
const AREAS: [(&str, Looking); 9] = [
    ("executable", executable::look),
    ("ports", ports::look),
    ("servers", servers::look),
    ("databases", databases::look),
    ("directories", directories::look),
    ("disk", disk::look),
    ("processes", processes::look),
    ("environment", environment::look),
    ("limits", limits::look),
];

/// Looks at everything, or as far as servers are concerned at the one that is named.
pub(crate) fn doctor(name: Option<String>, is_json: bool, host: Host) -> Result<u8, Failure> {
    end_at_ctrl_c()?;
    let world = World::see(name, host)?;
    let areas = AREAS.map(|(area, look)| (area, look(&world)));
    if is_json {
        say(&show::value(&areas))?;
    } else {
        say(&show::text(&areas))?;
    }
    let [errors, ..] = show::counts(&areas);
    Ok(if errors == 0 { OK } else { FAILED })
}
