//! On which ports a run listens: the declared ones, or others where those are taken.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

use harness::{Definition, ports};

/// Whether somebody listens on `port`, on our address or on all.
pub(super) fn is_taken(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    // Where another program listens on every address, some systems would let us listen on this one beside it.
    !ports::is_free(port) || TcpStream::connect_timeout(&address, Duration::from_millis(50)).is_ok()
}

/// The next port that is free and none of `reserved`, or the same when there is none.
pub(super) fn free_near(port: u16, reserved: &[u16]) -> u16 {
    let mut later = port.saturating_add(1)..=u16::MAX;
    later.find(|port| !reserved.contains(port) && !is_taken(*port)).unwrap_or(port)
}

/// Those of `system.toml`.
pub(super) fn declared_ports(definition: &Definition) -> Vec<u16> {
    definition.processes.iter().filter_map(|process| process.port).collect()
}

/// The processes behind `front` whose declared port cannot be theirs, each with it and with another: people type the front's
/// address only. Nobody is given what another one of the system has declared, taken or not.
pub(super) fn chosen_ports(definition: &Definition, front: u16) -> Vec<(&str, u16, u16)> {
    let mut reserved = declared_ports(definition);
    reserved.push(front);
    let mut chosen = Vec::new();
    for process in definition.processes.iter().filter(|process| process.name != definition.front) {
        if let Some(declared) = process.port.filter(|&declared| declared == front || is_taken(declared)) {
            let other = free_near(declared, &reserved);
            reserved.push(other);
            chosen.push((process.name.as_str(), declared, other));
        }
    }
    chosen
}
