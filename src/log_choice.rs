//! What `TEMPORAL_DEVSERVER_LOG` says: how much the supervisor logs, of which parts of it, and as text or as JSON.
//!
//! Invariant: every value is understood whole or refused with what is possible; none is passed over. The variable is that of
//! whoever starts the supervisor, and is looked at before one is started.

use std::ffi::OsStr;

use tracing::level_filters::LevelFilter;

use crate::error::Result;
use crate::options::config;

/// The variable.
pub const VARIABLE: &str = "TEMPORAL_DEVSERVER_LOG";

/// The levels, from silence to everything.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// The root of all parts.
const ROOT: &str = env!("CARGO_CRATE_NAME");

/// The modules that log something, below the root.
const PARTS: [&str; 18] = [
    "supervisor",
    "supervisor::answer",
    "supervisor::boot",
    "supervisor::compatible",
    "supervisor::complaints",
    "supervisor::drive",
    "supervisor::finish",
    "supervisor::log",
    "supervisor::orphan",
    "supervisor::perform",
    "supervisor::prepare",
    "supervisor::renewal",
    "supervisor::rotation",
    "supervisor::template",
    "supervisor::tidy",
    "supervisor::upkeep",
    "supervisor::watch",
    "sweep",
];

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogChoice {
    /// One JSON object a line, instead of text.
    pub is_json: bool,
    /// The level of every part that has none of its own.
    pub level: LevelFilter,
    /// Parts, as the paths of modules, and their levels.
    pub parts: Vec<(String, LevelFilter)>,
}

impl Default for LogChoice {
    fn default() -> Self {
        Self {
            is_json: false,
            level: LevelFilter::INFO,
            parts: vec![],
        }
    }
}

impl LogChoice {
    /// Understands the value of the variable; unset and empty are the default.
    pub fn of(value: Option<&OsStr>) -> Result<Self> {
        let Some(value) = value else {
            return Ok(Self::default());
        };
        let words = value.to_str().map(|text| text.split(',').map(str::trim));
        let words = words.ok_or_else(|| wrong("it is not UTF-8"))?;
        let (mut format, mut level, mut parts) = (None, None, vec![]);
        for word in words.filter(|word| !word.is_empty()) {
            let twice = match (word, level_of(word), word.split_once('=')) {
                ("json" | "text", _, _) => format.replace(word == "json").is_some(),
                (_, Some(known), _) => level.replace(known).is_some(),
                (_, None, Some((part, text))) => {
                    parts.push(level_of_part(part.trim(), text.trim())?);
                    false
                }
                _ => return Err(wrong(&format!("`{word}` is no level and no format"))),
            };
            if twice {
                return Err(wrong(&format!("`{word}` is the second of its kind")));
            }
        }
        Ok(Self {
            is_json: format.unwrap_or_default(),
            level: level.unwrap_or(LevelFilter::INFO),
            parts,
        })
    }
}

fn level_of(word: &str) -> Option<LevelFilter> {
    let is_known = LEVELS.contains(&word);
    is_known.then(|| word.parse().ok()).flatten()
}

fn level_of_part(part: &str, text: &str) -> Result<(String, LevelFilter)> {
    let below = part.strip_prefix(ROOT);
    let is_known = below.is_some_and(|below| {
        below.is_empty()
            || PARTS
                .iter()
                .any(|known| below.strip_prefix("::") == Some(known))
    });
    if !is_known {
        return Err(wrong(&format!("`{part}` is no module that logs")));
    }
    let level = level_of(text).ok_or_else(|| wrong(&format!("`{text}` is no level")))?;
    Ok((part.to_owned(), level))
}

fn wrong(problem: &str) -> crate::error::Error {
    let remedy = format!(
        "set it to words between commas: one level ({}), `text` or `json`, and {ROOT}::MODULE=LEVEL as often as \
         needed, like `json,info,{ROOT}::supervisor::watch=debug`, where MODULE is one of {}; or leave it unset",
        LEVELS.join(", "),
        PARTS.join(", ")
    );
    config(VARIABLE, problem, &remedy)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> Result<LogChoice> {
        LogChoice::of(Some(text.as_ref()))
    }

    #[test]
    fn words_in_any_order_are_understood() {
        let watch = "temporal_devserver::supervisor::watch";
        for text in [
            format!("json,warn,{watch}=debug"),
            format!(" {watch} = debug ,, warn, json "),
        ] {
            let chosen = of(&text).unwrap();
            assert!(chosen.is_json);
            assert_eq!(chosen.level, LevelFilter::WARN);
            assert_eq!(chosen.parts, [(watch.to_owned(), LevelFilter::DEBUG)]);
        }
        for text in ["", " , ", "info", "text", "text,info"] {
            assert_eq!(of(text).unwrap(), LogChoice::default());
        }
        assert_eq!(LogChoice::of(None).unwrap(), LogChoice::default());
        assert_eq!(of("off").unwrap().level, LevelFilter::OFF);
    }

    #[test]
    fn what_is_wrong_is_named_with_all_that_is_possible() {
        for (text, says) in [
            ("debgu", "`debgu` is no level and no format"),
            ("INFO", "`INFO`"),
            ("3", "`3`"),
            ("info,debug", "`debug` is the second"),
            ("json,text", "`text` is the second"),
            ("h2=debug", "`h2` is no module that logs"),
            ("temporal_devserver2=debug", "no module"),
            (
                "temporal_devserver::supervisor::wach=debug",
                "wach` is no module",
            ),
            ("temporal_devserver=loud", "`loud` is no level"),
            ("temporal_devserver=", "`` is no level"),
        ] {
            let error = of(text).unwrap_err().to_string();
            let all = [VARIABLE, says, "json", "debug, trace", "::MODULE=LEVEL"];
            assert!(all.iter().all(|part| error.contains(part)), "{error}");
        }
    }

    /// Names the modules whose source logs something.
    fn that_log(folder: &Path, above: &str, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap();
            let module = match stem {
                "mod" => above.to_owned(),
                _ if above.is_empty() => stem.to_owned(),
                _ => format!("{above}::{stem}"),
            };
            if path.is_dir() {
                that_log(&path, &module, found);
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            let logs = |level| source.contains(&format!("tracing::{level}!("));
            if LEVELS.into_iter().chain(["event"]).any(logs) {
                found.push(module);
            }
        }
    }

    #[test]
    fn every_module_that_logs_can_be_named_and_no_other() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut found = vec![];
        that_log(&source, "", &mut found);
        found.sort();
        assert_eq!(found, PARTS);
    }

    proptest! {
        #[test]
        fn anything_can_be_set(bytes: Vec<u8>) {
            use std::os::unix::ffi::OsStrExt as _;
            let _chosen = LogChoice::of(Some(OsStr::from_bytes(&bytes)));
        }
    }
}
