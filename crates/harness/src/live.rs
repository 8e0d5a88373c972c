//! A running system that is watched and, on request, broken: by whoever has its page open (`crates/map`), or by anybody who kills
//! one of its processes.
//!
//! The page and the proxies on the edges are children that speak in lines. From the page come orders:
//!
//! ```text
//! do 7 kill notify          kill, stop, slow, cut or restart; answered by {"done":{"id":7,"ok":true,"said":"…"}}
//! log 8 notify              answered by {"log":{"id":8,"lines":"…"}}
//! ```
//!
//! To the page goes `{"processes":{"notify":{"state":"down",…}}}` whenever that changes, and what the proxies count. To the proxies go
//! `up NAME`, `down NAME`, `slow NAME MILLISECONDS`.

mod edges;
mod helper;
mod page;

use std::{
    collections::{BTreeMap, VecDeque},
    process::ExitStatus,
    sync::mpsc::{Receiver, Sender, channel},
    thread::{self, Scope},
    time::{Duration, Instant},
};

use serde::Serialize;
use serde_json::json;

use crate::{Ended, Error, Result, System};

pub use edges::Edges;
pub use page::{Page, Setting};

/// For how long a process that somebody killed from outside stays away: its absence shall be seen.
const AWAY: Duration = Duration::from_secs(10);
/// For how long a process is stopped.
const STOPPED: Duration = Duration::from_secs(5);
/// By how much the answers of a process are slowed.
const SLOWER: Duration = Duration::from_millis(500);
/// How much of a log the page gets, in bytes.
const LOG: usize = 64 << 10;

/// What has happened since the last look.
#[derive(Debug)]
pub enum Event {
    /// Something to tell whoever runs the system.
    Said(String),
    /// A process ended by itself: the system is not whole any more.
    Ended(Ended),
}

/// How a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Up,
    Stopped,
    Starting,
    Down,
}

/// One process, as the page is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Process {
    state: State,
    /// Its number while it runs.
    id: Option<u32>,
    /// Where it listens itself, behind the proxies.
    url: Option<String>,
    /// Whether its answers are slowed.
    slow: bool,
    /// Whether nobody gets through to it.
    cut: bool,
    /// Whether anybody asks it, over proxies that can be slowed and cut.
    asked: bool,
    /// When it goes on, or is started again, by itself.
    #[serde(skip)]
    due: Option<Instant>,
}

/// A system that is looked after.
pub struct Live<'scope, 'env> {
    system: &'env System,
    scope: &'scope Scope<'scope, 'env>,
    edges: Option<Edges>,
    page: Option<Page>,
    processes: BTreeMap<String, Process>,
    /// What the page was told last.
    told: BTreeMap<String, Process>,
    /// How the starts ended that are under way in threads of their own.
    started: Receiver<(String, Result<()>)>,
    starts: Sender<(String, Result<()>)>,
    events: VecDeque<Event>,
}

impl<'scope, 'env> Live<'scope, 'env> {
    /// Looks after `system`, all of whose processes are up, in threads of `scope`.
    pub fn new(
        system: &'env System,
        edges: Option<Edges>,
        page: Option<Page>,
        scope: &'scope Scope<'scope, 'env>,
    ) -> Self {
        let (starts, started) = channel();
        let lasting = system.definition().processes.iter().filter(|process| !process.once);
        let processes = lasting.map(|process| {
            let name = &process.name;
            let state = Process {
                state: State::Up,
                id: system.id(name).ok(),
                url: system.url(name).ok().map(str::to_owned),
                slow: false,
                cut: false,
                asked: edges.as_ref().is_some_and(|edges| edges.lead_to(name)),
                due: None,
            };
            (name.clone(), state)
        });
        let processes = processes.collect();
        Self {
            system,
            scope,
            edges,
            page,
            processes,
            told: BTreeMap::new(),
            started,
            starts,
            events: VecDeque::new(),
        }
    }

    /// Does what is to be done by now, and says what has happened, one thing at a time. To be called often.
    pub fn turn(&mut self) -> Option<Event> {
        if self.events.is_empty() {
            self.hear_starts();
            self.hear_ends();
            self.do_what_is_due();
            self.hear_edges();
            self.hear_page();
            self.tell_page();
        }
        self.events.pop_front()
    }

    /// Lets go of the page. The proxies are handed back: those who drain ask each other until their end.
    #[must_use]
    pub fn into_edges(self) -> Option<Edges> {
        self.edges
    }

