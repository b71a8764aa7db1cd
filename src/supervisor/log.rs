//! The supervisor's own log, and the tail of the server's.
//!
//! Invariant: both are plain files opened for appending; no pipe, so that no slow or dead reader ever blocks a writer.

use std::fmt;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::Mutex;

use nix::fcntl::OFlag;
use tracing::field::Field;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::directory::Directory;
use crate::error::Result;
use crate::log_choice::{LogChoice, VARIABLE};
use crate::paths::SUPERVISOR_LOG;
use crate::supervisor::rotation::rotate;

/// Lines of a tail.
const LINES: usize = 20;

/// Characters of a line in a tail.
const LONGEST: usize = 800;

/// Bytes that a tail looks at: the stacks of a server that died of a fatal error have some hundred thousand.
const WINDOW: u64 = 1 << 20;

/// How a refused command line is told of.
const REFUSED: &str = "Error: ";

/// How the line begins that names the cause of an end: those of the Go runtime, and of a refused command line.
const CAUSES: [&str; 4] = ["panic: ", "fatal error: ", "runtime: ", REFUSED];

/// Sends our own log lines to the supervisor's log; [`VARIABLE`] says which, and how.
pub(crate) fn install(directory: &Directory) -> Result<()> {
    // A defect must not leave a supervisor half alive: it dies, the server with it, and the clients bring both back.
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!("the supervisor has a defect: {panic}");
        std::process::abort();
    }));
    let file = Mutex::new(open(directory, SUPERVISOR_LOG)?);
    // Who started us has looked at it; should it be another one by now, no server is worth less for that.
    let (choice, wrong) = match LogChoice::of(std::env::var_os(VARIABLE).as_deref()) {
        Ok(choice) => (choice, None),
        Err(error) => (LogChoice::default(), Some(error)),
    };
    let targets = Targets::new()
        .with_default(choice.level)
        .with_targets(choice.parts.clone());
    let lines = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(file);
    if choice.is_json {
        let lines = lines.json().flatten_event(true);
        let lines = lines.with_current_span(false).with_span_list(false);
        lines.finish().with(targets).try_init().ok();
    } else {
        let lines = lines.with_ansi(false).fmt_fields(debug_fn(write_field));
        // Whoever singles out parts wants to know which part says what.
        let lines = lines.with_target(!choice.parts.is_empty());
        lines.finish().with(targets).try_init().ok();
    }
    if let Some(error) = wrong {
        tracing::warn!(%error, "what is to be logged could not be understood");
    }
    Ok(())
}

/// Writes one field of a line of text, the sentence first. What an event is called is for programs: the sentence says it.
fn write_field(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    match field.name() {
        "message" => write!(writer, "{value:?}"),
        "event" => Ok(()),
        name => write!(writer, " {name}={value:?}"),
    }
}

/// Opens a log for appending.
pub(crate) fn open(directory: &Directory, name: &str) -> Result<File> {
    rotate(directory, name);
    directory.open_log(name)
}

/// Returns the lines of a log that say most of how its writer ended, none from before `offset`: the last ones, or those from
/// the one on that names the cause, where that stands further up.
pub(crate) fn tail(directory: &Directory, name: &str, offset: u64) -> Vec<String> {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = directory.open_file(name, OFlag::O_RDONLY)?;
        let end = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(
            end.saturating_sub(WINDOW).max(offset.min(end)),
        ))?;
        let mut bytes = vec![];
        file.take(WINDOW).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    telling(&String::from_utf8_lossy(&read().unwrap_or_default()))
}

/// Chooses the lines. A dying Go program prints first why, and then its stacks; a refused command line is followed by a manual.
fn telling(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().filter(|it| !it.trim().is_empty()).collect();
    let last = lines.len().saturating_sub(LINES);
    let is_cause = |line: &&str| CAUSES.iter().any(|cause| line.starts_with(cause));
    let cause = lines.iter().position(is_cause).unwrap_or(last);
    let chosen = lines.iter().skip(cause.min(last)).take(LINES);
    chosen
        .map(|line| line.chars().take(LONGEST).collect())
        .collect()
}

