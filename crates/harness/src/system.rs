//! A running system.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io,
    path::PathBuf,
    process::{Command, ExitStatus},
    sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError},
    thread,
    time::{Duration, Instant},
};

#[cfg(unix)]
use nix::sys::signal::Signal;

use crate::{
    Definition, Error, INHERITED, Options, Ports, Result, Stop,
    child::Child,
    definition::{FOLDER, Process},
    health,
    log::Log,
    ports::{self, Port},
};

/// How often a start looks whether the processes are ready: often, since every scenario waits for it.
const LOOK: Duration = Duration::from_millis(3);

/// The running processes of a step. Dropped, it stops them, the last started first.
pub struct System {
    definition: Definition,
    /// In the order of [`Definition::processes`].
    members: Vec<Member>,
    /// In the order of [`Definition::manual`].
    pub(crate) manual: Vec<Launch>,
    ready_within: Duration,
    pub(crate) grace: Duration,
    pub(crate) stop: Stop,
    /// Held, so that nobody else gets a port while its process is down.
    _ports: Vec<Port>,
}

/// One process: how it is started, and its present life.
struct Member {
    process: Process,
    port: Option<u16>,
    url: Option<String>,
    launch: Launch,
    child: Mutex<Option<Child>>,
}

/// All that a start needs, so that the next one is the same.
pub(crate) struct Launch {
    pub(crate) name: String,
    binary: PathBuf,
    args: Vec<String>,
    env: BTreeMap<String, OsString>,
    working_directory: Option<PathBuf>,
    pub(crate) log: Arc<Log>,
}

/// A process that ended although nobody asked it to.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub status: ExitStatus,
    /// Its last lines.
    pub log: String,
}

impl System {
    /// Starts the processes of a step, or the [`Part`](crate::Part) of them that is asked for, each as soon as those that
    /// it waits for are ready, and returns when all are.
    ///
    /// # Errors
    /// A wrong `system.toml`, a placeholder without a value, a taken port; a process that cannot be started, ends early or
    /// is not ready in time, by name and with its last lines. Whatever was started by then is stopped.
    pub fn start(options: &Options) -> Result<Self> {
        let definition = Definition::load(&options.folder)?;
        let named =
            options.fixed.keys().chain(options.via.keys()).chain(options.env.iter().map(|(name, ..)| name));
        for name in named {
            let is_manual = definition.manual.iter().any(|process| process.name == *name);
            if definition.process(name).is_none() && !is_manual {
                return Err(no_such_process(&definition, name));
            }
        }
        let mut held = Vec::new();
        let mut numbers = BTreeMap::new();
        for process in &definition.processes {
            let Some(declared) = process.port else { continue };
            let fixed = options.fixed.get(&process.name).copied();
            let number = match fixed.or((options.ports == Ports::Declared).then_some(declared)) {
                Some(port) if ports::is_free(port) => port,
                Some(port) => return Err(Error::PortTaken { name: process.name.clone(), port }),
                None => {
                    let port = Port::take()?;
                    let number = port.number();
                    held.push(port);
                    number
                }
            };
            numbers.insert(process.name.clone(), number);
        }

        let all = || definition.processes.iter().chain(&definition.manual);
        let width = all().map(|process| process.name.len()).max().unwrap_or(0);
        let mut launches = Vec::new();
        for (index, process) in all().enumerate() {
            launches.push(Launch {
                name: process.name.clone(),
                binary: options.binary.clone(),
                args: process.args.clone(),
                env: environment(process, options, &numbers)?,
                working_directory: options.working_directory.clone(),
                log: Arc::new(Log::new(options.logs.sink(&process.name, index, width)?)),
            });
        }
        let manual = launches.split_off(definition.processes.len());
        let members = definition.processes.iter().zip(launches).map(|(process, launch)| {
            let port = numbers.get(&process.name).copied();
            Member { port, url: port.map(url_of), launch, child: Mutex::new(None), process: process.clone() }
        });
        let members = members.collect();
        let system = Self {
            definition,
            members,
            manual,
            ready_within: options.ready_within,
            grace: options.grace,
            stop: options.stop.clone(),
            _ports: held,
        };
        let wanted = system.members.iter().filter(|member| options.part.has(&member.process));
        system.bring_up(&wanted.collect::<Vec<_>>())?;
        Ok(system)
    }

