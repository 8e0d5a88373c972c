//! `cargo workshop doctor`: what this machine can do, and the fix for what it cannot.

mod fix;
mod prepare;
mod probe;

use std::{
    env, fs,
    path::{self, Path, PathBuf},
    process::{Command, ExitCode},
    time::Duration,
};

use anyhow::{Context, Result};
use harness::{Definition, ports};
use serde::Deserialize;

use crate::{list::Image, output::say, run::Lock, workshop::Workshop};
use fix::Fix;
use probe::output;

/// What all that `--prepare` builds takes in the target folder, in GB: 8.7 measured on Linux, and some for edits.
const DISK_BUILT: u64 = 10;
/// What the system of one step takes, in GB: enough to begin.
const DISK_BEGUN: u64 = 3;

/// How long a compiler may take for one line.
const COMPILES_WITHIN: Duration = Duration::from_secs(60);
/// How long any other tool may take to say its version.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// What was found out about one thing.
enum Finding {
    /// All is well; what was found.
    Ok(String),
    /// Not needed now, or there is a way round; what was found, and what to do.
    Warn(String, String),
    /// The workshop cannot go on without; what was found, and the fix.
    Missing(String, String),
}

/// Checks everything; fails only when something is missing that is needed now. With `prepare`, fetches and builds all that
/// a class needs when nothing is.
pub(crate) fn doctor(workshop: &Workshop, prepare: bool) -> Result<ExitCode> {
    let own = workshop.own_folder();
    let fix = Fix::for_this_machine();
    let target = target_folder(&workshop.root);

    let mut missing = 0;
    let mut report = |name: &str, finding: Finding| {
        let (mark, found, advice) = match finding {
            Finding::Ok(found) => ("ok     ", found, None),
            Finding::Warn(found, advice) => ("warn   ", found, Some(advice)),
            Finding::Missing(found, advice) => {
                missing += 1;
                ("missing", found, Some(advice))
            }
        };
        say(&format!("{mark}  {name:16} {found}"));
        if let Some(advice) = advice {
            say(&format!("         {:16} → {advice}", ""));
        }
    };

    say("Needed now:");
    report("Rust", rust(&workshop.root));
    report("own folder", writable(workshop, &own));
    report("target folder", writable(workshop, &target));
    report("linker", linker(&target, &fix));
    report("C compiler", c_compiler(&own, &fix));
    report("disk", disk(workshop, &target));
    for (name, port) in declared_ports(workshop) {
        report(&format!("port {port}"), port_of(workshop, &name, port));
    }
    report("git", tool("git", "you need it only to fetch a newer version", fix.git()));
    if !prepare {
        report("prepared", prepare::finding(workshop, &target));
    }
    say("Needed later:");
    let engine = docker(&fix);
    let engine_answers = matches!(engine, Finding::Ok(_));
    report("Docker engine", engine);
    for image in workshop.images().iter().filter(|_| engine_answers && !prepare) {
        report("image", image_of(image));
    }
    report("compose", compose(&fix));
    report("kubectl", kubectl(&fix));
    report("cluster", cluster());
    report("Chromium", chromium(&fix));

    if missing > 0 {
        say(&format!("{missing} missing: follow the arrow, then run this again"));
        return Ok(ExitCode::FAILURE);
    }
    if prepare {
        prepare::prepare(workshop, &target, engine_answers)?;
    }
    say("This machine is ready: cargo workshop run 1");
    Ok(ExitCode::SUCCESS)
}

/// Whether rustc is new enough for `rust-version` in the root's Cargo.toml.
fn rust(root: &Path) -> Finding {
    let update = "rustup update stable, or install from https://rustup.rs".to_owned();
    let found = match output(Command::new("rustc").arg("--version"), ANSWERS_WITHIN) {
        Ok(found) => found,
        Err(error) => return Finding::Missing(format!("rustc does not answer: {error:#}"), update),
    };
    let wanted = match wanted_rust(root) {
        Ok(wanted) => wanted,
        Err(error) => return Finding::Warn(found, format!("{error:#}")),
    };
    match found.split(' ').nth(1).and_then(version) {
        Some(is) if version(&wanted).is_some_and(|wanted| is >= wanted) => Finding::Ok(found),
        _ => Finding::Missing(format!("{found}, but {wanted} or newer is needed"), update),
    }
}