/// Returns why a command line was refused, where these are the words of one that was: the manual follows.
pub(crate) fn refusal(lines: &[String]) -> Option<&str> {
    let mut pairs = lines.iter().zip(lines.iter().skip(1));
    pairs.find_map(|(line, next)| {
        let why = line.strip_prefix(REFUSED)?;
        next.starts_with("Usage:").then_some(why)
    })
}

/// Tells whether the words that refuse a command line name one of these arguments: a flag of theirs, or a word that is no flag.
pub(crate) fn names_one_of(why: &str, arguments: &[String]) -> bool {
    let between = |c: char| c.is_whitespace() || "\"'`:,=[]".contains(c);
    let words: Vec<&str> = why.split(between).collect();
    let is_flag = |word: &str| word.len() > 1 && word.starts_with('-');
    let is_about_flags = words.iter().any(|word| is_flag(word));
    arguments.iter().any(|argument| {
        let name = argument.split('=').next().unwrap_or_default();
        // `-ovalue` is the flag `-o` with its value.
        let is_it = |word: &&str| *word == name || (word.len() == 2 && name.starts_with(*word));
        if is_about_flags {
            is_flag(name) && words.iter().filter(|word| is_flag(word)).any(is_it)
        } else {
            words.contains(&argument.as_str())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(cause: &[&str], more: usize) -> Vec<String> {
        let before = (0..5).map(|i| format!("before {i}"));
        let stack = (0..more).map(|i| format!("\tframe {i}"));
        let cause = cause.iter().map(ToString::to_string);
        let text: Vec<String> = before.chain(cause).chain(stack).collect();
        telling(&text.join("\n\n"))
    }

    #[test]
    fn the_lines_begin_with_the_cause_where_the_last_ones_do_not_have_it() {
        for cause in [
            "panic: no such table",
            "fatal error: out of memory",
            "runtime: no threads",
        ] {
            let lines = after(&[cause, "goroutine 1 [running]:"], 400);
            assert_eq!((&*lines[0], lines.len()), (cause, LINES));
        }
        let lines = after(&["panic: short"], 4);
        assert_eq!((&*lines[0], &*lines[5]), ("before 0", "panic: short"));
        let lines = after(&["it says panic: in the middle"], 400);
        assert_eq!(lines.last().unwrap(), "\tframe 399");
    }

    #[test]
    fn a_refusal_is_blamed_on_an_argument_that_it_names() {
        let given = ["--odd=1", "-ovalue", "--level", "loud"].map(str::to_owned);
        for why in [
            "unknown flag: --odd",
            "unknown shorthand flag: 'v' in -ovalue",
            r#"invalid argument "value" for "-o, --output" flag: no"#,
            r#"invalid argument "loud" for "--level" flag: no"#,
            r#"unknown command "loud" for "temporal server start-dev""#,
        ] {
            assert!(names_one_of(why, &given), "{why}");
        }
        for why in [
            "unknown flag: --disable-config-file",
            "unknown flag: --odder",
            r#"invalid argument "loud" for "--ip" flag: no"#,
            "bind: address already in use",
        ] {
            assert!(!names_one_of(why, &given), "{why}");
        }
    }

    #[test]
    fn a_refused_command_line_is_told_from_other_errors() {
        let manual = ["Error: unknown flag: --odd", "Usage:"];
        assert_eq!(refusal(&after(&manual, 60)), Some("unknown flag: --odd"));
        assert_eq!(refusal(&after(&manual, 3)), Some("unknown flag: --odd"));
        assert_eq!(refusal(&after(&manual[..1], 60)), None);
        assert_eq!(refusal(&[]), None);
    }
}