    /// What the step's `system.toml` says.
    #[must_use]
    pub fn definition(&self) -> &Definition {
        &self.definition
    }

    /// Where a process listens, e.g. `http://127.0.0.1:20017`.
    ///
    /// # Errors
    /// No process of that name with a port.
    pub fn url(&self, name: &str) -> Result<&str> {
        let member = self.member(name)?;
        member.url.as_deref().ok_or_else(|| Error::NoSuchProcess(format!("{name} does not listen")))
    }

    /// Where clients find the system: the URL of its `front`.
    #[must_use]
    pub fn front(&self) -> &str {
        // Definition::load refuses a front without a port.
        self.url(&self.definition.front).unwrap_or_default()
    }

    /// The number of a running process, as the operating system counts.
    ///
    /// # Errors
    /// No such process, or it is not running.
    pub fn id(&self, name: &str) -> Result<u32> {
        self.with_child(name, |child| Ok(child.id()))
    }

    /// Ends a process without a word (SIGKILL on unix).
    ///
    /// # Errors
    /// No such process, or it is not running.
    pub fn kill(&self, name: &str) -> Result<()> {
        let killed =
            self.with_child(name, |child| child.kill().map_err(|source| failed("kill", name, source)));
        *self.member(name)?.child() = None;
        killed.map(drop)
    }

    /// Asks a process to stop (SIGTERM on unix, closed standard input elsewhere) and waits for its end.
    ///
    /// # Errors
    /// No such process, it is not running, or it does not stop in time; then it is killed.
    pub fn terminate(&self, name: &str) -> Result<ExitStatus> {
        self.end(name, |child| {
            child.ask_to_stop().map_err(|source| Error::Signal {
                name: name.to_owned(),
                action: "stop",
                source,
            })
        })
    }

    /// Closes the standard input of a process, as happens when its parent is killed, and waits for its end.
    ///
    /// # Errors
    /// As [`System::terminate`].
    pub fn hang_up(&self, name: &str) -> Result<ExitStatus> {
        self.end(name, |child| {
            child.hang_up();
            Ok(())
        })
    }

    /// Starts a process that was ended, with the same port and environment, and waits until it is ready. One with `once`
    /// runs to its end.
    ///
    /// # Errors
    /// No such process, it is still running, or it does not become ready.
    pub fn start_again(&self, name: &str) -> Result<()> {
        let member = self.member(name)?;
        if member.child().as_mut().is_some_and(|child| child.poll().is_none()) {
            return Err(Error::StillRunning(name.to_owned()));
        }
        self.bring_up(&[member])
    }

    /// Stops a process in the middle of what it does (SIGSTOP): connections to it are accepted and stall.
    ///
    /// # Errors
    /// No such process, or it is not running.
    #[cfg(unix)]
    pub fn pause(&self, name: &str) -> Result<()> {
        self.with_child(name, |child| child.pause().map_err(|source| failed("pause", name, source)))
    }

    /// Lets a paused process go on (SIGCONT).
    ///
    /// # Errors
    /// No such process, or it is not running.
    #[cfg(unix)]
    pub fn resume(&self, name: &str) -> Result<()> {
        self.with_child(name, |child| {
            child.signal(Signal::SIGCONT).map_err(|source| failed("resume", name, source))
        })
    }

    /// The last 2,000 lines of a process, over all its lives.
    ///
    /// # Errors
    /// No such process.
    pub fn log(&self, name: &str) -> Result<String> {
        Ok(self.member(name)?.launch.log.all())
    }

    /// The last lines of every process, each under its name: for the message of a failure.
    #[must_use]
    pub fn tails(&self) -> String {
        let tail = |member: &Member| format!("── {}\n{}\n", member.process.name, member.launch.log.tail());
        self.members.iter().map(tail).collect()
    }

    /// A process that ended although nobody asked it to.
    #[must_use]
    pub fn ended(&self) -> Option<Ended> {
        self.members.iter().find_map(|member| {
            // Whoever holds it waits for its end, and was asked to.
            let mut child = match member.child.try_lock() {
                Ok(child) => child,
                Err(TryLockError::Poisoned(error)) => error.into_inner(),
                Err(TryLockError::WouldBlock) => return None,
            };
            let status = child.as_mut()?.poll()?;
            Some(Ended { name: member.process.name.clone(), status, log: member.launch.log.tail() })
        })
    }

