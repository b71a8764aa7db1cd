//! `events`: what has happened to a server, and what happens.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::cli::args::Events;
use crate::cli::changed::next;
use crate::cli::query::existing;
use crate::cli::wait::end_at_ctrl_c;
use crate::cli::{Failure, OK, print};
use crate::control::message::Event;
use crate::session::Follow;

/// Shows the events of a server; of one supervisor's life the last thousand are known.
pub(crate) fn events(which: &Events) -> Result<u8, Failure> {
    end_at_ctrl_c()?;
    let mut follow = Follow::new(existing(&which.name)?, &which.name);
    while let Some(events) = next(&mut follow)? {
        let lines = events.iter().map(|event| {
            if which.json {
                format!("{}\n", json!(event))
            } else {
                line(event)
            }
        });
        print(lines.collect::<String>().as_bytes())?;
        if !which.follow {
            break;
        }
    }
    Ok(OK)
}

/// Returns an event as a line: when it happened, by the clocks here, and what.
fn line(event: &Event) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "whole seconds are meant")]
    let at = Timestamp::from_second(event.time as i64).unwrap_or_default();
    let shown = TimeZone::system().to_datetime(at);
    format!(
        "{} {:<10} {}\n",
        shown.strftime("%Y-%m-%d %H:%M:%S"),
        event.kind.name(),
        event.message
    )
}
