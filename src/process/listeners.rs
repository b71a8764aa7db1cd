//! Who listens on a port: for the error that names the holder, and for the proof that a port answers for our own server.
//!
//! The kernel gives the inode of the listening socket, `/proc/<pid>/fd` the processes that have it open.

use std::collections::HashMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::identity::{ProcessIdentity, describe, pids, stat};
use super::sock_diag;

/// The kernel's number for the state LISTEN.
const LISTEN: &str = "0A";

/// A listening socket and, as far as we may see, whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// Inode of the socket.
    pub inode: u64,
    /// A process that has it open; None when we may not see any.
    pub process: Option<ProcessIdentity>,
    /// Pid and command for people.
    pub description: String,
}

/// Returns who listens on the port, on any address of this machine.
pub fn listener_of(port: u16) -> Option<Listener> {
    let socket = sockets(port).into_iter().next()?;
    let process = pids()
        .find(|pid| has_socket(*pid, &[socket.inode]))
        .and_then(ProcessIdentity::of);
    let description = match &process {
        Some(process) => describe(process.pid),
        None => "a process that we may not see (another user's, or in a container)".to_owned(),
    };
    Some(Listener {
        inode: socket.inode,
        process,
        description,
    })
}

/// Tells whether all that listens on this address and port belongs to the process, a descendant, or a member of its group.
///
/// False while nothing listens. Cheapest when the process itself has the socket.
pub fn is_owned_by_tree(ip: Ipv4Addr, port: u16, root: i32) -> bool {
    let mut inodes = sockets(port);
    inodes.retain(|socket| reaches(socket.ip, ip));
    let inodes: Vec<_> = inodes.iter().map(|socket| socket.inode).collect();
    let is_among = |pids: &[i32]| {
        let held = |inode| pids.iter().any(|pid| has_socket(*pid, &[inode]));
        !inodes.is_empty() && inodes.iter().copied().all(held)
    };
    is_among(&[root]) || (!inodes.is_empty() && is_among(&tree(root)))
}

/// Tells whether a socket bound to `bound` gets what is sent to `ip`.
fn reaches(bound: IpAddr, ip: Ipv4Addr) -> bool {
    let bound = bound.to_canonical();
    bound.is_unspecified() || ip.is_unspecified() || bound == IpAddr::V4(ip)
}

/// Lists the process, its descendants and the members of its group.
fn tree(root: i32) -> Vec<i32> {
    let kin = |pid| Some((pid, stat(pid)?)).map(|(pid, stat)| (pid, (stat.ppid, stat.pgrp)));
    let parents: HashMap<_, _> = pids().filter_map(kin).collect();
    let belongs = |pid: i32| {
        let parent = |pid: &i32| parents.get(pid).map(|(parent, _)| *parent);
        let ancestors = std::iter::successors(Some(pid), parent);
        let is_kin = |pid| {
            let group = parents.get(&pid).map(|(_, group)| *group);
            group.is_some_and(|group| pid == root || group == root)
        };
        // The snapshot is not atomic: a recycled pid could close a circle, so the walk is bounded.
        ancestors.take(parents.len()).any(is_kin)
    };
    parents
        .keys()
        .copied()
        .filter(|pid| belongs(*pid))
        .collect()
}

/// Tells whether the process has one of these sockets open.
fn has_socket(pid: i32, inodes: &[u64]) -> bool {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).into_iter();
    entries.flatten().flatten().any(|entry| {
        let target = fs::read_link(entry.path()).unwrap_or_default();
        let inode = target.to_str().and_then(|target| {
            let digits = target.strip_prefix("socket:[")?.strip_suffix(']')?;
            digits.parse().ok()
        });
        inode.is_some_and(|inode| inodes.contains(&inode))
    })
}

/// One listening socket of `/proc/net`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Socket {
    ip: IpAddr,
    inode: u64,
}

/// Lists the sockets that listen on the port.
fn sockets(port: u16) -> Vec<Socket> {
    match sock_diag::listening(port) {
        Ok(found) => found
            .into_iter()
            .map(|(ip, inode)| Socket { ip, inode })
            .collect(),
        // A sandbox may have no netlink.
        Err(_) => tabled(port),
    }
}

/// Lists the sockets that listen on the port, by the tables of `/proc/net`.
fn tabled(port: u16) -> Vec<Socket> {
    let read = |table| {
        let table = fs::read_to_string(table).unwrap_or_default();
        table
            .lines()
            .filter_map(|line| listening(line, port))
            .collect::<Vec<_>>()
    };
    [read("/proc/self/net/tcp"), read("/proc/self/net/tcp6")].concat()
}

/// Parses a line of `/proc/net/tcp` or `tcp6`; None unless it is a socket that listens on the port.
fn listening(line: &str, port: u16) -> Option<Socket> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let (ip, local_port) = fields.next()?.split_once(':')?;
    let state = fields.nth(1)?;
    if state != LISTEN || u16::from_str_radix(local_port, 16) != Ok(port) {
        return None;
    }
    Some(Socket {
        ip: address(ip)?,
        inode: fields.nth(5)?.parse().ok()?,
    })
}

/// Parses an address, which the kernel prints as 32-bit words in the machine's own byte order.
fn address(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| {
        let word = u32::from_str_radix(hex.get(at..at + 8)?, 16).ok()?;
        Some(word.to_ne_bytes())
    };
    match hex.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?];
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(ip: &str, port: u16, state: &str, inode: u64) -> String {
        format!(
            "   7: {ip}:{port:04X} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000  1000        0 {inode} 1 0000000000000000 100 0 0 10 0"
        )
    }

    fn print(ip: IpAddr) -> String {
        let word = |word: &[u8]| u32::from_ne_bytes(word.try_into().unwrap());
        let words = |bytes: &[u8]| {
            let words: Vec<_> = bytes.chunks(4).map(word).collect();
            let printed = words.iter().map(|word| format!("{word:08X}"));
            printed.collect::<Vec<_>>().concat()
        };
        match ip {
            IpAddr::V4(ip) => words(&ip.octets()),
            IpAddr::V6(ip) => words(&ip.octets()),
        }
    }

    proptest! {
        #[test]
        fn every_listening_line_is_read(ip: IpAddr, port: u16, inode: u64) {
            let text = line(&print(ip), port, "0A", inode);
            prop_assert_eq!(listening(&text, port), Some(Socket { ip, inode }));
            prop_assert_eq!(listening(&text, port ^ 1), None);
            prop_assert_eq!(listening(&line(&print(ip), port, "01", inode), port), None);
        }

        #[test]
        fn no_line_makes_it_panic(text in "\\PC*", port: u16) {
            listening(&text, port);
            listening(&format!("0: {text} {text} 0A {text} {text} {text} {text}"), port);
        }
    }

    #[test]
    fn an_address_of_another_length_is_none_of_ours() {
        for ip in ["", "0100", "0100007F00"] {
            assert_eq!(listening(&line(ip, 80, "0A", 1), 80), None, "{ip}");
        }
    }

    #[test]
    fn both_ways_to_ask_agree() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(sockets(port).len(), 1);
        assert_eq!(sockets(port), tabled(port));
    }

    #[test]
    fn wildcards_and_mapped_addresses_reach_us() {
        let ours = Ipv4Addr::LOCALHOST;
        for bound in ["127.0.0.1", "0.0.0.0", "::", "::ffff:127.0.0.1"] {
            assert!(reaches(bound.parse().unwrap(), ours), "{bound}");
        }
        for bound in ["192.0.2.1", "::1"] {
            assert!(!reaches(bound.parse().unwrap(), ours), "{bound}");
        }
    }
}
