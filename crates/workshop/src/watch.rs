//! `cargo workshop watch`: verify at each save, with keys for the rest.
//!
//! A key is a letter and Enter: that works in every terminal, and without one the watching goes on by itself.

use std::{
    io::BufRead,
    path::Path,
    process::ExitCode,
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use crate::{
    cli::WatchOptions,
    coach, diff, files, hint,
    list::Exercise,
    output::{complain, say},
    progress,
    verify::{self, Whose},
    workshop::Workshop,
};

/// How long the tests may run.
const LIMIT: Duration = Duration::from_secs(60);
/// How often we look where nobody tells us.
const LOOK: Duration = Duration::from_millis(500);
/// An editor's save is several events; this is how long they take.
const SETTLES: Duration = Duration::from_millis(100);

/// What wakes us.
enum Event {
    /// Something in the folder was written.
    Saved,
    /// A letter and Enter.
    Key(char),
}

pub(crate) fn watch(workshop: &Workshop, options: &WatchOptions) -> Result<ExitCode> {
    let Some(mut exercise) = verify::wanted(workshop, options.exercise.as_deref())? else {
        return Ok(coach::next(workshop));
    };
    let (sender, events) = mpsc::channel();
    listen_to_keys(sender.clone());
    // Kept: dropped, it would watch no more.
    let watcher = if options.poll { None } else { watcher(&workshop.root.join("exercises"), sender.clone()) };
    if watcher.is_none() {
        say(&format!("looking for changes every {LOOK:?}"));
    }
    loop {
        let texts = texts(workshop)?;
        if let Err(error) = verify::once(workshop, exercise, Whose::Mine, LIMIT, false) {
            complain(&format!("{error:#}"));
        }
        say("watching   h hint · d diff · r run again · n next · l list · q quit, each with Enter");
        loop {
            match next(&events, watcher.is_none())? {
                Event::Saved => {
                    let Some(saved) = saved(workshop, exercise, &texts)? else { continue };
                    exercise = saved;
                    say(&format!("saved, building {}", exercise.name()));
                    break;
                }
                Event::Key('h') => drop(hint::hint(workshop, Some(&exercise.number))?),
                Event::Key('d') => drop(diff::diff(workshop, &exercise.number)?),
                Event::Key('l') => drop(coach::list(workshop)),
                Event::Key('r') => break,
                Event::Key('n') => match progress::current(workshop) {
                    Some(next) => {
                        exercise = next;
                        break;
                    }
                    None => return Ok(coach::next(workshop)),
                },
                Event::Key('q') => return Ok(ExitCode::SUCCESS),
                Event::Key(other) => say(&format!("{other:?} is none of h d r n l q")),
            }
        }
    }
}

/// The exercise whose file is another than in `texts`: `current` first, or else the one that the reader went over to.
fn saved<'a>(
    workshop: &'a Workshop,
    current: &'a Exercise,
    texts: &[Option<String>],
) -> Result<Option<&'a Exercise>> {
    let now = self::texts(workshop)?;
    let exercises = workshop.exercises().iter().zip(now.iter().zip(texts));
    let changed: Vec<_> =
        exercises.filter(|(_, (now, before))| now != before).map(|(exercise, _)| exercise).collect();
    let is_current = |exercise: &&&Exercise| exercise.slug == current.slug;
    Ok(changed.iter().find(is_current).or(changed.first()).copied())
}

/// The learner's files of all exercises, in order.
fn texts(workshop: &Workshop) -> Result<Vec<Option<String>>> {
    workshop.exercises().iter().map(|exercise| files::read(&workshop.file_of(exercise))).collect()
}

/// The next event; one by the clock when `polling`.
fn next(events: &Receiver<Event>, polling: bool) -> Result<Event> {
    let event = if polling {
        match events.recv_timeout(LOOK) {
            Err(RecvTimeoutError::Timeout) => return Ok(Event::Saved),
            other => other.context("nothing is watched any more")?,
        }
    } else {
        events.recv().context("nothing is watched any more")?
    };
    if matches!(event, Event::Saved) {
        thread::sleep(SETTLES);
    }
    Ok(event)
}

/// Watches `folder` by the operating system's own means; `None` where it has none that work.
fn watcher(folder: &Path, sender: Sender<Event>) -> Option<RecommendedWatcher> {
    let tell = move |event: notify::Result<notify::Event>| {
        // Reading is no change, but some systems tell that too.
        if event.is_ok_and(|event| !event.kind.is_access()) {
            let _ = sender.send(Event::Saved);
        }
    };
    let mut watcher = notify::recommended_watcher(tell).ok()?;
    watcher.watch(folder, RecursiveMode::Recursive).ok()?;
    Some(watcher)
}

/// Reads keys until standard input ends. The thread ends with the process.
fn listen_to_keys(sender: Sender<Event>) {
    thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let key = line.trim().to_lowercase().chars().next();
            if key.is_some_and(|key| sender.send(Event::Key(key)).is_err()) {
                break;
            }
        }
    });
}