fn wanted_rust(root: &Path) -> Result<String> {
    #[derive(Deserialize)]
    struct Manifest {
        workspace: Workspace,
    }
    #[derive(Deserialize)]
    struct Workspace {
        package: Package,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Package {
        rust_version: String,
    }
    let file = root.join("Cargo.toml");
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let manifest: Manifest =
        toml::from_str(&text).with_context(|| format!("{} names no rust-version", file.display()))?;
    Ok(manifest.workspace.package.rust_version)
}

/// `1.95.0-nightly` is (1, 95).
fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split(['.', '-']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Whether a file can be made in `folder`.
fn writable(workshop: &Workshop, folder: &Path) -> Finding {
    let file = folder.join("doctor.tmp");
    let tried =
        fs::create_dir_all(folder).and_then(|()| fs::write(&file, "x")).and_then(|()| fs::remove_file(&file));
    match tried {
        Ok(()) => Finding::Ok(folder.display().to_string()),
        Err(error) => Finding::Missing(
            format!("cannot write to {}: {error}", workshop.shown(folder)),
            "make it yours, or move the checkout to a folder that is".to_owned(),
        ),
    }
}

/// Whether rustc can make a program where cargo builds, and the machine run it.
fn linker(target: &Path, fix: &Fix) -> Finding {
    let advice = if cfg!(target_os = "linux") && target.display().to_string().contains('%') {
        // lld writes to a name beside it first, which it makes of the path: each % becomes a random character.
        "name a folder without % in CARGO_TARGET_DIR: the linker cannot write below one".to_owned()
    } else {
        fix.c_compiler()
    };
    let tried = probe::in_folder(target, |folder| {
        let (source, program) =
            (folder.join("hello.rs"), folder.join("hello").with_extension(env::consts::EXE_EXTENSION));
        fs::write(&source, "fn main() { println!(\"linked\"); }")?;
        output(Command::new("rustc").arg("-o").arg(&program).arg(&source), COMPILES_WITHIN)?;
        output(&mut Command::new(&program), ANSWERS_WITHIN)
    });
    match tried {
        Ok(said) if said == "linked" => Finding::Ok("rustc makes programs that run here".to_owned()),
        Ok(said) => Finding::Missing(format!("a test program said {said:?}"), advice),
        Err(error) => Finding::Missing(probe::short(&error), advice),
    }
}

/// Whether C can be compiled: SQLite and ring are built from C.
fn c_compiler(own: &Path, fix: &Fix) -> Finding {
    if cfg!(windows) {
        // Its C compiler comes with the linker, and is not on PATH.
        return Finding::Ok("comes with the linker".to_owned());
    }
    let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
    let tried = probe::in_folder(own, |folder| {
        let source = folder.join("hello.c");
        fs::write(&source, "#include <stdio.h>\nint answer(void) { return puts(\"\"); }\n")?;
        let object = folder.join("hello.o");
        output(Command::new(&compiler).arg("-c").arg(&source).arg("-o").arg(&object), COMPILES_WITHIN)
    });
    match tried {
        Ok(_) => Finding::Ok(format!("{} compiles", compiler.to_string_lossy())),
        Err(error) => Finding::Missing(probe::short(&error), fix.c_compiler()),
    }
}

/// Where cargo builds: as it is told by the environment, from the folder that the command is typed in.
fn target_folder(root: &Path) -> PathBuf {
    let told = ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"].into_iter().find_map(env::var_os);
    let told = told.filter(|folder| !folder.is_empty());
    told.and_then(|folder| path::absolute(folder).ok()).unwrap_or_else(|| root.join("target"))
}

/// Whether the disk with the target folder has room for what is not built yet.
fn disk(workshop: &Workshop, target: &Path) -> Finding {
    let free = match probe::free_gigabytes(target) {
        Ok(free) => free,
        Err(error) => {
            let needs = format!("all that is built takes {DISK_BUILT} GB");
            return Finding::Warn(format!("cannot tell the free space: {}", probe::short(&error)), needs);
        }
    };
    let has = format!("{free} GB free for {}", workshop.shown(target));
    // Counting takes a second where much is built, so only when it matters.
    let built = if free >= DISK_BUILT { 0 } else { probe::gigabytes_in(target) };
    let (all, begun) = (DISK_BUILT.saturating_sub(built), DISK_BEGUN.saturating_sub(built));
    let needs =
        format!("all that is built takes {DISK_BUILT} GB there, one step {DISK_BEGUN} GB; it has {built} GB");
    let elsewhere = format!("{needs}; another disk is named by CARGO_TARGET_DIR");
    if free >= all.max(1) {
        Finding::Ok(format!("{has}; all that is built takes {DISK_BUILT} GB"))
    } else if free >= begun.max(1) {
        Finding::Warn(has, elsewhere)
    } else {
        Finding::Missing(has, elsewhere)
    }
}

/// The ports of the first step, which the others keep.
fn declared_ports(workshop: &Workshop) -> Vec<(String, u16)> {
    let Some(step) = workshop.steps().first() else { return Vec::new() };
    let Ok(definition) = Definition::load(&workshop.folder(step)) else { return Vec::new() };
    definition.processes.into_iter().filter_map(|process| Some((process.name, process.port?))).collect()
}

fn port_of(workshop: &Workshop, name: &str, port: u16) -> Finding {
    if ports::is_free(port) {
        return Finding::Ok(format!("free for {name}"));
    }
    let runs =
        workshop.steps().iter().map(|step| workshop.own_folder().join("run").join(&step.number).join("lock"));
    if let Some(by) = runs.filter_map(|lock| Lock::holder(&lock)).next() {
        return Finding::Ok(format!("taken while `cargo workshop run` is running ({by})"));
    }
    let advice = "stop what listens there, or run with --port; the simulators find another by themselves";
    Finding::Warn(format!("taken; {name} would listen there"), advice.to_owned())
}

fn tool(name: &str, what_for: &str, fix: String) -> Finding {
    match output(Command::new(name).arg("--version"), ANSWERS_WITHIN) {
        Ok(found) => Finding::Ok(found.lines().next().unwrap_or_default().to_owned()),
        Err(_) => Finding::Warn(format!("not there; {what_for}"), fix),
    }
}

/// Asks the engine itself: a client without one is not enough.
fn docker(fix: &Fix) -> Finding {
    let needs = "needed from step 10 on, and for the tests on PostgreSQL";
    let asked =
        output(Command::new("docker").args(["version", "--format", "{{.Server.Version}}"]), ANSWERS_WITHIN);
    match asked {
        Ok(version) if !version.is_empty() => Finding::Ok(format!("engine {version} answers; {needs}")),
        _ => Finding::Warn(format!("no engine answers; {needs}"), fix.docker()),
    }
}

fn image_of(image: &Image) -> Finding {
    let name = image.wanted();
    if image.is_here() {
        return Finding::Ok(format!("{name} is here"));
    }
    let fix = format!("docker pull {name}, or name another image in {}", image.variable);
    Finding::Warn(format!("{name} is not here yet; needed for the tests on PostgreSQL"), fix)
}

/// Compose is a plugin of the client today, and was a program of its own.
fn compose(fix: &Fix) -> Finding {
    let needs = "needed to run step 10";
    let plugin = output(Command::new("docker").args(["compose", "version", "--short"]), ANSWERS_WITHIN);
    if let Ok(version) = plugin {
        return Finding::Ok(format!("docker compose {version}; {needs}"));
    }
    match output(Command::new("docker-compose").args(["version", "--short"]), ANSWERS_WITHIN) {
        Ok(version) => {
            Finding::Ok(format!("{version} of docker-compose: type that in place of docker compose"))
        }
        Err(_) => Finding::Warn(format!("not there; {needs}"), fix.compose()),
    }
}

fn kubectl(fix: &Fix) -> Finding {
    let needs = "to look at the overlays of step 11, whose exercises need none";
    let asked = output(Command::new("kubectl").args(["version", "--client"]), ANSWERS_WITHIN);
    match asked {
        Ok(found) => Finding::Ok(format!("{}; {needs}", found.lines().next().unwrap_or_default())),
        Err(_) => Finding::Warn(format!("not there; {needs}"), fix.kubectl()),
    }
}

/// The cluster that kubectl would talk to, asked itself: a context without one is not enough.
fn cluster() -> Finding {
    let needs = "step 11 goes without";
    let kind = "https://kind.sigs.k8s.io makes one on your engine".to_owned();
    let Ok(context) = output(Command::new("kubectl").args(["config", "current-context"]), ANSWERS_WITHIN)
    else {
        return Finding::Warn(format!("no context; {needs}"), kind);
    };
    let mut ready = Command::new("kubectl");
    match output(ready.args(["get", "--raw", "/readyz", "--request-timeout=3s"]), ANSWERS_WITHIN) {
        Ok(_) => Finding::Ok(format!("context {context} answers")),
        Err(_) => Finding::Warn(format!("context {context} does not answer; {needs}"), kind),
    }
}

fn chromium(fix: &Fix) -> Finding {
    let needs = "for the authors' browser tests only";
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    let found = names.into_iter().find_map(|name| {
        output(Command::new(name).arg("--version"), ANSWERS_WITHIN).ok().map(|found| found.trim().to_owned())
    });
    match found {
        Some(found) => Finding::Ok(format!("{found}; {needs}")),
        None => Finding::Warn(format!("not there; {needs}"), fix.chromium()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert!(version("1.100.0") > version("1.95"));
        assert_eq!(version("1.96.0-nightly"), Some((1, 96)));
        assert_eq!(version("next"), None);
    }
}
