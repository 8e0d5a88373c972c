//! `cargo workshop run`: a step's processes with data in them, until Ctrl-C.

mod build;
mod cluster;
mod fill;
mod lock;
mod mine;

use std::{
    fs,
    io::{self, Read},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{self, Path},
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use harness::{Definition, Ended, Logs, Options, Ports, Stop, System, definition::Process, ports};

use crate::{
    Usage,
    cli::RunOptions,
    files,
    list::Step,
    output::{complain, say},
    saved::Replacing,
    workshop::Workshop,
};
pub(crate) use lock::Lock;

/// What a write has to show. It protects nothing of worth, and the lessons can print it.
const TOKEN: &str = "workshop-token";
/// What the simulated GitHub signs with.
const SECRET: &str = "workshop-webhook-secret";
/// What services show each other.
const SERVICE_TOKEN: &str = "workshop-service-token";

/// 128 and the number of SIGINT.
const INTERRUPTED: u8 = 130;

/// How often we look whether somebody pressed Ctrl-C or a process ended.
const LOOK: Duration = Duration::from_millis(50);
/// For how long a process that somebody killed stays away.
const AWAY: Duration = Duration::from_secs(10);

pub(crate) fn run(workshop: &Workshop, options: &RunOptions) -> Result<ExitCode> {
    let stop = Stop::default();
    let heard = stop.clone();
    ctrlc::set_handler(move || {
        complain(if heard.requested() { "killing" } else { "stopping (Ctrl-C again kills)" });
        heard.request();
    })
    .context("cannot listen for Ctrl-C")?;

    match session(workshop, options, &stop) {
        // Told to stop before it ran: that is no success, and shells know it by this number.
        Err(_) if stop.requested() => Ok(ExitCode::from(INTERRUPTED)),
        Err(error) => Err(error),
        Ok(()) => Ok(ExitCode::SUCCESS),
    }
}

/// From the checks that cost nothing to the end of the processes.
fn session(workshop: &Workshop, options: &RunOptions, stop: &Stop) -> Result<()> {
    let step = workshop.step(options.step)?;
    if step.cluster {
        return cluster::session(workshop, step, options, stop);
    }
    if options.context.is_some() || options.down {
        return Err(Usage(format!("step {} runs on no cluster", step.number)).into());
    }
    let folder = workshop.folder(step);
    let definition = Definition::load(&folder)?;
    let front = definition.process(&definition.front).and_then(|process| process.port);
    let port = options.port.or(front).context("the step's front process has no port")?;

    let own = workshop.own_folder().join("run").join(&step.number);
    // The processes work in another folder than the reader does.
    let data = match &options.data {
        Some(data) => path::absolute(data).with_context(|| format!("{} is no folder", data.display()))?,
        None => own.clone(),
    };
    for folder in [&own, &data] {
        files::create_private_folder(folder)
            .with_context(|| format!("cannot write to the folder {}", workshop.shown(folder)))?;
    }
    let lock = Lock::take(&own.join("lock"), &format!("http://127.0.0.1:{port}"))
        .with_context(|| format!("cannot run step {}", step.number))?;
    if is_taken(port) {
        let other = free_near(port, &declared_ports(&definition));
        bail!("port {port} is taken by another program; try: {} --port {other}", typed(options));
    }
    let database = data.join("automator.db");
    let again = format!("{} --fresh", typed(options));
    if options.fresh {
        remove_database(&database)?;
    }
    check_database(workshop, &database, &again)?;

    let features = if options.mine { mine::features(workshop, step)? } else { Vec::new() };
    let binary = build::build(workshop, &definition.binary, &features, &own, stop)?;
    let mut start = Options::new(&folder, &binary)
        .ports(Ports::Declared)
        .port(&definition.front, port)
        .value("database", url_of(&database))
        .value("token", TOKEN)
        .value("secret", SECRET)
        .value("service_token", SERVICE_TOKEN)
        .working_directory(&own)
        .files(&own)
        .logs(Logs::to_stderr())
        .ready_within(Duration::from_secs(60))
        .stop(stop.clone());
    if options.tell_assignees {
        // A process inherits next to nothing from us, and those that have no such switch pass it over.
        for process in &definition.processes {
            start = start.env(&process.name, "TELL_ASSIGNEES", "1");
        }
    }
    for (process, declared, chosen) in chosen_ports(&definition, port) {
        say(&format!("port {declared} is taken, so {process} listens on {chosen}"));
        start = start.port(process, chosen);
    }
    keep_to_owner(&database).with_context(|| format!("cannot write {}", workshop.shown(&database)))?;
    copy_files(workshop, &definition, &own)?;
    let system = System::start(&start).map_err(|error| explain(error, workshop, &database, &again))?;
    fill::fill(system.front(), TOKEN, workshop.team(), stop)?;
    welcome(workshop, step, &system, &database);

    let ended = loop {
        if stop.requested() {
            break None;
        }
        match system.ended() {
            // What a platform does; and what the lessons from step 04 on look at.
            Some(ended) if was_killed(&ended) => start_again(&system, &ended.name, stop)?,
            Some(ended) => break Some(ended),
            None => thread::sleep(LOOK),
        }
    };
    system.shut_down();
    drop(lock);
    match ended {
        Some(ended) => bail!("{} ended with {}; its last lines:\n{}", ended.name, ended.status, ended.log),
        None => {
            say("stopped");
            Ok(())
        }
    }
}

/// Whether somebody else ended the process: only unix tells.
fn was_killed(ended: &Ended) -> bool {
    !ended.status.success() && ended.status.code().is_none()
}

/// Starts a process again, but not at once: its absence shall be seen.
fn start_again(system: &System, name: &str, stop: &Stop) -> Result<()> {
    say(&format!("\n{name} was killed; it is started again in {} s", AWAY.as_secs()));
    let until = Instant::now() + AWAY;
    while Instant::now() < until && !stop.requested() {
        thread::sleep(LOOK);
    }
    if !stop.requested() {
        system.start_again(name)?;
        say(&format!("\n{name} is back: process {}", system.id(name)?));
    }
    Ok(())
}

fn welcome(workshop: &Workshop, step: &Step, system: &System, database: &Path) {
    let front = system.front();
    say(&format!("\nAutomator is at {front}"));
    say(&format!("Step {}: {}. Database: {} (kept)", step.number, step.title, workshop.shown(database)));
    if let Ok(simulators) = system.url("simulators") {
        say(&format!("Simulators     {simulators}"));
    }
    let servers = system.definition().processes.iter().filter(|process| !process.once);
    let ids =
        servers.filter_map(|process| Some(format!("{} {}", process.name, system.id(&process.name).ok()?)));
    say(&format!("Processes      {}", ids.collect::<Vec<_>>().join(", ")));
    say(&format!("Writes want    Authorization: Bearer {TOKEN}"));
    say("Try            in another terminal:");
    say(&format!("               curl \"{front}/api/tasks?limit=3\""));
    say(&format!("               curl -X POST {front}/api/imports -H 'Authorization: Bearer {TOKEN}'"));
    for file in system.definition().processes.iter().flat_map(Process::files) {
        let copy =
            workshop.own_folder().join("run").join(&step.number).join(file.file_name().unwrap_or_default());
        say(&format!(
            "To edit        {} (this run's own; the next one begins with ours)",
            workshop.shown(&copy)
        ));
    }
    say("Ctrl-C stops all of it.\n");
}

/// Whether somebody listens on `port`, on our address or on all.
fn is_taken(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    // Where another program listens on every address, some systems would let us listen on this one beside it.
    !ports::is_free(port) || TcpStream::connect_timeout(&address, Duration::from_millis(50)).is_ok()
}

/// The next port that is free and none of `reserved`, or the same when there is none.
fn free_near(port: u16, reserved: &[u16]) -> u16 {
    let mut later = port.saturating_add(1)..=u16::MAX;
    later.find(|port| !reserved.contains(port) && !is_taken(*port)).unwrap_or(port)
}

fn declared_ports(definition: &Definition) -> Vec<u16> {
    definition.processes.iter().filter_map(|process| process.port).collect()
}

/// The processes behind `front` whose declared port cannot be theirs, each with it and with another: people type the front's
/// address only. Nobody is given what another one of the system has declared, taken or not.
fn chosen_ports(definition: &Definition, front: u16) -> Vec<(&str, u16, u16)> {
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

/// What was typed, the port apart; for an advice to type it again.
fn typed(options: &RunOptions) -> String {
    let mut typed = format!("cargo workshop run {}", options.step);
    if options.mine {
        typed.push_str(" --mine");
    }
    if let Some(data) = &options.data {
        let data = data.display().to_string();
        let quote = if data.contains(char::is_whitespace) { "\"" } else { "" };
        typed.push_str(&format!(" --data {quote}{data}{quote}"));
    }
    typed
}

/// The URL of a database file. A folder's name may have what a URL means something by.
fn url_of(database: &Path) -> String {
    let mut url = "sqlite://".to_owned();
    for byte in database.display().to_string().replace('\\', "/").bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b':' | b'-' | b'.' | b'_' | b'~' => {
                url.push(byte.into());
            }
            other => url.push_str(&format!("%{other:02X}")),
        }
    }
    url + "?mode=rwc"
}

