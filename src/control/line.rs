//! Lines of JSON out of a stream of bytes.
//!
//! Invariant: memory is bounded: a line longer than [`MAX_LINE`] is an error, whoever sends it. A line that is no request has
//! an error of its own for its sender, so no line goes without an answer.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::control::message::{MAX_LINE, Request};
use crate::error::Error;

/// Collects bytes and gives out whole lines.
#[derive(Debug, Default)]
pub struct Lines {
    buffer: Vec<u8>,
    /// Where the next search for a line end begins.
    searched: usize,
}

/// The other side sent more than a line may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a line is longer than {MAX_LINE} bytes")]
pub struct TooLong;

impl Lines {
    /// Takes bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Returns the next whole line, without its end.
    pub fn next_line(&mut self) -> Result<Option<Vec<u8>>, TooLong> {
        let end = self.buffer[self.searched..]
            .iter()
            .position(|byte| *byte == b'\n');
        match end.map(|offset| self.searched + offset) {
            Some(end) if end <= MAX_LINE => {
                let rest = self.buffer.split_off(end + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                line.pop();
                self.searched = 0;
                Ok(Some(line))
            }
            None if self.buffer.len() <= MAX_LINE => {
                self.searched = self.buffer.len();
                Ok(None)
            }
            _ => Err(TooLong),
        }
    }
}

/// Returns the line of a message.
pub fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    let mut line = serde_json::to_vec(message).unwrap_or_default();
    line.push(b'\n');
    line
}

/// Reads the message of a line.
pub fn decode<T: DeserializeOwned>(line: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(line)
}

/// Reads the request of a line; the error is for its sender.
pub fn request(line: &[u8]) -> Result<Request, Error> {
    decode(line).map_err(|error: serde_json::Error| {
        let remedy = if error.is_data() {
            "send a request that this version knows, with all its fields, or use the same version of temporal-devserver on both sides"
        } else {
            r#"send one JSON object a line, like {"op": "status"}"#
        };
        misunderstood(&format!("the request is not understood: {error}"), remedy)
    })
}

/// Returns the error for the sender of what is no request.
pub(crate) fn misunderstood(reason: &str, remedy: &str) -> Error {
    Error::Request {
        reason: reason.to_owned(),
        remedy: remedy.to_owned(),
    }
}

impl From<TooLong> for Error {
    fn from(too_long: TooLong) -> Self {
        misunderstood(&too_long.to_string(), "send shorter lines")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::message::Reply;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lines_come_out_whole_however_they_are_cut(
            lines in prop::collection::vec(prop::collection::vec(any::<u8>().prop_filter("no line end", |b| *b != b'\n'), 0..50), 0..20),
            cut in 1_usize..40,
        ) {
            let mut bytes = vec![];
            for line in &lines {
                bytes.extend_from_slice(line);
                bytes.push(b'\n');
            }
            let (mut reader, mut got) = (Lines::default(), vec![]);
            for chunk in bytes.chunks(cut) {
                reader.push(chunk);
                while let Some(line) = reader.next_line().unwrap() {
                    got.push(line);
                }
            }
            prop_assert_eq!(got, lines);
        }

        #[test]
        fn garbage_is_refused_without_a_panic(line in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assume!(serde_json::from_slice::<serde_json::Value>(&line).is_err());
            prop_assert!(request(&line).is_err());
            prop_assert!(decode::<Reply>(&line).is_err());
        }
    }

    #[test]
    fn an_endless_line_is_refused() {
        let mut lines = Lines::default();
        lines.push(&vec![b'x'; MAX_LINE]);
        assert_eq!(lines.next_line(), Ok(None));
        lines.push(b"x");
        assert_eq!(lines.next_line(), Err(TooLong));
    }
}
