//! A connection to a supervisor, as the host has it: it never blocks.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, UnixAddr, connect, getsockopt, socket,
    sockopt::PeerCredentials,
};
use nix::sys::stat::fstat;

use crate::control::line::{Lines, decode, encode};
use crate::control::message::{Reply, Request};
use crate::error::Error;
use crate::failpoint;
use crate::paths::ServerDir;
use crate::process::holders::socket_holders_of;
use crate::process::identity::ProcessIdentity;
use crate::session::registered::Registered;
use crate::session::wait::Wait;

/// A connection to a supervisor.
#[derive(Debug)]
pub(crate) struct Link {
    stream: Registered<UnixStream>,
    other_side: OtherSide,
    lines: Lines,
    unsent: Vec<u8>,
}

/// Who is on the other side.
#[derive(Debug)]
enum OtherSide {
    /// Who listened on the socket; none that can be signalled if it is of another pid namespace.
    Peer(Option<ProcessIdentity>),
    /// Whoever has the other end of this pair: the inodes of our end and of its.
    Pair(Option<(u64, u64)>),
}

/// What one look at a connection brought.
#[derive(Debug)]
pub(crate) enum Received {
    /// A message.
    Reply(Box<Reply>),
    /// Nothing yet.
    Nothing,
    /// The other side is gone.
    End,
}

/// What a try to connect came to.
#[derive(Debug)]
pub(crate) enum Connected<L> {
    /// Somebody listens.
    Yes(L),
    /// Nobody listens.
    No,
    /// Somebody listens, but the queue is full.
    Busy,
}

impl Link {
    /// Tries to connect to the supervisor of a directory.
    pub(crate) fn connect(dir: &ServerDir) -> io::Result<Connected<Self>> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        failpoint::pass("link.socket")?;
        let stream = UnixStream::from(socket(AddressFamily::Unix, SockType::Stream, flags, None)?);
        let mut link = Self::over(stream, OtherSide::Peer(None));
        failpoint::pass("link.connect")?;
        match connect(link.fd(), &UnixAddr::new(&dir.socket_address())?) {
            Ok(()) => {
                link.other_side = OtherSide::Peer(link.peer());
                Ok(Connected::Yes(link))
            }
            Err(Errno::ENOENT | Errno::ECONNREFUSED) => Ok(Connected::No),
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(Connected::Busy),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Speaks over one end of a pair, which does not block, to whom the other end is given.
    pub(crate) fn to_a_child(ours: UnixStream, theirs: &UnixStream) -> Self {
        let inode = |end: &UnixStream| fstat(end).map(|status| status.st_ino);
        let pair = inode(&ours).ok().zip(inode(theirs).ok());
        Self::over(ours, OtherSide::Pair(pair))
    }

    fn over(stream: UnixStream, other_side: OtherSide) -> Self {
        Self {
            stream: Registered::new(stream),
            other_side,
            lines: Lines::default(),
            unsent: vec![],
        }
    }

    /// Returns the descriptor to wait for.
    pub(crate) fn fd(&self) -> RawFd {
        self.stream.as_raw_fd()
    }

    fn peer(&self) -> Option<ProcessIdentity> {
        let peer = getsockopt(&*self.stream, PeerCredentials).ok()?;
        ProcessIdentity::of(peer.pid())
    }

    /// Returns the supervisor on the other side, which may not have answered yet.
    pub(crate) fn supervisor(&self) -> Option<ProcessIdentity> {
        match &self.other_side {
            OtherSide::Peer(peer) => peer.clone(),
            OtherSide::Pair(pair) => {
                let (ours, theirs) = (*pair)?;
                socket_holders_of(theirs, ours).pop()
            }
        }
    }

    /// Sends a request, as far as the socket takes it now; the rest goes out with the next look.
    pub(crate) fn send(&mut self, request: &Request) {
        self.unsent.extend(encode(request));
        self.flush();
    }

    /// Returns what to wait for: until it can be read, or until the deadline.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> Wait {
        // Nobody waits for a socket to take more; what is unsent goes out with the next look, soon.
        let is_unsent = !self.unsent.is_empty();
        let soon = is_unsent.then(|| Instant::now() + Duration::from_millis(1));
        Wait {
            fd: Some(self.fd()),
            until: soon.or(deadline),
        }
    }

    fn flush(&mut self) {
        while !self.unsent.is_empty() {
            let sent =
                failpoint::pass("link.send").and_then(|()| (&*self.stream).write(&self.unsent));
            match sent {
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // The end is seen when reading.
                Err(_) => self.unsent.clear(),
            }
        }
    }

    /// Returns what has come.
    pub(crate) fn receive(&mut self) -> Received {
        self.flush();
        loop {
            match self.lines.next_line() {
                Ok(Some(line)) => return Received::Reply(Box::new(read(&line))),
                Ok(None) => {}
                Err(_) => return Received::End,
            }
            let mut chunk = [0; 16 << 10];
            match (&*self.stream).read(&mut chunk) {
                Ok(0) => return Received::End,
                Ok(count) => self.lines.push(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Received::Nothing;
                }
                Err(_) => return Received::End,
            }
            if failpoint::pass("link.receive").is_err() {
                return Received::End;
            }
        }
    }
}

/// Reads a reply; one that only a newer version knows becomes an error that says what it said.
fn read(line: &[u8]) -> Reply {
    decode(line).unwrap_or_else(|_| {
        let value: serde_json::Value = decode(line).unwrap_or_default();
        let said = value["message"]
            .as_str()
            .map_or_else(|| String::from_utf8_lossy(line).into_owned(), str::to_owned);
        Reply::from(Error::supervisor(
            said.chars().take(500).collect::<String>(),
            "use the same version of temporal-devserver on both sides",
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_a_supervisor_says_it_is_a_reply(line in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Reply::Error { message, .. } = read(&line) {
                prop_assert!(message.contains("same version"), "{message}");
            }
        }
    }
}