    fn say(&mut self, text: String) {
        self.events.push_back(Event::Said(text));
    }

    fn hear_starts(&mut self) {
        while let Ok((name, result)) = self.started.try_recv() {
            let id = self.system.id(&name).ok();
            let Some(process) = self.processes.get_mut(&name) else { continue };
            process.id = id;
            // One that is up and not ready is up: whoever asks it sees what comes of it.
            process.state = if id.is_some() { State::Up } else { State::Down };
            if id.is_some() {
                self.pass(&name);
            } else {
                // Forgotten: one that does not come up is down, and no reason to end the others.
                let _ = self.system.kill(&name);
            }
            match (result, id) {
                (Ok(()), Some(id)) => self.say(format!("\n{name} is back: process {id}")),
                (Ok(()), None) => self.say(format!("\n{name} was started, and has ended")),
                // Whoever stops the system knows.
                (Err(Error::Stopped), _) => {}
                (Err(error), _) => self.say(format!("\n{name} was started again: {error}")),
            }
        }
    }

    fn hear_ends(&mut self) {
        let Some(ended) = self.system.ended() else { return };
        let Some(process) = self.processes.get_mut(&ended.name) else {
            return self.events.push_back(Event::Ended(ended));
        };
        // Whoever waits for its start hears of it.
        if process.state == State::Starting {
            return;
        }
        if !was_killed(&ended.status) {
            return self.events.push_back(Event::Ended(ended));
        }
        // Forgotten, so that the next one who ends is seen. It is dead already.
        let _ = self.system.kill(&ended.name);
        process.state = State::Down;
        process.id = None;
        process.due = Some(Instant::now() + AWAY);
        self.pass(&ended.name);
        self.say(format!("\n{} was killed; it is started again in {} s", ended.name, AWAY.as_secs()));
    }

    fn do_what_is_due(&mut self) {
        let now = Instant::now();
        let is_due = |process: &Process| process.due.is_some_and(|due| due <= now);
        let due: Vec<_> = self
            .processes
            .iter()
            .filter(|(_, it)| is_due(it))
            .map(|(name, it)| (name.clone(), it.state))
            .collect();
        for (name, state) in due {
            match state {
                State::Down => self.start(&name),
                #[cfg(unix)]
                State::Stopped => {
                    self.set(&name, State::Up);
                    if let Err(error) = self.system.resume(&name) {
                        self.say(format!("\n{name} does not go on: {error}"));
                    }
                }
                _ => self.set(&name, state),
            }
        }
    }

    fn hear_edges(&mut self) {
        let Some(edges) = &self.edges else { return };
        loop {
            match edges.helper.next() {
                Ok(Some(counts)) => {
                    if let Some(page) = &self.page {
                        page.helper.say(counts);
                    }
                }
                Ok(None) => return,
                Err(()) => break,
            }
        }
        self.edges = None;
        let text = "\nthe proxies between the processes have ended: nobody reaches anybody. Ctrl-C, and run it again";
        self.say(text.to_owned());
    }

    fn hear_page(&mut self) {
        loop {
            let Some(page) = &self.page else { return };
            match page.helper.next() {
                Ok(Some(line)) => self.obey(&line),
                Ok(None) => return,
                Err(()) => {
                    self.page = None;
                    self.say("\nthe map has ended; the system goes on without it".to_owned());
                }
            }
        }
    }

    fn tell_page(&mut self) {
        if let Some(page) = &self.page
            && self.told != self.processes
        {
            page.helper.say(json!({ "processes": self.processes }).to_string());
            self.told.clone_from(&self.processes);
        }
    }

    /// One line of the page. What is no order is passed over: the page checks what it is sent, and says nothing else.
    fn obey(&mut self, line: &str) {
        let words: Vec<_> = line.split(' ').collect();
        let answer = match words[..] {
            ["do", id, action, name] => {
                let done = self.act(action, name);
                if done.is_ok() {
                    self.say(format!("\nmap: {action} {name}"));
                }
                let (ok, said) = match done {
                    Ok(said) => (true, said),
                    Err(said) => (false, said),
                };
                json!({ "done": { "id": id, "ok": ok, "said": said } })
            }
            ["log", id, name] => {
                let lines = self.system.log(name).unwrap_or_default();
                let from = lines.ceil_char_boundary(lines.len().saturating_sub(LOG));
                json!({ "log": { "id": id, "lines": lines[from..] } })
            }
            _ => return,
        };
        // The state first: whoever reads the answer looks at it.
        self.tell_page();
        if let Some(page) = &self.page {
            page.helper.say(answer.to_string());
        }
    }

