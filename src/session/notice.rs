//! What a session tells its driver.

use serde::{Serialize, Serializer};

use crate::control::message::{Event, Status};
use crate::error::Error;

/// Something that happened to a session.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
pub enum Notice {
    /// A transition of the server.
    Event {
        /// What happened.
        event: Event,
    },
    /// The server is ready and everything asked for exists.
    Granted {
        /// Its status at that moment.
        status: Box<Status>,
    },
    /// Start or heal came to nothing; the lease is given up.
    Failed {
        /// Why; written with its words in the field `message`.
        #[serde(serialize_with = "worded")]
        error: Error,
    },
    /// Somebody stopped the server on purpose.
    Stopped,
    /// The lease is given up as asked.
    Released,
}

fn worded<S: Serializer>(error: &Error, serializer: S) -> Result<S::Ok, S::Error> {
    error.worded().serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_error_is_told_in_words() {
        let error = Error::NotRunning {
            name: "x".to_owned(),
        };
        let told = json!(Notice::Failed {
            error: error.clone()
        });
        assert_eq!(told["error"]["message"], json!(error.to_string()));
        assert_eq!(told["error"]["code"], "not_running");
    }
}
