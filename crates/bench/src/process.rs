//! What a process has used, as Linux tells it. Elsewhere it is not known.

use std::{fs, time::Duration};

/// Clock ticks a second in `/proc/PID/stat`. The kernel shows 100 on every architecture that Rust's standard library is
/// built for, whatever it counts with itself (`USER_HZ`).
const TICKS: u64 = 100;

/// CPU time of a process so far, user and system, its ended threads included; to 10 ms.
#[must_use]
pub fn cpu_time(process: u32) -> Option<Duration> {
    cpu_time_of(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
}

fn cpu_time_of(stat: &str) -> Option<Duration> {
    // The second field is the name in brackets and may hold anything: count from behind it.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some(Duration::from_millis((ticks()? + ticks()?) * 1_000 / TICKS))
}

/// Memory of a process, in kB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footprint {
    /// What is resident now (`VmRSS`).
    pub now: u64,
    /// What was at most, since its start (`VmHWM`).
    pub most: u64,
}

/// Memory of a process.
#[must_use]
pub fn footprint(process: u32) -> Option<Footprint> {
    footprint_of(&fs::read_to_string(format!("/proc/{process}/status")).ok()?)
}

fn footprint_of(status: &str) -> Option<Footprint> {
    let kilobytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_end_matches("kB").trim().parse().ok()
    };
    Some(Footprint { now: kilobytes("VmRSS:")?, most: kilobytes("VmHWM:")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_are_found_behind_a_name_with_spaces_and_brackets() {
        let stat = "42 (a) b (c)) S 1 42 42 0 -1 4194560 100 0 0 0 123 45 0 0 20 0 5 0 100 1000 50";
        assert_eq!(cpu_time_of(stat), Some(Duration::from_millis(1_680)));
        assert_eq!(cpu_time_of(""), None);
    }

    #[test]
    fn resident_memory_is_read_now_and_at_its_most() {
        let status = "Name:\tx\nVmHWM:\t   31000 kB\nVmRSS:\t   30000 kB\n";
        assert_eq!(footprint_of(status), Some(Footprint { now: 30_000, most: 31_000 }));
    }
}
