//! Asks the kernel for the sockets that listen on one port, by netlink (`sock_diag(7)`).
//!
//! The fact: a dump of the state LISTEN walks the short hash of listeners alone, while `/proc/net/tcp` walks the whole hash of
//! connections, which costs milliseconds on an idle machine, and costs them while the server boots beside us.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd as _;

use nix::libc;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket,
};

/// `SOCK_DIAG_BY_FAMILY` of the kernel's `linux/sock_diag.h`.
const BY_FAMILY: u16 = 20;
/// The bit of the state LISTEN.
const LISTEN: u32 = 1 << 10;
/// Length of a netlink header.
const HEADER: usize = 16;
/// Length of `struct inet_diag_msg`.
const ANSWER: usize = 72;

/// Lists address and inode of the IPv4 and IPv6 sockets that listen on the port.
pub(super) fn listening(port: u16) -> io::Result<Vec<(IpAddr, u64)>> {
    let mut found = dump(libc::AF_INET, port)?;
    found.extend(dump(libc::AF_INET6, port)?);
    Ok(found)
}

fn dump(family: i32, port: u16) -> io::Result<Vec<(IpAddr, u64)>> {
    let protocol = SockProtocol::NetlinkSockDiag;
    let netlink = socket(
        AddressFamily::Netlink,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        protocol,
    )?;
    let family = u8::try_from(family).map_err(io::Error::other)?;
    send(
        netlink.as_raw_fd(),
        &request(family, port),
        MsgFlags::empty(),
    )?;
    let mut found = vec![];
    let mut buffer = vec![0; 32 << 10];
    loop {
        let length = recv(netlink.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
        if read(&buffer[..length], port, &mut found)? {
            return Ok(found);
        }
    }
}

/// Returns a `nlmsghdr` and a `struct inet_diag_req_v2` that ask for the listeners on the port.
fn request(family: u8, port: u16) -> [u8; 72] {
    let flags = u16::try_from(libc::NLM_F_REQUEST | libc::NLM_F_DUMP).unwrap_or_default();
    let mut bytes = [0; 72];
    bytes[0..4].copy_from_slice(&72_u32.to_ne_bytes());
    bytes[4..6].copy_from_slice(&BY_FAMILY.to_ne_bytes());
    bytes[6..8].copy_from_slice(&flags.to_ne_bytes());
    bytes[16] = family;
    bytes[17] = 6; // IPPROTO_TCP
    bytes[20..24].copy_from_slice(&LISTEN.to_ne_bytes());
    bytes[24..26].copy_from_slice(&port.to_be_bytes());
    bytes
}

/// Reads one datagram of the answer; true when it was the last.
fn read(mut bytes: &[u8], port: u16, found: &mut Vec<(IpAddr, u64)>) -> io::Result<bool> {
    while let (Some(length), Some(kind)) = (word(bytes, 0), word(bytes, 4)) {
        // The upper half of the second word holds flags.
        let kind = (kind & 0xffff).cast_signed();
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let message = bytes
            .get(HEADER..length.min(bytes.len()))
            .unwrap_or_default();
        match kind {
            libc::NLMSG_DONE => return Ok(true),
            libc::NLMSG_ERROR => return Err(io::Error::other("sock_diag refuses")),
            _ => found.extend(socket_of(message, port)),
        }
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(false)
}

/// Reads a `struct inet_diag_msg`.
fn socket_of(message: &[u8], port: u16) -> Option<(IpAddr, u64)> {
    if message.len() < ANSWER || message[4..6] != port.to_be_bytes() {
        return None;
    }
    let source: [u8; 16] = message[8..24].try_into().ok()?;
    let ip = if i32::from(message[0]) == libc::AF_INET6 {
        Ipv6Addr::from(source).into()
    } else {
        Ipv4Addr::new(source[0], source[1], source[2], source[3]).into()
    };
    Some((ip, u64::from(word(message, 68)?)))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::unix::fs::MetadataExt as _;

    use proptest::prelude::*;

    use super::*;
    use crate::clock::tests::soon;

    #[test]
    fn the_kernel_names_our_own_listener() {
        for address in ["127.0.0.1:0", "0.0.0.0:0", "[::1]:0"] {
            let listener = TcpListener::bind(address).unwrap();
            let port = listener.local_addr().unwrap().port();
            let fd = format!("/proc/self/fd/{}", listener.as_raw_fd());
            let inode = std::fs::metadata(fd).unwrap().ino();
            let ours = (listener.local_addr().unwrap().ip(), inode);
            // Other tests may listen on a port of that number at another address.
            let is_there = || listening(port).unwrap().contains(&ours);
            assert!(is_there());
            drop(listener);
            assert!(soon(|| !is_there()));
        }
    }

    #[test]
    fn a_refusal_is_an_error_and_no_empty_list() {
        let refusal = [20_u32, libc::NLMSG_ERROR.cast_unsigned(), 0, 0, 0];
        let bytes: Vec<u8> = refusal.iter().flat_map(|word| word.to_ne_bytes()).collect();
        read(&bytes, 80, &mut vec![]).unwrap_err();
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), port: u16) {
            read(&bytes, port, &mut vec![]).ok();
        }
    }
}