    /// Stops all processes, the last started first, as dropping does.
    pub fn shut_down(self) {
        drop(self);
    }

    /// Ends all processes without a word, as [`System::kill`] does one: for whoever has seen what there was to see.
    pub fn kill_all(&self) {
        // First all, then one after the other: each takes a moment to go.
        #[cfg(unix)]
        for member in &self.members {
            if let Some(child) = member.child().as_mut() {
                child.kill_soon();
            }
        }
        for member in self.members.iter().rev() {
            // Dropped, it is killed and waited for.
            *member.child() = None;
        }
    }

    fn member(&self, name: &str) -> Result<&Member> {
        let member = self.members.iter().find(|member| member.process.name == name);
        member.ok_or_else(|| no_such_process(&self.definition, name))
    }

    fn with_child<T>(&self, name: &str, act: impl FnOnce(&mut Child) -> Result<T>) -> Result<T> {
        let mut slot = self.member(name)?.child();
        let Some(child) = slot.as_mut() else { return Err(Error::NotRunning(name.to_owned())) };
        if child.poll().is_some() {
            return Err(Error::NotRunning(name.to_owned()));
        }
        act(child)
    }

    /// Asks a process to end by `ask`, waits, and forgets it.
    fn end(&self, name: &str, ask: impl FnOnce(&mut Child) -> Result<()>) -> Result<ExitStatus> {
        let status = self.with_child(name, |child| {
            ask(child)?;
            Ok(child.wait(self.grace, &self.stop))
        })?;
        let member = self.member(name)?;
        *member.child() = None;
        status.ok_or_else(|| Error::WouldNotStop {
            name: name.to_owned(),
            after: self.grace,
            log: member.launch.log.tail(),
        })
    }

    /// Starts `wanted`, each when those of them that it waits for are up, and waits for all.
    fn bring_up(&self, wanted: &[&Member]) -> Result<()> {
        let until = Instant::now() + self.ready_within;
        let mut waiting: Vec<&Member> = wanted.to_vec();
        let mut starting: Vec<(&Member, String)> = Vec::new();
        let mut up: Vec<&Member> = Vec::new();
        while !(waiting.is_empty() && starting.is_empty()) {
            if self.stop.requested() {
                return Err(Error::Stopped);
            }
            let mut later = Vec::new();
            for member in std::mem::take(&mut waiting) {
                let is = |name: &String| {
                    let mut all = wanted.iter().filter(|other| other.process.name == *name);
                    all.all(|other| up.iter().any(|up| std::ptr::eq(*up, *other)))
                };
                if member.process.waits_for.iter().all(is) {
                    member.spawn()?;
                    starting.push((member, "it has only just been started".to_owned()));
                } else {
                    later.push(member);
                }
            }
            waiting = later;

            let mut still = Vec::new();
            for (member, _) in std::mem::take(&mut starting) {
                match self.check(member)? {
                    Ok(()) => up.push(member),
                    Err(reason) => still.push((member, reason)),
                }
            }
            starting = still;
            // Those that were ready must still be there: the others may wait for an answer of theirs.
            for member in &up {
                member.must_live()?;
            }
            if let Some((member, reason)) = starting.first() {
                if Instant::now() >= until {
                    return Err(Error::NotReady {
                        name: member.process.name.clone(),
                        after: self.ready_within,
                        reason: reason.clone(),
                        log: member.launch.log.tail(),
                    });
                }
                thread::sleep(LOOK);
            }
        }
        Ok(())
    }

    /// Whether a started process is up: done when it runs once, else ready.
    fn check(&self, member: &Member) -> Result<Result<(), String>> {
        if member.process.once {
            let status = member.child().as_mut().and_then(Child::poll);
            return match status {
                None => Ok(Err("it is still running".to_owned())),
                Some(status) if status.success() => {
                    *member.child() = None;
                    Ok(Ok(()))
                }
                Some(status) => Err(member.exited(status)),
            };
        }
        member.must_live()?;
        // Without a port there is nothing to ask: alive is ready.
        let ready = member.port.map_or(Ok(()), |port| health::check(port, member.process.health.as_deref()));
        // Somebody else on its port may have answered in its place.
        if ready.is_ok() {
            member.must_live()?;
        }
        Ok(ready)
    }
}

