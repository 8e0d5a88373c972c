//! `cargo workshop run`: a step's processes with data in them, until Ctrl-C.

mod build;
mod cluster;
mod databases;
mod fill;
mod listening;
mod lock;
mod map;
mod mine;
mod running;
mod take;

use std::{
    collections::BTreeMap,
    path::{self, Path},
    process::ExitCode,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use harness::{
    Definition, Ended, Logs, Options, Ports, Stop, System,
    definition::Process,
    live::{self, Edges, Event, Live, Page},
};

use crate::{
    Usage,
    cli::RunOptions,
    files,
    list::Step,
    output::{complain, say},
    saved::Replacing,
    workshop::Workshop,
};
use databases::Database;
use listening::{chosen_ports, declared_ports, free_near, is_taken};
pub(crate) use lock::Lock;
pub(crate) use running::Running;
use take::Take;

/// What a write has to show. It protects nothing of worth, and the lessons can print it.
const TOKEN: &str = "workshop-token";
/// What the simulated GitHub signs with.
const SECRET: &str = "workshop-webhook-secret";
/// What services show each other.
const SERVICE_TOKEN: &str = "workshop-service-token";

/// 128 and the number of SIGINT.
const INTERRUPTED: u8 = 130;

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
        // What is taken over comes from there.
        Some(data) if options.take.is_none() => {
            path::absolute(data).with_context(|| format!("{} is no folder", data.display()))?
        }
        _ => own.clone(),
    };
    for folder in [&own, &data] {
        files::create_private_folder(folder)
            .with_context(|| format!("cannot write to the folder {}", workshop.shown(folder)))?;
    }
    let databases = databases::of(&definition, &data);
    let mut take = Take::plan(workshop, &definition, options, &own, &databases)?;
    if take.is_none() && data == own && !options.fresh {
        take::is_over(&own, &definition)?;
    }
    let lock = Lock::take(&own.join("lock"), &format!("http://127.0.0.1:{port}"))
        .with_context(|| format!("cannot run step {}", step.number))?;
    if is_taken(port) {
        let other = free_near(port, &declared_ports(&definition));
        bail!("port {port} is taken by another program; try: {} --port {other}", typed(options));
    }
    let again = format!("{} --fresh", typed(options));
    for database in &databases {
        if options.fresh {
            database.remove()?;
        }
        database.check(workshop, &again)?;
    }
    if options.fresh && data == own {
        take::forget(&own)?;
    }

    let features = if options.mine { mine::features(workshop, step)? } else { Vec::new() };
    let programs = build::build(workshop, &definition.binary, &features, &own, stop)?;
    let mut start = Options::new(&folder, &programs.system)
        .ports(Ports::Declared)
        .port(&definition.front, port)
        .value("token", TOKEN)
        .value("secret", SECRET)
        .value("service_token", SERVICE_TOKEN)
        .working_directory(&own)
        .files(&own)
        .logs(Logs::to_stderr())
        .ready_within(Duration::from_secs(60))
        .stop(stop.clone());
    start = databases::told(start, &databases);
    if options.tell_assignees {
        // A process inherits next to nothing from us, and those that have no such switch pass it over.
        for process in &definition.processes {
            start = start.env(&process.name, "TELL_ASSIGNEES", "1");
        }
    }
    let declared = definition.processes.iter().filter_map(|it| Some((it.name.clone(), it.port?)));
    let mut ports: BTreeMap<_, _> = declared.chain([(definition.front.clone(), port)]).collect();
    for (process, declared, chosen) in chosen_ports(&definition, port) {
        say(&format!("port {declared} is taken, so {process} listens on {chosen}"));
        start = start.port(process, chosen);
        ports.insert(process.to_owned(), chosen);
    }
    if let Some(take) = &mut take {
        take.copy(workshop)?;
        start = take.told(start)?;
    }
    for database in &databases {
        database.keep_to_owner(workshop)?;
    }
    copy_files(workshop, &definition, &own)?;
    // Rows that move are looked at in the terminal.
    let map = programs.map.filter(|_| !take.as_ref().is_some_and(Take::moves));
    let edges = map.as_ref().and_then(|program| map::edges(program, &definition, &ports));
    if let Some(edges) = &edges {
        start = edges.told(start);
    }
    let system = System::start(&start).map_err(|error| {
        explain(error, workshop, &definition, &databases, take.is_none().then_some(&again))
    })?;
    let _left = Running::of(&system, SERVICE_TOKEN).leave(&own)?;
    if let Some(take) = &mut take {
        if take.tell(&system)? {
            take.drive(workshop, &system, stop)?;
            system.shut_down();
            drop(lock);
            return Ok(());
        }
    } else {
        fill::fill(system.front(), TOKEN, workshop.team(), stop)?;
    }
    let page = map.as_ref().and_then(|program| map::page(program, workshop, step, system.front()));
    welcome(workshop, step, &system, &databases, page.as_ref());

    // The proxies stay until all have ended: whoever drains still asks others.
    let (ended, _edges) = thread::scope(|scope| look_after(Live::new(&system, edges, page, scope), stop));
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

/// Until somebody asks to stop, or a process ends by itself: which, and the proxies between them.
fn look_after(mut system: Live<'_, '_>, stop: &Stop) -> (Option<Ended>, Option<Edges>) {
    while !stop.requested() {
        match system.turn() {
            Some(Event::Said(text)) => say(&text),
            Some(Event::Ended(ended)) => return (Some(ended), system.into_edges()),
            None => live::rest(),
        }
    }
    (None, system.into_edges())
}

fn welcome(workshop: &Workshop, step: &Step, system: &System, databases: &[Database], page: Option<&Page>) {
    let front = system.front();
    say(&format!("\nAutomator is at {front}"));
    if let Some(page) = page {
        say(&format!("Map {}", page.address()));
    }
    say(&format!("Step {}: {}. {}", step.number, step.title, databases::shown(databases, workshop)));
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

/// What was typed, the port apart; for an advice to type it again.
fn typed(options: &RunOptions) -> String {
    let mut typed = format!("cargo workshop run {}", options.step);
    if options.mine {
        typed.push_str(" --mine");
    }
    if let Some(from) = options.take {
        typed.push_str(&format!(" --take {from}"));
    }
    if options.at_once {
        typed.push_str(" --at-once");
    }
    if let Some(data) = &options.data {
        let data = data.display().to_string();
        let quote = if data.contains(char::is_whitespace) { "\"" } else { "" };
        typed.push_str(&format!(" --data {quote}{data}{quote}"));
    }
    typed
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

/// An error of the start, as one that says what to do. `again` begins with empty databases, where those are at fault.
fn explain(
    error: harness::Error,
    workshop: &Workshop,
    definition: &Definition,
    databases: &[Database],
    again: Option<&String>,
) -> anyhow::Error {
    let process =
        |name: &str| definition.process(name).filter(|process| process.once && process.has_database());
    match (error, again) {
        // Its log is in the terminal already.
        (harness::Error::Exited { name, .. }, Some(again)) if let Some(migrate) = process(&name) => {
            anyhow::anyhow!(
                "the database {} cannot be brought up to date; {name} says above why; if it is the file's fault, begin with an \
             empty one: {again}",
                databases::shown_of(migrate, databases, workshop)
            )
        }
        (other, _) => other.into(),
    }
}
