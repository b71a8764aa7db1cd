//! What is known of an executable, once it was asked (`supervisor::facts`); kept in the cache under its digest.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// What an executable says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Version of the CLI.
    pub version: String,
    /// The flags of ours that it does not know.
    pub unknown: BTreeSet<String>,
}

impl Facts {
    /// Tells whether it knows a flag.
    pub(crate) fn knows(&self, flag: &str) -> bool {
        !self.unknown.contains(flag)
    }
}