/// Makes the database's file, empty, if there is none: SQLite takes its rights over for the files beside it, and those of
/// one that it makes itself would be everybody's to read.
fn keep_to_owner(database: &Path) -> io::Result<()> {
    files::private(fs::File::options().create(true).truncate(false).write(true)).open(database).map(drop)
}

/// The files of a step that its processes read and a walk-through edits, copied to `own`: the step's folder stays as it is.
/// Each run begins with the step's own; what was edited in the copy of the last one is saved.
fn copy_files(workshop: &Workshop, definition: &Definition, own: &Path) -> Result<()> {
    let mut replacing = Replacing::new(workshop, "run");
    for file in definition.processes.iter().flat_map(Process::files) {
        if let (Some(name), Some(text)) = (file.file_name(), files::read(&file)?) {
            replacing.write(&own.join(name), &text)?;
        }
    }
    replacing.finish();
    Ok(())
}

/// Removes the database and the files that SQLite keeps beside it.
fn remove_database(database: &Path) -> Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = database.as_os_str().to_owned();
        name.push(suffix);
        match fs::remove_file(&name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", database.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether the file is a database at all (<https://sqlite.org/fileformat.html#the_database_header>). What is wrong beyond
/// that, the migration says.
fn check_database(workshop: &Workshop, database: &Path, again: &str) -> Result<()> {
    let mut file = match fs::File::open(database) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.with_context(|| format!("cannot read the database {}", workshop.shown(database)))?,
    };
    let mut head = Vec::new();
    Read::by_ref(&mut file)
        .take(16)
        .read_to_end(&mut head)
        .with_context(|| format!("cannot read the database {}", workshop.shown(database)))?;
    if !head.is_empty() && head != b"SQLite format 3\0" {
        bail!("{} is no SQLite database; begin with an empty one: {again}", workshop.shown(database));
    }
    Ok(())
}

/// An error of the start, as one that says what to do.
fn explain(error: harness::Error, workshop: &Workshop, database: &Path, again: &str) -> anyhow::Error {
    match error {
        // Its log is in the terminal already.
        harness::Error::Exited { name, .. } if name == "migrate" => anyhow::anyhow!(
            "the database {} cannot be brought up to date; migrate says above why; if it is the file's fault, begin with an \
             empty one: {again}",
            workshop.shown(database)
        ),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_url_means_something_by_is_written_otherwise() {
        assert_eq!(
            url_of(Path::new("/a b/what?/feature%2Fx#1/ü.db")),
            "sqlite:///a%20b/what%3F/feature%252Fx%231/%C3%BC.db?mode=rwc"
        );
        assert_eq!(url_of(Path::new("C:\\x\\a.db")), "sqlite://C:/x/a.db?mode=rwc");
    }
}
