//! A client that speaks by hand, line by line.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde_json::{Value, json};

/// A connection to the supervisor of a directory.
pub(crate) struct Raw(BufReader<UnixStream>);

impl Raw {
    /// Connects, and says nothing yet.
    pub(crate) fn connect(server: &Path) -> Self {
        Self(BufReader::new(
            UnixStream::connect(server.join("control.sock")).unwrap(),
        ))
    }

    /// Connects, and says HELLO in this version of the protocol.
    pub(crate) fn hello(server: &Path, protocol: u32) -> Self {
        let mut raw = Self::connect(server);
        let hello = json!({ "op": "hello", "protocol": protocol, "version": "?", "news": [1] });
        let welcome = raw.ask(&hello);
        assert_eq!(welcome["reply"], "hello");
        assert_eq!(welcome["protocol"], 1);
        raw
    }

    /// Says one thing, and returns the answer.
    pub(crate) fn ask(&mut self, request: &Value) -> Value {
        self.say(request);
        self.answer()
    }

    /// Says one thing.
    pub(crate) fn say(&mut self, request: &Value) {
        self.try_say(request).unwrap();
    }

    /// Says one thing, if somebody still listens.
    pub(crate) fn try_say(&mut self, request: &Value) -> std::io::Result<()> {
        writeln!(self.0.get_mut(), "{request}")
    }

    /// Returns the next answer; null at the end.
    pub(crate) fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_default()
    }
}
