//! `state.json`: which life of the server this is, whether that life was ended on purpose, how it was configured, and hints.
//!
//! Invariant: the file is replaced in one step (written beside, fsynced, renamed, directory fsynced), so a reader sees
//! the old state or the new one. `epoch` only grows and `stopped_epoch` is never lowered. Everything else is a hint: lost,
//! it costs at most a newcomer's attach to the server that its clients are about to bring back. Writers hold `supervisor.lock`, or, with no supervisor alive, `spawn.lock`.

use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;

use nix::fcntl::OFlag;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::directory::Directory;
use crate::error::Result;
use crate::failpoint;
use crate::paths::{STATE_FILE, STATE_FILE_NEW};

/// Longest file that is read: ours has a few hundred bytes.
const LONGEST: u64 = 1 << 20;

/// The contents of the state file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Number of the last supervisor that began.
    pub epoch: u64,
    /// The last epoch that was stopped on purpose: a client of this epoch or an older one must not respawn.
    pub stopped_epoch: u64,
    /// What is worth knowing, never worth trusting: whoever uses it checks it first.
    #[serde(flatten)]
    pub hints: Hints,
}

/// What the last supervisor wrote about its life.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Hints {
    /// Identity of the server process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Value>,
    /// Identity of the supervisor process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supervisor: Option<Value>,
    /// Address of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Where throw-away data lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// The effective options, for a newcomer that is faster than those who bring a killed server back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<Value>,
    /// When the server started, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<f64>,
}

impl State {
    /// Reads the state; what is missing, torn or senseless counts as never written, and so does what cannot be read now.
    pub fn read(directory: &Directory) -> Self {
        Self::read_to_change(directory).unwrap_or_default()
    }

    /// Reads the state that is to be changed: what cannot be read now must not be taken for nothing, and overwritten.
    fn read_to_change(directory: &Directory) -> Result<Self> {
        let text = text(directory)?;
        Ok(text.map(|text| Self::parse(&text)).unwrap_or_default())
    }

    /// Reads the state for a look: an error is one that would keep a server from starting, `None` what counts as never written.
    pub(crate) fn examine(directory: &Directory) -> Result<Option<Self>> {
        let text = text(directory)?.unwrap_or_else(|| b"{}".to_vec());
        let is_whole = serde_json::from_slice::<Map<String, Value>>(&text).is_ok();
        Ok(is_whole.then(|| Self::parse(&text)))
    }

    /// Returns whether a client of `epoch` was told, by this file, that its server was stopped on purpose.
    pub fn is_stopped(&self, epoch: u64) -> bool {
        epoch <= self.stopped_epoch
    }

    /// Begins the life of a new supervisor: the next epoch, without the hints of the last one.
    pub fn begin_epoch(directory: &Directory) -> Result<Self> {
        let last = Self::read_to_change(directory)?;
        let next = Self {
            // Also above a stop: one that was remembered for an epoch which the file had lost.
            epoch: last.epoch.max(last.stopped_epoch).saturating_add(1),
            stopped_epoch: last.stopped_epoch,
            hints: Hints::default(),
        };
        next.write(directory)?;
        Ok(next)
    }

    /// Remembers that `epoch` was stopped on purpose.
    pub fn remember_stop(directory: &Directory, epoch: u64) -> Result<Self> {
        let mut state = Self::read_to_change(directory)?;
        state.stopped_epoch = state.stopped_epoch.max(epoch);
        state.write(directory)?;
        Ok(state)
    }

    /// Replaces the hints of the supervisor of `epoch`, with the epochs as they are in the file.
    ///
    /// Where the file was lost, the epoch comes back: else that life would look as if it had been stopped, and its heir
    /// would not read the hints.
    pub fn write_hints(directory: &Directory, epoch: u64, hints: Hints) -> Result<()> {
        let mut state = Self::read_to_change(directory)?;
        state.epoch = state.epoch.max(epoch);
        state.hints = hints;
        state.write(directory)
    }

    /// Takes each field that can be read for itself, so that a strange hint never costs the epochs.
    fn parse(text: &[u8]) -> Self {
        let json: Value = serde_json::from_slice(text).unwrap_or_default();
        Self {
            epoch: field(&json, "epoch").unwrap_or_default(),
            stopped_epoch: field(&json, "stopped_epoch").unwrap_or_default(),
            hints: Hints {
                server: field(&json, "server"),
                supervisor: field(&json, "supervisor"),
                address: field(&json, "address"),
                data_dir: field(&json, "data_dir"),
                configuration: field(&json, "configuration"),
                started_at: field(&json, "started_at"),
            },
        }
    }

