//! Free ports that two test binaries at the same time do not hand out twice.
//!
//! Asking the system for "any port" and closing it again is a race: the next who asks, or the next outgoing connection,
//! may get the same one before the process listens. So we stay below the range from which systems take ports for
//! outgoing connections, and cut ours into blocks: who holds the first port of a block owns the rest of it.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, TcpListener},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{Error, Result};

/// The lowest port that is handed out.
pub const FIRST: u16 = 20_000;
/// The highest port that is handed out.
pub const LAST: u16 = 31_999;

const BLOCK: u16 = 50;
const BLOCKS: u16 = (LAST - FIRST + 1) / BLOCK;

static BLOCKS_OWNED: Mutex<Owned> = Mutex::new(Owned { blocks: Vec::new(), taken: BTreeSet::new(), next: 0 });

struct Owned {
    /// The first port of each block, held for as long as this process lives.
    blocks: Vec<(u16, TcpListener)>,
    taken: BTreeSet<u16>,
    /// Where the search goes on, so that a port rests before it is used again.
    next: usize,
}

/// A port on 127.0.0.1 that nobody else in a workshop's tests gets as long as this value lives. Nobody listens on it.
#[derive(Debug)]
pub struct Port(u16);

impl Port {
    /// Takes a free one.
    ///
    /// # Errors
    /// All are taken.
    pub fn take() -> Result<Self> {
        let mut owned = lock();
        loop {
            for _ in 0..owned.blocks.len() * usize::from(BLOCK) {
                let block = owned.blocks[owned.next / usize::from(BLOCK) % owned.blocks.len()].0;
                // Within a block, so it fits; offset 0 is the one that we hold ourselves.
                let port = block + (owned.next % usize::from(BLOCK)) as u16;
                owned.next = owned.next.wrapping_add(1);
                if port != block && !owned.taken.contains(&port) && is_free(port) {
                    owned.taken.insert(port);
                    return Ok(Self(port));
                }
            }
            let block = another_block().ok_or(Error::NoPort)?;
            owned.blocks.push(block);
            owned.next = (owned.blocks.len() - 1) * usize::from(BLOCK);
        }
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.0
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        lock().taken.remove(&self.0);
    }
}

/// Whether somebody could listen on `port` of 127.0.0.1 now.
#[must_use]
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn another_block() -> Option<(u16, TcpListener)> {
    // Different processes begin at different blocks, so that they rarely have to ask twice.
    let start = (std::process::id() % u32::from(BLOCKS)) as u16;
    (0..BLOCKS).find_map(|step| {
        let first = FIRST + (start + step) % BLOCKS * BLOCK;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, first)).ok()?;
        Some((first, listener))
    })
}

fn lock() -> MutexGuard<'static, Owned> {
    // A panic elsewhere cannot leave the sets half changed.
    BLOCKS_OWNED.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_not_handed_out_twice_while_it_is_held() {
        let ports: Vec<_> = (0..120).map(|_| Port::take().unwrap()).collect();
        let numbers: BTreeSet<_> = ports.iter().map(Port::number).collect();
        assert_eq!(numbers.len(), ports.len());
        assert!(numbers.iter().all(|&port| (FIRST..=LAST).contains(&port) && is_free(port)));
    }
}
