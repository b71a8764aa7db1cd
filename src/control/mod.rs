//! The control socket: its vocabulary and its lines.

pub mod line;
pub mod message;
