//! A process of a step beside the same answers from memory.

use std::{fmt, sync::Arc, time::Duration};

use acceptance::App;
use anyhow::Result;
use tokio::runtime::Runtime;

use crate::{
    Footprint, Frame, Measured, Memory, Options, Recording, Target, Visit, beside, footprint, number,
    take_turns,
};

/// What one visit costs at the front of a system, and what it would without the work behind.
#[derive(Debug)]
pub struct Comparison {
    /// What was asked.
    pub what: String,
    /// Bytes of the answers to one visit, on average.
    pub bytes: usize,
    /// The process of the step.
    pub process: String,
    /// What was seen of it.
    pub real: Measured,
    /// What was seen of the server that answers from memory, in the frame of our processes.
    pub memory: Measured,
    /// What was seen of the same as a bare handler.
    pub bare: Measured,
    /// Memory of the process when it was over.
    pub footprint: Option<Footprint>,
}

impl Comparison {
    /// Makes `visit` at the front of `app`, which is its `process`, and at two servers that answer alike from memory. Blocks.
    ///
    /// # Errors
    /// A server does not answer, or not with 200.
    pub fn of(
        runtime: &Runtime,
        options: &Options,
        app: &App,
        process: &str,
        what: &str,
        visit: Visit,
    ) -> Result<Self> {
        let base = app.system().front();
        let id = app.system().id(process)?;
        let recording = runtime.block_on(Recording::of(&visit, base))?;
        let bytes = recording.bytes() / visit.variants();
        let memory = Memory::start(&recording, Frame::Ours)?;
        let bare = Memory::start(&recording, Frame::Bare)?;
        let database = || app.database().cpu_time();
        let nothing = || Some(Duration::ZERO);
        let targets = [
            Target { base, process: id, behind: &database },
            Target { base: memory.base(), process: memory.process(), behind: &nothing },
            Target { base: bare.base(), process: bare.process(), behind: &nothing },
        ];
        let [real, memory, bare] = take_turns(runtime, options, &Arc::new(visit), &targets)?;
        let (what, process) = (what.to_owned(), process.to_owned());
        Ok(Self { what, bytes, process, real, memory, bare, footprint: footprint(id) })
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kilobytes = number(Some(self.bytes as f64 / 1_000.0));
        writeln!(f, "{}, {kilobytes} kB; each figure is one request's", self.what)?;
        let others = [("from memory", &self.memory), ("bare axum", &self.bare)];
        write!(f, "{}", beside((&self.process, &self.real), &others))?;
        if self.real.cpu.is_none() {
            writeln!(f, "  CPU: not measured on this system")?;
        }
        match self.footprint {
            Some(Footprint { now, most }) => {
                writeln!(
                    f,
                    "  {} holds {} MB, at most {} MB since its start",
                    self.process,
                    now / 1_000,
                    most / 1_000
                )
            }
            None => writeln!(f, "  memory: not measured on this system"),
        }
    }
}
