//! A task's history.

use domain::HistoryLine;
use step_02_contracts::Fault;

use crate::{
    fields::{time, wire_time},
    v1,
};

impl From<HistoryLine> for v1::HistoryLine {
    fn from(line: HistoryLine) -> Self {
        let HistoryLine { at, who, field, before, after, version } = line;
        Self { at: Some(wire_time(at)), who, field, before, after, version }
    }
}

impl TryFrom<v1::HistoryLine> for HistoryLine {
    type Error = Fault;

    fn try_from(line: v1::HistoryLine) -> Result<Self, Fault> {
        let v1::HistoryLine { at, who, field, before, after, version } = line;
        Ok(Self { at: time("at", at)?, who, field, before, after, version })
    }
}
