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
    path::Path,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use harness::{Definition, Ended, Logs, Options, Ports, Stop, System, ports};

use crate::{
    Usage,
    cli::RunOptions,
    list::Step,
    output::{complain, say},
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
    let data = options.data.clone().unwrap_or_else(|| own.clone());
    for folder in [&own, &data] {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot write to the folder {}", workshop.shown(folder)))?;
    }
    let lock = Lock::take(&own.join("lock"), &format!("http://127.0.0.1:{port}"))
        .with_context(|| format!("cannot run step {}", step.number))?;
    if is_taken(port) {
        bail!(
            "port {port} is taken by another program; try: cargo workshop run {} --port {}",
            options.step,
            free_near(port)
        );
    }
    let database = data.join("automator.db");
    let again = format!("cargo workshop run {} --fresh", options.step);
    if options.fresh {
        remove_database(&database)?;
    }
    check_database(workshop, &database, &again)?;

    let features = if options.mine { mine::features(workshop, step)? } else { Vec::new() };
    let binary = build::build(workshop, &definition.binary, &features, &own, stop)?;
    let mut start = Options::new(&folder, &binary)
        .ports(Ports::Declared)
        .port(&definition.front, port)
        .value("database", format!("sqlite://{}?mode=rwc", database.display().to_string().replace('\\', "/")))
        .value("token", TOKEN)
        .value("secret", SECRET)
        .value("service_token", SERVICE_TOKEN)
        .working_directory(&own)
        .logs(Logs::to_stderr())
        .ready_within(Duration::from_secs(60))
        .stop(stop.clone());
    // People type the front's address only; the others may go where there is room.
    for process in definition.processes.iter().filter(|process| process.name != definition.front) {
        if let Some(declared) = process.port.filter(|&declared| declared == port || is_taken(declared)) {
            let other = free_near(declared);
            say(&format!("port {declared} is taken, so {} listens on {other}", process.name));
            start = start.port(&process.name, other);
        }
    }
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
    say("Ctrl-C stops all of it.\n");
}

/// Whether somebody listens on `port`, on our address or on all.
fn is_taken(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    // Where another program listens on every address, some systems would let us listen on this one beside it.
    !ports::is_free(port) || TcpStream::connect_timeout(&address, Duration::from_millis(50)).is_ok()
}

/// The next free port, or the same when there is none.
fn free_near(port: u16) -> u16 {
    (port.saturating_add(1)..=u16::MAX).find(|&port| !is_taken(port)).unwrap_or(port)
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
            "the database {} cannot be brought up to date; migrate says above why; begin with an empty one: {again}",
            workshop.shown(database)
        ),
        other => other.into(),
    }
}
