//! What a person sees: a line that moves while something does, and a table at the end. Without a terminal, a line a second.

use std::{
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

use super::{
    load::Verdict,
    mover::{Stage, Status},
    tally::Tally,
};
use crate::output::{say, style};

/// How wide the bar is.
const WIDTH: u64 = 24;
/// How often a line is said where none can be replaced.
const LINE: Duration = Duration::from_secs(1);

/// The line that moves.
pub(super) struct Line {
    is_terminal: bool,
    shown: Option<Instant>,
    last: String,
}

impl Line {
    pub(super) fn new() -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { is_terminal: std::io::stdout().is_terminal() && !dumb, shown: None, last: String::new() }
    }

    /// Shows how far it is, and what people see of it.
    pub(super) fn update(&mut self, status: &Status, tally: &mut Tally) {
        let (move_line, load_line) = (of_move(status, self.is_terminal), of_load(tally));
        if self.is_terminal {
            let mut out = std::io::stdout().lock();
            let _ =
                write!(out, "\r\x1b[K{move_line} | {}", style::dim(&load_line)).and_then(|()| out.flush());
            self.shown = Some(Instant::now());
        } else if move_line != self.last && self.shown.is_none_or(|shown| shown.elapsed() >= LINE) {
            say(&format!("{move_line} | {load_line}"));
            self.shown = Some(Instant::now());
            self.last = move_line;
        }
    }

    /// Leaves the line as it is: something else is said.
    pub(super) fn end(&mut self) {
        if self.is_terminal && self.shown.is_some() {
            say("");
        }
        self.shown = None;
    }
}

/// How far the move is.
fn of_move(status: &Status, with_bar: bool) -> String {
    let (copied, of) = status.rows();
    // Rows that were written meanwhile were not counted.
    let of = of.max(copied);
    let stages: Vec<_> = status.modules.iter().map(|m| format!("{} {}", m.module, word(m.stage))).collect();
    let bar = if with_bar { format!("{} ", bar(copied, of)) } else { String::new() };
    format!("{bar}{} of {} rows, lag {} | {}", grouped(copied), grouped(of), status.lag(), stages.join(", "))
}

/// What people see of it.
fn of_load(tally: &mut Tally) -> String {
    match tally.lately() {
        Some((rate, p50, p99)) => format!("{rate:.0} requests/s, p50 {p50:.0} ms, p99 {p99:.0} ms"),
        None => "no requests".to_owned(),
    }
}

fn word(stage: Stage) -> &'static str {
    match stage {
        Stage::Waiting => "waits",
        Stage::Copying => "is copied",
        Stage::Comparing => "is compared",
        Stage::Ready => "is ready",
        Stage::Cutting => "is cut over",
        Stage::Moved => "works on the new database",
        Stage::Returning => "goes back",
        Stage::Back => "works on the old database",
        Stage::Differs => "differs",
        Stage::Kept => "has no other database",
    }
}

fn bar(done: u64, of: u64) -> String {
    let full = (done.min(of) * WIDTH).checked_div(of).unwrap_or(0);
    let (full, rest) = (full as usize, (WIDTH - full) as usize);
    format!("[{}{}]", "#".repeat(full), ".".repeat(rest))
}

/// `1234567` as `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// What one lap was like.
pub(super) struct Column {
    pub(super) name: &'static str,
    /// Rows that were copied, and in how long.
    pub(super) copied: Option<(u64, Duration)>,
    pub(super) pause_ms: Option<f64>,
    pub(super) seen: Tally,
}

/// The laps beside one another, and what came of all that was written.
pub(super) fn table(columns: &[Column], verdict: &Verdict) {
    let none = || "-".to_owned();
    let row = |label: &str, cell: &dyn Fn(&Column) -> String| {
        let cells: String = columns.iter().map(|column| format!("{:>12}", cell(column))).collect();
        say(&format!("{label:<24}{cells}"));
    };
    let percentile =
        |column: &Column, percent| column.seen.percentile(percent).map_or_else(none, |ms| ms.to_string());
    say("");
    row("", &|column| column.name.to_owned());
    row("rows copied", &|column| column.copied.map_or_else(none, |(rows, _)| grouped(rows)));
    row("rows a second", &|column| {
        let rate = |(rows, took): (u64, Duration)| (rows as f64 / took.as_secs_f64().max(0.001)).round();
        column.copied.filter(|(rows, _)| *rows > 0).map_or_else(none, |copied| grouped(rate(copied) as u64))
    });
    row("pause of writes, ms", &|column| column.pause_ms.map_or_else(none, |ms| format!("{ms:.0}")));
    row("requests sent", &|column| grouped(column.seen.sent));
    row("requests failed", &|column| grouped(column.seen.failed));
    row("p50, ms", &|column| percentile(column, 50));
    row("p99, ms", &|column| percentile(column, 99));
    row("longest, ms", &|column| percentile(column, 100));
    say("");
    let Verdict { writes, lost, stale, tasks: (before, after) } = verdict;
    say(&format!("Writes acknowledged {}, lost {}; stale reads {stale}", grouped(*writes), lost.len()));
    say(&format!("Tasks before {before}, after {after}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_a_bar_is_as_full_as_the_work_is_done() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(bar(0, 0), format!("[{}]", ".".repeat(24)));
        assert_eq!(bar(5, 10), format!("[{}{}]", "#".repeat(12), ".".repeat(12)));
        assert_eq!(bar(11, 10), format!("[{}]", "#".repeat(24)));
    }
}
