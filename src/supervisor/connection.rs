//! One client's connection: its lines come in as messages, our lines go out at once.
//!
//! Invariant: the supervisor never waits for a reader. What a socket does not take is kept up to a bound; beyond it events
//! are dropped and the reader is told so by one `lost` marker, and one that asks and asks without reading is cut off. The
//! end of a connection is the end of its lease.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::os::fd::AsRawFd as _;
use std::rc::Rc;

use nix::sys::socket::{Shutdown, getsockopt, shutdown, sockopt::PeerCredentials};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, spawn_local};

use crate::control::line::{Lines, encode};
use crate::control::message::{Event, MAX_LINE, Reply};
use crate::failpoint;
use crate::supervisor::Message;

/// Bytes kept for a reader that does not read; events beyond it are dropped.
const BACKLOG: usize = 1 << 20;

/// Bytes of replies beyond which a reader does not want them: room for the longest one after a full backlog.
const MOST: usize = BACKLOG + 2 * MAX_LINE;

/// One client's connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Rc<UnixStream>,
    outbox: Rc<RefCell<Outbox>>,
    reader: AbortHandle,
    /// Protocol version it said in its HELLO; none before.
    pub(crate) protocol: Option<u32>,
}

#[derive(Debug, Default)]
struct Outbox {
    bytes: VecDeque<u8>,
    is_flushing: bool,
    lost: bool,
}

impl Connection {
    /// Begins to read; each line, and the end, becomes a message that carries `id`.
    pub(crate) fn open(id: u64, stream: UnixStream, inbox: mpsc::Sender<Message>) -> Self {
        let stream = Rc::new(stream);
        let reader = spawn_local(read(id, Rc::clone(&stream), inbox)).abort_handle();
        Self {
            stream,
            outbox: Rc::default(),
            reader,
            protocol: None,
        }
    }

    /// Sends a reply: at once where the socket takes it, else as soon as it does.
    pub(crate) fn send(&self, reply: &Reply) {
        self.send_bytes(&encode(reply));
    }

    /// Sends an event, or drops it where the reader is too slow; then `lost` follows when it reads again.
    pub(crate) fn send_event(&self, event: &Event, lost: impl FnOnce() -> Event) {
        if self.outbox.borrow().bytes.len() > BACKLOG {
            self.outbox.borrow_mut().lost = true;
            return;
        }
        if std::mem::take(&mut self.outbox.borrow_mut().lost) {
            self.send(&Reply::Event(lost()));
        }
        self.send(&Reply::Event(event.clone()));
    }

    fn send_bytes(&self, bytes: &[u8]) {
        let mut rest = bytes;
        let mut outbox = self.outbox.borrow_mut();
        // Written here and now, before a fork for a restart costs a millisecond.
        while outbox.bytes.is_empty() && !rest.is_empty() {
            let written =
                failpoint::pass("connection.write").and_then(|()| self.stream.try_write(rest));
            match written {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                Err(_) => return,
            }
        }
        outbox.bytes.extend(rest);
        if outbox.bytes.len() > MOST {
            outbox.bytes = VecDeque::new();
            // The reader sees the end, as if it were the client's.
            shutdown(self.stream.as_raw_fd(), Shutdown::Both).ok();
        }
        if !outbox.bytes.is_empty() && !outbox.is_flushing {
            outbox.is_flushing = true;
            spawn_local(flush(Rc::clone(&self.stream), Rc::clone(&self.outbox)));
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// Tells whether the other side is our own user: the directory is 0700, but a descriptor can travel.
pub(crate) fn is_our_user(stream: &UnixStream) -> bool {
    getsockopt(stream, PeerCredentials)
        .is_ok_and(|peer| peer.uid() == nix::unistd::geteuid().as_raw())
}

async fn read(id: u64, stream: Rc<UnixStream>, inbox: mpsc::Sender<Message>) {
    let mut lines = Lines::default();
    let mut chunk = vec![0; 16 << 10];
    'connection: while stream.readable().await.is_ok() {
        match failpoint::pass("connection.read").and_then(|()| stream.try_read(&mut chunk)) {
            Ok(0) => break,
            Ok(count) => lines.push(&chunk[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(_) => break,
        }
        loop {
            match lines.next_line() {
                Ok(Some(line)) => inbox.send(Message::Line(id, Ok(line))).await.unwrap_or(()),
                Ok(None) => break,
                // Where the next line begins is not known any more.
                Err(error) => {
                    inbox.send(Message::Line(id, Err(error))).await.ok();
                    break 'connection;
                }
            }
        }
    }
    inbox.send(Message::Disconnected(id)).await.ok();
}

async fn flush(stream: Rc<UnixStream>, outbox: Rc<RefCell<Outbox>>) {
    while stream.writable().await.is_ok() {
        let mut outbox = outbox.borrow_mut();
        let written = stream.try_write(outbox.bytes.make_contiguous());
        match written {
            Ok(count) => drop(outbox.bytes.drain(..count)),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(_) => outbox.bytes.clear(),
        }
        if outbox.bytes.is_empty() {
            outbox.is_flushing = false;
            return;
        }
    }
}