impl Launch {
    /// The process, not yet started, with `more` arguments after its own.
    pub(crate) fn command(&self, more: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(&self.args).args(more).env_clear().envs(&self.env);
        if let Some(folder) = &self.working_directory {
            command.current_dir(folder);
        }
        command
    }

    /// Starts it.
    pub(crate) fn spawn(&self, more: &[&str], out: &Arc<Log>, err: &Arc<Log>) -> Result<Child> {
        Child::spawn(self.command(more), out, err).map_err(|source| Error::Spawn {
            name: self.name.clone(),
            binary: self.binary.clone(),
            source,
        })
    }
}

impl Member {
    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        // A panic in between leaves a child that can still be polled and killed.
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spawn(&self) -> Result<()> {
        *self.child() = Some(self.launch.spawn(&[], &self.launch.log, &self.launch.log)?);
        Ok(())
    }

    fn must_live(&self) -> Result<()> {
        match self.child().as_mut().and_then(Child::poll) {
            Some(status) => Err(self.exited(status)),
            None => Ok(()),
        }
    }

    fn exited(&self, status: ExitStatus) -> Error {
        Error::Exited { name: self.process.name.clone(), status, log: self.launch.log.tail() }
    }
}

impl Drop for System {
    fn drop(&mut self) {
        for member in self.members.iter().rev() {
            let mut slot = member.child();
            let Some(mut child) = slot.take() else { continue };
            // A paused one would never hear the question. One that has ended refuses both, and that is fine.
            #[cfg(unix)]
            let _ = child.signal(Signal::SIGCONT);
            if self.grace.is_zero() || child.ask_to_stop().is_err() {
                continue;
            }
            child.wait(self.grace, &self.stop);
            // Dropping the child kills whatever is left of it.
        }
    }
}

fn no_such_process(definition: &Definition, name: &str) -> Error {
    let names: Vec<_> = definition.processes.iter().map(|process| process.name.as_str()).collect();
    Error::NoSuchProcess(format!("step {} has no process {name}, only {}", definition.step, names.join(", ")))
}

fn failed(action: &'static str, name: &str, source: io::Error) -> Error {
    Error::Signal { name: name.to_owned(), action, source }
}

fn url_of(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// The whole environment of a process: what it inherits, what the harness sets, what `system.toml` says, what the caller
/// says; the later wins.
fn environment(
    process: &Process,
    options: &Options,
    ports: &BTreeMap<String, u16>,
) -> Result<BTreeMap<String, OsString>> {
    let mut env: BTreeMap<String, OsString> =
        INHERITED.iter().filter_map(|key| Some(((*key).to_owned(), std::env::var_os(key)?))).collect();
    if let Some(log) = &process.log {
        env.entry("RUST_LOG".to_owned()).or_insert_with(|| log.into());
    }
    env.insert("STOP_WITH_STDIN".to_owned(), "1".into());
    if let Some(port) = ports.get(&process.name) {
        env.insert("HOST".to_owned(), "127.0.0.1".into());
        env.insert("PORT".to_owned(), port.to_string().into());
    }
    let value = |name: &str| {
        if let Some(named) = name.strip_prefix("url.") {
            let edge = options.edges.get(&(process.name.clone(), named.to_owned()));
            let told = edge.or_else(|| options.via.get(named)).cloned();
            return told.or_else(|| ports.get(named).copied().map(url_of));
        }
        if let Some(named) = name.strip_prefix("port.") {
            return ports.get(named).map(ToString::to_string);
        }
        options.values.get(name).cloned().or_else(|| options.resolve.as_ref().and_then(|ask| ask(name)))
    };
    for (key, setting) in &process.env {
        let here = |name: &str| match name {
            FOLDER => {
                let folder = options.files.clone().or_else(|| setting.place.folder());
                folder.map(|folder| folder.display().to_string())
            }
            _ => value(name),
        };
        let filled = setting.template.fill(here).map_err(|name| {
            setting.place.error(format!("{{{name}}} in {key} of {} has no value here", process.name))
        })?;
        if let Some(text) = filled {
            env.insert(key.clone(), text.into());
        }
    }
    for (_, key, text) in options.env.iter().filter(|(name, ..)| *name == process.name) {
        env.insert(key.clone(), text.into());
    }
    Ok(env)
}
