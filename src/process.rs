//! Processes as Linux knows them: who they are, what they hold, how they start, end and are told apart.
//!
//! Invariant: no process is signalled unless it is our own unreaped child or was identified by its start time; a zombie
//! counts as dead everywhere.

mod adopted;
pub mod death;
pub mod detach;
pub mod holders;
pub mod identity;
pub(crate) mod killed;
pub mod listeners;
pub mod oneshot;
pub mod server;
mod sock_diag;
pub mod strays;
pub mod tied;
