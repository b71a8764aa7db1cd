//! What led to a restart, for those who count.
//!
//! Invariant: every restart has one cause, so their number is the sum over the causes and is kept nowhere else.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::supervisor::transition::Planned;

/// What led to a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The process ended by itself.
    Crash,
    /// The process could not be started the last time.
    SpawnFailed,
    /// Somebody wanted a server that had been given up.
    Start,
    /// We ended the process.
    #[serde(untagged)]
    Planned(Planned),
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Crash,
        Self::SpawnFailed,
        Self::Start,
        Self::Planned(Planned::Kill),
        Self::Planned(Planned::Restart),
        Self::Planned(Planned::Unhealthy),
        Self::Planned(Planned::NeverReady),
        Self::Planned(Planned::Outage),
        Self::Planned(Planned::Restore),
        Self::Planned(Planned::Reset),
    ];

    /// Returns the name on the wire.
    pub fn name(self) -> String {
        match serde_json::to_value(self) {
            Ok(Value::String(name)) => name,
            _ => String::new(),
        }
    }
}

/// How often each cause led to a restart.
#[derive(Debug, Clone, Default)]
pub(super) struct Causes(BTreeMap<Cause, u32>);

impl Causes {
    /// Counts one more.
    pub(super) fn add(&mut self, cause: Cause) {
        *self.0.entry(cause).or_default() += 1;
    }

    /// Returns how many restarts there were.
    pub(super) fn total(&self) -> u32 {
        self.0.values().sum()
    }

    /// Returns the restarts by the name of their cause.
    pub(super) fn by_name(&self) -> BTreeMap<String, u32> {
        let named = self.0.iter().map(|(cause, count)| (cause.name(), *count));
        named.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = Cause::ALL.map(Cause::name).into();
        assert_eq!(names.len(), Cause::ALL.len());
        assert!(names.contains("crash") && names.contains("never_ready"));
    }
}
