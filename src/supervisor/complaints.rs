//! What the server makes of its dynamic configuration.
//!
//! The facts: the server ignores a key that it does not know in silence. Of a value of a wrong type it tells only in its log, at
//! level `warn`, whenever it reads the value: for most keys while it boots, for others when something needs them.

use std::collections::BTreeMap;
use std::io::{Read as _, Seek as _, SeekFrom};

use nix::fcntl::OFlag;
use serde_json::Value;

use crate::directory::Directory;
use crate::executable::{Keys, warnings};
use crate::paths::SERVER_LOG;
use crate::supervisor::drive::Supervisor;

/// How the server begins to tell of a value of a wrong type; the key comes next.
const TOLD: &str = "msg=\"Failed to convert value, using default\" key=";

/// Bytes of the log that one look reads; the next one goes on from there.
const WINDOW: u64 = 4 << 20;

/// The values that the server could not use, by key: what it says of each.
#[derive(Debug, Default)]
pub(crate) struct Complaints {
    /// Where in the log the next look begins.
    offset: u64,
    wrong: BTreeMap<String, String>,
}

impl Complaints {
    /// Forgets what a former process has told; the log of the next one begins there.
    pub(crate) fn begin(&mut self, offset: u64) {
        *self = Self {
            offset,
            wrong: BTreeMap::new(),
        };
    }

    /// Goes on at the new beginning of the log, which may be longer by now than it was before it was cut.
    pub(crate) fn log_was_cut(&mut self) {
        self.offset = 0;
    }

    /// Reads on in the log.
    fn read(&mut self, directory: &Directory) -> std::io::Result<()> {
        let mut file = directory.open_file(SERVER_LOG, OFlag::O_RDONLY)?;
        let end = file.seek(SeekFrom::End(0))?;
        if end < self.offset {
            // It was cut meanwhile.
            self.offset = 0;
        }
        file.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = vec![];
        file.take(WINDOW).read_to_end(&mut bytes)?;
        // A line that is being written is for the next look.
        let whole = bytes.iter().rposition(|byte| *byte == b'\n');
        bytes.truncate(whole.map_or(0, |last| last + 1));
        self.offset += bytes.len() as u64;
        let text = String::from_utf8_lossy(&bytes);
        self.wrong.extend(text.lines().filter_map(complaint));
        Ok(())
    }

    /// Says which values are of a wrong type.
    fn warnings(&self, config: &BTreeMap<String, Value>) -> Vec<String> {
        let warning = |(key, value): (&String, &Value)| {
            let told = self.wrong.get(&key.to_lowercase())?;
            Some(format!(
                "dynamic_config `{key}`: the server cannot use the value {value} and uses its default; give a value of the right type (the server says: {told})"
            ))
        };
        config.iter().filter_map(warning).collect()
    }
}

/// Returns the key, in lower case, and the trouble with its value, of a line that tells of one.
fn complaint(line: &str) -> Option<(String, String)> {
    let (key, rest) = line.split_once(TOLD)?.1.split_once(' ')?;
    let (_, error) = rest.rsplit_once(" error=")?;
    let error: String = serde_json::from_str(error).unwrap_or_else(|_| error.to_owned());
    Some((key.to_lowercase(), error))
}

impl Supervisor {
    /// Looks at what the server makes of its dynamic configuration; where there is none, at nothing.
    pub(crate) fn look_at_config(&mut self) {
        let config = &self.identity.dynamic_config;
        if config.is_empty() {
            return;
        }
        if let Err(error) = self.complaints.read(self.dir.directory()) {
            tracing::warn!(%error, "the server's log cannot be read");
        }
        let unknown = Keys::default();
        let keys = self
            .prepared
            .as_ref()
            .map_or(&unknown, |prepared| &prepared.keys);
        let mut told = warnings(config.keys(), keys);
        told.extend(self.complaints.warnings(config));
        self.machine.warn_of_config(told);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_was_cut_is_read_from_its_beginning() {
        let temp = tempfile::tempdir().unwrap();
        let directory = Directory::make(&temp.path().join("server"), "X").unwrap();
        let write = |text: &str| std::fs::write(directory.path().join(SERVER_LOG), text).unwrap();
        let mut complaints = Complaints::default();
        write("level=INFO msg=before\n");
        complaints.read(&directory).unwrap();
        write(&format!(
            "level=WARN {TOLD}a.key ignored-value=1 error=no\nlevel=INFO msg=more\n"
        ));
        complaints.log_was_cut();
        complaints.read(&directory).unwrap();
        assert_eq!(complaints.wrong["a.key"], "no");
    }

    #[test]
    fn a_line_of_the_log_names_key_and_trouble() {
        let line = r#"time=2026-11-28T10:34:47.829 level=WARN msg="Failed to convert value, using default" key=history.defaultWorkflowTaskTimeout ignored-value="&{Value:soon}" error="failed to parse duration: time: invalid duration \"soon\"""#;
        let expected = "failed to parse duration: time: invalid duration \"soon\"";
        assert_eq!(
            complaint(line),
            Some((
                "history.defaultworkflowtasktimeout".to_owned(),
                expected.to_owned()
            ))
        );
        assert_eq!(
            complaint("level=WARN msg=\"Failed to poll\" key=a error=b"),
            None
        );
    }
}