    fn write(&self, directory: &Directory) -> Result<()> {
        self.replace(directory)
            .map_err(|error| directory.failure(STATE_FILE, &error))
    }

    fn replace(&self, directory: &Directory) -> io::Result<()> {
        let flags = OFlag::O_CREAT | OFlag::O_TRUNC | OFlag::O_WRONLY;
        let mut file = directory.open_file(STATE_FILE_NEW, flags)?;
        failpoint::pass("state.write")?;
        let mut text = serde_json::to_vec(self)?;
        if text.len() as u64 > LONGEST {
            // Huge options: without the hints, for the epochs have to be read again.
            text = serde_json::to_vec(&Self {
                hints: Hints::default(),
                ..self.clone()
            })?;
        }
        file.write_all(&text)?;
        failpoint::pass("state.sync")?;
        file.sync_all()?;
        directory.rename(STATE_FILE_NEW, STATE_FILE)
    }
}

/// Reads the file; `None` where there is none.
fn text(directory: &Directory) -> Result<Option<Vec<u8>>> {
    let mut text = Vec::new();
    let opened = directory.open_file(STATE_FILE, OFlag::O_RDONLY);
    match opened.and_then(|file| file.take(LONGEST).read_to_end(&mut text)) {
        Ok(_) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(directory.failure(STATE_FILE, &error)),
    }
}

fn field<T: DeserializeOwned>(json: &Value, name: &str) -> Option<T> {
    T::deserialize(json.get(name)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn directory() -> (tempfile::TempDir, Directory) {
        let temp = tempfile::tempdir().unwrap();
        let directory = Directory::make(&temp.path().join("d"), "X").unwrap();
        (temp, directory)
    }

    #[test]
    fn epochs_grow_and_stops_are_never_lowered() {
        let (_temp, directory) = directory();
        assert_eq!(State::read(&directory), State::default());
        assert_eq!(State::begin_epoch(&directory).unwrap().epoch, 1);
        assert_eq!(State::begin_epoch(&directory).unwrap().epoch, 2);
        assert!(!State::read(&directory).is_stopped(2));
        State::remember_stop(&directory, 2).unwrap();
        State::remember_stop(&directory, 1).unwrap();
        let state = State::begin_epoch(&directory).unwrap();
        assert_eq!((state.epoch, state.stopped_epoch), (3, 2));
        assert!(state.is_stopped(2) && !state.is_stopped(3));
    }

    #[test]
    fn an_epoch_begun_after_a_loss_is_not_stopped_already() {
        let (_temp, directory) = directory();
        State::remember_stop(&directory, 7).unwrap();
        let state = State::begin_epoch(&directory).unwrap();
        assert!(!state.is_stopped(state.epoch));
    }

    #[test]
    fn a_write_that_fails_is_an_error() {
        let (_temp, directory) = directory();
        std::fs::create_dir(directory.path().join(STATE_FILE_NEW)).unwrap();
        assert!(State::remember_stop(&directory, 1).is_err());
    }

    #[test]
    fn what_cannot_be_read_now_is_not_overwritten() {
        let (_temp, directory) = directory();
        State::begin_epoch(&directory).unwrap();
        let path = directory.path().join(STATE_FILE);
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(State::begin_epoch(&directory).is_err());
        assert!(State::remember_stop(&directory, 1).is_err());
    }

    #[test]
    fn huge_hints_cost_no_epoch() {
        let (_temp, directory) = directory();
        State::begin_epoch(&directory).unwrap();
        let hints = Hints {
            configuration: Some(Value::String("x".repeat(2 << 20))),
            ..Hints::default()
        };
        State::write_hints(&directory, 1, hints).unwrap();
        assert_eq!(State::begin_epoch(&directory).unwrap().epoch, 2);
    }

    #[test]
    fn a_strange_hint_costs_no_epoch() {
        let state = State::parse(br#"{"epoch": 4, "stopped_epoch": 3, "address": [1], "x": {}}"#);
        assert_eq!((state.epoch, state.stopped_epoch), (4, 3));
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(bytes: Vec<u8>) {
            State::parse(&bytes);
        }

        #[test]
        fn a_torn_file_reads_as_never_written(epoch in 1u64.., cut in 0.0f64..1.0) {
            let state = State { epoch, ..State::default() };
            let whole = serde_json::to_vec(&state).unwrap();
            prop_assert_eq!(State::parse(&whole), state);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a position in a short file")]
            let at = (whole.len() as f64 * cut) as usize;
            prop_assert_eq!(State::parse(&whole[..at]), State::default());
        }
    }
}
