//! Lists processes and their open ports, read from `/proc`.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A process. Its start time distinguishes it from a later process with the same id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) name: String,
    pub(crate) arguments: String,
    parent: u32,
    started: u64,
}

impl Process {
    fn read(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name stands in parentheses and may contain any character. Parse what follows it.
        let (head, tail) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = tail.split_whitespace().collect();
        if fields.first() == Some(&"Z") {
            return None;
        }
        let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        Some(Self {
            pid,
            name: head.split_once('(')?.1.to_owned(),
            arguments: String::from_utf8_lossy(&arguments).replace('\0', " "),
            parent: fields.get(1)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
        })
    }

    pub(crate) fn is_alive(&self) -> bool {
        Self::read(self.pid).is_some_and(|now| now.started == self.started)
    }
}

/// A living process and all its descendants.
pub(crate) fn family_of(pid: u32) -> Vec<Process> {
    let entries = fs::read_dir("/proc").unwrap();
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    family_of_any(&pids.filter_map(Process::read).collect::<Vec<_>>(), pid)
}

/// The process `pid` and all its descendants among `all`.
pub(crate) fn family_of_any(all: &[Process], pid: u32) -> Vec<Process> {
    let mut family = BTreeSet::from([pid]);
    loop {
        let before = family.len();
        family.extend(all.iter().filter(|one| family.contains(&one.parent)).map(|one| one.pid).collect::<Vec<_>>());
        if family.len() == before {
            return all.iter().filter(|one| family.contains(&one.pid)).cloned().collect();
        }
    }
}

/// The addresses on which any of the processes listens for TCP.
pub(crate) fn listening_addresses(processes: &[Process]) -> Vec<SocketAddr> {
    let files = processes.iter().filter_map(|process| fs::read_dir(format!("/proc/{}/fd", process.pid)).ok()).flatten();
    let links = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    let sockets: BTreeSet<String> =
        links.filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())).collect();

    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    let rows = tables.iter().flat_map(|table| table.lines().skip(1));
    let columns = rows.map(|row| row.split_whitespace().collect::<Vec<_>>());
    let listening = columns.filter(|columns| columns[3] == "0A" && sockets.contains(columns[9]));
    listening.map(|columns| address(columns[1])).collect()
}

/// Parses an address such as `0100007F:1F90`: 32-bit words in the machine's byte order, here little-endian, and a port.
fn address(text: &str) -> SocketAddr {
    let (ip, port) = text.split_once(':').unwrap();
    let words = ip.as_bytes().chunks(8).map(|word| u32::from_str_radix(str::from_utf8(word).unwrap(), 16).unwrap());
    let bytes: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
    let ip = match <[u8; 4]>::try_from(bytes.as_slice()) {
        Ok(v4) => IpAddr::V4(Ipv4Addr::from(v4)),
        Err(_) => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes.as_slice()).unwrap())),
    };
    SocketAddr::new(ip, u16::from_str_radix(port, 16).unwrap())
}