    /// Does it, or says why not.
    fn act(&mut self, action: &str, name: &str) -> Result<String, String> {
        let Some(process) = self.processes.get(name) else {
            return Err(format!("there is no process {name}"));
        };
        let (state, asked) = (process.state, process.asked);
        if matches!(action, "slow" | "cut") && !asked {
            return Err(format!("nobody asks {name} but you: there is no edge to {action}"));
        }
        match (action, state) {
            (_, State::Starting) => Err(format!("{name} is being started; wait until it is up")),
            ("kill" | "stop", State::Down) => Err(format!("{name} is down already")),
            ("kill", _) => {
                match self.system.kill(name) {
                    // It has died in this moment, by itself.
                    Ok(()) | Err(Error::NotRunning(_)) => {}
                    Err(error) => return Err(error.to_string()),
                }
                self.set(name, State::Down);
                self.pass(name);
                Ok(format!("{name} was killed; restart brings it back"))
            }
            ("stop", State::Stopped) => Err(format!("{name} is stopped already")),
            #[cfg(unix)]
            ("stop", _) => {
                self.system.pause(name).map_err(|error| error.to_string())?;
                self.set(name, State::Stopped);
                if let Some(process) = self.processes.get_mut(name) {
                    process.due = Some(Instant::now() + STOPPED);
                }
                Ok(format!("{name} stands still for {} s", STOPPED.as_secs()))
            }
            #[cfg(not(unix))]
            ("stop", _) => Err("this system cannot stop a process in the middle of what it does".to_owned()),
            ("slow" | "cut", _) => Ok(self.trouble(action, name)),
            ("restart", _) => {
                if let Some(process) = self.processes.get_mut(name) {
                    (process.slow, process.cut) = (false, false);
                }
                self.start(name);
                Ok(format!("{name} is being started"))
            }
            _ => Err(format!("nobody knows how to {action}")),
        }
    }

    /// Begins or ends a trouble on the edges to a process.
    fn trouble(&mut self, action: &str, name: &str) -> String {
        let Some(process) = self.processes.get_mut(name) else { return String::new() };
        let flag = if action == "slow" { &mut process.slow } else { &mut process.cut };
        *flag = !*flag;
        let said = match (action, *flag) {
            ("slow", true) => format!("each answer of {name} takes {} ms longer", SLOWER.as_millis()),
            ("slow", false) => format!("{name} is as fast as it was"),
            (_, true) => format!("nobody gets through to {name}"),
            (_, false) => format!("{name} can be reached again"),
        };
        self.pass(name);
        said
    }

    /// Tells the proxies what they shall do with those who ask `name`.
    fn pass(&self, name: &str) {
        let (Some(edges), Some(process)) = (&self.edges, self.processes.get(name)) else { return };
        let slower = if process.slow { SLOWER.as_millis() } else { 0 };
        edges.helper.say(format!("slow {name} {slower}"));
        // A port where nobody listens refuses, with a proxy before it as without one.
        let word = if process.cut || process.state == State::Down { "down" } else { "up" };
        edges.helper.say(format!("{word} {name}"));
    }

    fn set(&mut self, name: &str, state: State) {
        if let Some(process) = self.processes.get_mut(name) {
            process.state = state;
            process.due = None;
            process.id = self.system.id(name).ok();
        }
    }

    /// Starts a process, after its end where it runs, in a thread of its own: it may wait for others that are down.
    fn start(&mut self, name: &str) {
        self.set(name, State::Starting);
        self.pass(name);
        let (system, name, starts) = (self.system, name.to_owned(), self.starts.clone());
        self.scope.spawn(move || {
            #[cfg(unix)]
            let _ = system.resume(&name);
            // Whatever comes of it, it does not run any more.
            let _ = system.terminate(&name);
            let result = system.start_again(&name);
            let _ = starts.send((name, result));
        });
    }
}

/// Whether somebody else ended the process: only unix tells.
#[must_use]
pub fn was_killed(status: &ExitStatus) -> bool {
    !status.success() && status.code().is_none()
}

/// How often [`Live::turn`] is to be called when it has nothing to say.
pub const LOOK: Duration = Duration::from_millis(50);

/// Waits until the next [`Live::turn`].
pub fn rest() {
    thread::sleep(LOOK);
}
