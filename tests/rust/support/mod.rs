//! What the tests share.

mod clients;
mod files;
mod processes;
mod raw;
mod roles;
mod servers;
mod sweep;
mod wait;

pub(crate) use self::clients::*;
pub(crate) use self::files::*;
pub(crate) use self::processes::*;
pub(crate) use self::raw::*;
pub(crate) use self::roles::*;
pub(crate) use self::servers::*;
pub(crate) use self::sweep::*;
pub(crate) use self::wait::*;
