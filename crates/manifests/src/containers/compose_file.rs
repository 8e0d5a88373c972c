//! The composition's text, and what it must say (<https://github.com/compose-spec/compose-spec>).

mod schema;

use std::collections::{BTreeMap, BTreeSet};

use acceptance::serde_json::Value;
use serde::Deserialize;

use crate::shipped::system;

/// What is read of a composition.
#[derive(Debug, Deserialize)]
pub struct Composition {
    /// The services by name.
    pub services: BTreeMap<String, Service>,
    /// Whatever else stands at the top.
    #[serde(flatten)]
    pub rest: BTreeMap<String, Value>,
}

/// What is read of a service.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Service {
    image: Option<String>,
    entrypoint: Option<Value>,
    command: Option<Value>,
    restart: Option<String>,
    read_only: bool,
    cap_drop: Vec<String>,
    security_opt: Vec<String>,
    mem_limit: Option<Value>,
    ports: Vec<String>,
    environment: BTreeMap<String, Value>,
    depends_on: Value,
    healthcheck: Option<HealthCheck>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct HealthCheck {
    disable: bool,
    test: Option<Value>,
    interval: Option<String>,
    timeout: Option<String>,
    start_period: Option<String>,
    retries: Option<u32>,
}

impl HealthCheck {
    /// Whether somebody asks.
    fn asks(&self) -> bool {
        !self.disable && self.test.as_ref().is_none_or(|test| words(test) != "NONE")
    }
}

impl Composition {
    /// Whom a service waits for, and whom those wait for in turn.
    fn awaited<'a>(&'a self, name: &'a str) -> BTreeSet<&'a str> {
        let mut all = BTreeSet::new();
        let mut next = vec![name];
        while let Some(name) = next.pop() {
            let others = self.services.get(name).and_then(|service| service.depends_on.as_object());
            next.extend(
                others
                    .into_iter()
                    .flat_map(|others| others.keys())
                    .map(String::as_str)
                    .filter(|it| all.insert(*it)),
            );
        }
        all
    }
}

impl Service {
    /// What it is started with, in words.
    fn command(&self) -> String {
        let given = [&self.entrypoint, &self.command];
        given.into_iter().flatten().map(words).collect::<Vec<_>>().join(" ")
    }

    /// On which condition it waits for another; the short form has none.
    fn waits(&self, other: &str) -> Option<&str> {
        self.depends_on.get(other)?.get("condition")?.as_str()
    }

    fn migrates(&self) -> bool {
        self.command().split_whitespace().any(|word| word.trim_matches(['"', '\'', ';']) == "migrate")
    }
}

/// A rule: its name, and what is wrong by it.
pub type Rule = (&'static str, fn(&Composition) -> Result<(), String>);

/// What every composition of ours keeps to.
pub const RULES: &[Rule] = &[
    ("started_is_not_ready", started_is_not_ready),
    ("one_migration", one_migration),
    ("database_asked_over_tcp", database_asked_over_tcp),
    ("asked_often_and_for_long", asked_often_and_for_long),
    ("nobody_sleeps", nobody_sleeps),
    ("health_by_the_program", health_by_the_program),
    ("every_process_is_there", every_process_is_there),
    ("comes_back_by_itself", comes_back_by_itself),
    ("only_the_front_is_published", only_the_front_is_published),
    ("as_little_as_possible", as_little_as_possible),
    ("secrets_are_files", secrets_are_files),
    ("other_images_can_be_named", other_images_can_be_named),
    ("old_and_new_compose", old_and_new_compose),
];

/// How slow a database may be at its start without being given up, in seconds.
const SLOW_DATABASE: f64 = 30.0;
/// The longest pause between two questions to it.
const LONGEST_INTERVAL: f64 = 10.0;

/// Reads a composition, as the strictest compose does that we want to be read by: 1.29.
///
/// # Errors
/// Where it is no YAML, or has a word that compose 1.29 does not know, or something has another shape.
pub fn parse(text: &str) -> Result<Composition, String> {
    // `no` is a boolean there, as it was in YAML 1.1.
    let whole: Value = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    schema::check(&whole)?;
    serde_path_to_error::deserialize(whole)
        .map_err(|error| format!("{}: {}: compose refuses it", error.path(), error.inner()))
}

fn each(composition: &Composition, wrong: impl Fn(&str, &Service) -> Option<String>) -> Result<(), String> {
    composition.services.iter().find_map(|(name, service)| wrong(name, service)).map_or(Ok(()), Err)
}

/// What stands in the composition beside the processes: the database server, and what copies it.
const POSTGRES: [&str; 2] = ["backup", "postgres"];

/// Those that end when their work is done.
fn once(name: &str) -> bool {
    name == "backup" || name.starts_with("migrate-")
}

/// All whose program is ours.
fn ours(name: &str) -> bool {
    !POSTGRES.contains(&name)
}

fn started_is_not_ready(composition: &Composition) -> Result<(), String> {
    each(composition, |name, service| {
        let list = service.depends_on.as_array()?;
        Some(format!(
            "{name} waits until {} has been started, and started is not ready: it would die, or answer errors, until \
             its turn comes. Say on which condition it waits",
            list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        ))
    })?;
    each(composition, |name, service| {
        let others = service.depends_on.as_object()?;
        others.keys().find_map(|other| waits_in_vain(composition, name, service, other))
    })?;
    let system = system();
    let processes = system.processes.iter().filter(|process| !process.once);
    let waits = processes.flat_map(|process| process.waits_for.iter().map(|whom| (&*process.name, &**whom)));
    let waits = waits.filter(|(_, whom)| !once(whom));
    let migrations = system.processes.iter().filter(|process| process.once);
    // Who is not there at all is another rule's.
    let there = |name: &str| composition.services.contains_key(name);
    for (who, whom) in waits.chain(migrations.map(|process| (&*process.name, "postgres"))) {
        let condition = composition.services.get(who).and_then(|service| service.waits(whom));
        if condition != Some("service_healthy") && there(who) && there(whom) {
            return Err(format!("{who} does not wait until {whom} is ready: condition: service_healthy"));
        }
    }
    let circle = composition.services.keys().find(|name| composition.awaited(name).contains(name.as_str()));
    circle.map_or(Ok(()), |name| {
        Err(format!(
            "{name} waits for somebody who waits for {name}: nobody would ever start, and compose refuses it"
        ))
    })
}

/// Why what `name` waits for of `other` never comes.
fn waits_in_vain(composition: &Composition, name: &str, service: &Service, other: &str) -> Option<String> {
    let Some(awaited) = composition.services.get(other) else {
        return Some(format!("{name} waits for {other}, and there is no such service: compose refuses it"));
    };
    let asked = awaited.healthcheck.as_ref().is_none_or(HealthCheck::asks);
    match service.waits(other)? {
        "service_healthy" if !asked => Some(format!(
            "{name} waits until {other} is healthy, and nobody asks {other}: it would wait for ever"
        )),
        "service_completed_successfully" if !once(other) => Some(format!(
            "{name} waits until {other} has ended, and it serves until it is stopped: it would wait for ever"
        )),
        _ => None,
    }
}

fn one_migration(composition: &Composition) -> Result<(), String> {
    let system = system();
    let wanted = || system.processes.iter().filter(|process| process.once);
    let migrating = composition.services.iter().filter(|(_, service)| service.migrates());
    let others: Vec<_> = migrating.map(|(name, _)| &**name).filter(|name| !once(name)).collect();
    if !others.is_empty() {
        return Err(format!(
            "{} migrate, each instance, and again at each restart: two of them meet in the middle. One that does nothing else \
             does it, once, and ends",
            others.join(", ")
        ));
    }
    for process in wanted() {
        let there = composition.services.get(&process.name);
        if !there.is_some_and(Service::migrates) {
            return Err(format!("nobody brings its tables up to date: {} does not migrate", process.name));
        }
    }
    for (who, whom) in system
        .processes
        .iter()
        .flat_map(|process| process.waits_for.iter().map(|whom| (&*process.name, &**whom)))
        .filter(|(_, whom)| once(whom))
    {
        let condition = composition.services.get(who).and_then(|service| service.waits(whom));
        if condition != Some("service_completed_successfully") {
            return Err(format!(
                "{who} does not wait for the end of {whom}: condition: service_completed_successfully"
            ));
        }
    }
    wanted().try_for_each(|process| ends(&process.name, &composition.services[&process.name]))
}

/// That nobody starts it again when it is done.
fn ends(name: &str, service: &Service) -> Result<(), String> {
    let restart = service.restart.as_deref().unwrap_or("no");
    let tries = restart.strip_prefix("on-failure").map(|tries| tries.strip_prefix(':').unwrap_or(tries));
    match (restart, tries) {
        ("no", _) => Ok(()),
        (_, Some(tries)) if tries.is_empty() || tries.parse::<u32>().is_ok() => Ok(()),
        ("always" | "unless-stopped", _) => {
            Err(format!("{name} has restart: {restart}, so it would begin again whenever it is done"))
        }
        (other, _) => {
            Err(format!("{name} has restart: {other}, which no engine knows: it would not start at all"))
        }
    }
}

fn database_asked_over_tcp(composition: &Composition) -> Result<(), String> {
    let postgres = composition.services.get("postgres");
    let health = postgres.and_then(|service| service.healthcheck.as_ref()).filter(|health| health.asks());
    let test = health.and_then(|health| health.test.as_ref());
    let asked = command(test.unwrap_or(&Value::Null))?;
    let mut asking = asked.iter().map(String::as_str).skip_while(|word| !asks_postgres(word));
    if asking.next().is_none() {
        return Err("nobody asks PostgreSQL whether it is ready: pg_isready does".to_owned());
    }
    let by_variable = postgres.and_then(|service| service.environment.get("PGHOST")).and_then(Value::as_str);
    let host = host(&asking.collect::<Vec<_>>());
    match host.as_deref().or(by_variable) {
        Some(host) if !host.is_empty() && !host.starts_with(['/', '@']) => Ok(()),
        Some(folder) => Err(format!(
            "PostgreSQL is asked by the socket in {folder:?}, where the server that only prepares the data answers too: ready is \
             said, and then it is gone. Ask 127.0.0.1"
        )),
        None => Err("without a host PostgreSQL is asked by the socket, where the server that only prepares the data answers too: \
                     ready is said, and then it is gone. Ask 127.0.0.1"
            .to_owned()),
    }
}

fn asks_postgres(word: &str) -> bool {
    ["pg_isready", "psql"].contains(&word.rsplit('/').next().unwrap_or_default())
}

/// Which host the words of a command name.
fn host(words: &[&str]) -> Option<String> {
    let text = |word: &str| word.trim_matches(['"', '\'']).to_owned();
    words.iter().enumerate().find_map(|(at, word)| {
        let next = || words.get(at + 1).map_or_else(String::new, |next| text(next));
        match *word {
            "-h" | "--host" => Some(next()),
            other => {
                let long = other.strip_prefix("--host=");
                let short = other.strip_prefix("-h").filter(|rest| !rest.is_empty());
                let in_url = other.split_once("://").map(|(_, rest)| {
                    let address = rest.split(['/', '?']).next().unwrap_or_default();
                    address.rsplit('@').next().unwrap_or_default()
                });
                let in_text = other.split("host=").nth(1).filter(|_| !other.starts_with("--"));
                long.or(short).or(in_url).or(in_text).map(text)
            }
        }
    })
}

/// The words of the command that decides how a health check ends.
fn command(test: &Value) -> Result<Vec<String>, String> {
    let split = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let list = match test {
        Value::String(text) => return decides(text).map(split),
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>(),
        _ => return Ok(Vec::new()),
    };
    match list[..] {
        [] | ["NONE"] => Ok(Vec::new()),
        ["CMD", ..] => match list.iter().find(|word| ["||", "&&", ";"].contains(*word)) {
            Some(word) => Err(format!(
                "after CMD there is no shell to read {word}: it is one word more for the program"
            )),
            None => Ok(list[1..].iter().map(|word| (*word).to_owned()).collect()),
        },
        ["CMD-SHELL", text] => decides(text).map(split),
        ["CMD-SHELL", text, ..] => Err(format!(
            "CMD-SHELL takes one text, and the shell runs {text:?} alone: what stands after it is left out"
        )),
        [first, ..] => Err(format!(
            "a list of words begins with CMD or CMD-SHELL, and not with {first}: compose refuses it"
        )),
    }
}

/// The part of a shell's line that says how it ends. What comes after `||` may make it worse, and not better.
fn decides(line: &str) -> Result<&str, String> {
    let last = line.rsplit([';', '&', '\n']).next().unwrap_or_default();
    let (asks, otherwise) = last.split_once("||").unwrap_or((last, "false"));
    let fails = match otherwise.split_whitespace().collect::<Vec<_>>()[..] {
        ["false"] => true,
        ["exit", code] => code != "0",
        _ => false,
    };
    if !fails || asks.contains('|') {
        return Err(format!(
            "{line:?} is right whatever PostgreSQL says: everybody starts at once, and finds no database. What is said last \
             decides, so let that be the question"
        ));
    }
    Ok(asks)
}

fn asked_often_and_for_long(composition: &Composition) -> Result<(), String> {
    let health = composition.services.get("postgres").and_then(|service| service.healthcheck.as_ref());
    let Some(health) = health.filter(|health| health.asks()) else { return Ok(()) };
    let time = |given: Option<&String>, default: f64| match given {
        None => Ok(default),
        Some(text) => super::seconds(text).ok_or_else(|| format!("{text:?} is no time: 2s, 1m30s")),
    };
    let interval = time(health.interval.as_ref(), 30.0)?;
    let timeout = time(health.timeout.as_ref(), 30.0)?;
    let patience =
        time(health.start_period.as_ref(), 0.0)? + interval * f64::from(health.retries.unwrap_or(3));
    if interval > LONGEST_INTERVAL || timeout > SLOW_DATABASE {
        return Err(format!(
            "PostgreSQL is asked every {interval} s, and may take {timeout} s for an answer: everybody else waits that long, though \
             it was ready after two"
        ));
    }
    if patience < SLOW_DATABASE {
        return Err(format!(
            "a database that takes {SLOW_DATABASE} s to start is given up after {patience} s, and everything that waits for it \
             with it: start_period, or more retries"
        ));
    }
    Ok(())
}

fn nobody_sleeps(composition: &Composition) -> Result<(), String> {
    each(composition, |name, service| {
        let started = service.command();
        if started.contains("sleep") {
            return Some(format!(
                "{name} sleeps before it starts: too short on a slow day, too long on all others"
            ));
        }
        let shell = started.split_whitespace().next().filter(|_| ours(name) && service.entrypoint.is_some());
        let shell =
            shell.filter(|word| ["sh", "bash", "ash"].contains(&word.rsplit('/').next().unwrap_or_default()));
        shell.map(|shell| {
            format!("{name} is started by {shell}, which is not in an image FROM scratch: it never starts")
        })
    })
}

fn health_by_the_program(composition: &Composition) -> Result<(), String> {
    each(composition, |name, service| {
        let health = service.healthcheck.as_ref().filter(|_| ours(name))?;
        let test = health.test.as_ref().map(words).unwrap_or_default();
        if ["curl", "wget", "sh ", "CMD-SHELL"].iter().any(|tool| test.contains(tool)) {
            return Some(format!(
                "the health check of {name} is {test}: there is no shell and no curl in scratch"
            ));
        }
        (test.contains("/api/") || test.contains("simulators") || test.contains("gateway:"))
            .then(|| {
                format!(
                    "the health check of {name} asks others ({test}): when one is away, all are unhealthy"
                )
            })
            .or_else(|| {
                (!health.asks() && !once(name)).then(|| format!("{name} has its health check switched off"))
            })
    })
}

fn every_process_is_there(composition: &Composition) -> Result<(), String> {
    let system = system();
    let processes = system.processes.iter().map(|process| process.name.as_str());
    let mut wanted: Vec<_> = processes.chain(POSTGRES).collect();
    wanted.sort_unstable();
    let there: Vec<_> = composition.services.keys().map(String::as_str).collect();
    if there == wanted {
        Ok(())
    } else {
        Err(format!("the services are {there:?}, and system.toml has {wanted:?}"))
    }
}

fn comes_back_by_itself(composition: &Composition) -> Result<(), String> {
    each(composition, |name, service| {
        (!once(name) && service.restart.as_deref() != Some("unless-stopped")).then(|| {
            format!(
                "{name} has restart: {:?}; unless-stopped brings back what died, and leaves what you stopped",
                service.restart
            )
        })
    })
}

fn only_the_front_is_published(composition: &Composition) -> Result<(), String> {
    each(composition, |name, service| {
        let port = service.ports.first()?;
        if name != "gateway" {
            return Some(format!("{name} is published at {port}: only the gateway is for people outside"));
        }
        (!port.starts_with("127.0.0.1:")).then(|| {
            format!(
                "{port} listens on every address of this machine, and passes its firewall: 127.0.0.1:{port}"
            )
        })
    })
}

fn as_little_as_possible(composition: &Composition) -> Result<(), String> {
    each(composition, |name, service| {
        let lacks = [
            (!service.read_only, "read_only: true"),
            (service.cap_drop != ["ALL"], "cap_drop: [ALL]"),
            (
                service.security_opt != ["no-new-privileges:true"],
                "security_opt: [\"no-new-privileges:true\"]",
            ),
            (service.mem_limit.is_none(), "mem_limit"),
        ];
        let lack = lacks.iter().find(|(is, _)| *is)?;
        Some(format!("{name} lacks {}", lack.1))
    })
}

fn secrets_are_files(composition: &Composition) -> Result<(), String> {
    each(composition, |name, service| {
        let bare = service.environment.keys().find(|key| {
            ["TOKEN", "SECRET", "PASSWORD", "API_KEY", "DATABASE_URL"].iter().any(|word| key.ends_with(word))
        })?;
        Some(format!(
            "{name} has {bare} in its environment, where `docker inspect` shows it: {bare}_FILE names a file"
        ))
    })
}

fn other_images_can_be_named(composition: &Composition) -> Result<(), String> {
    each(composition, |name, service| {
        let image = service.image.as_deref().unwrap_or_default();
        (!image.contains("${"))
            .then(|| format!("{name} has the image {image}, and nobody can name another one"))
    })
}

fn old_and_new_compose(composition: &Composition) -> Result<(), String> {
    if composition.rest.contains_key("version") {
        return Err("`version` at the top: compose 2 warns of it, and 1.29 does without".to_owned());
    }
    Ok(())
}

/// A command or a test, whether it is written as a list or as a text.
fn words(value: &Value) -> String {
    match value {
        Value::Array(words) => words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        other => other.as_str().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = include_str!("../../../../docker-compose.yml");

    fn broken(from: &str, to: &str) -> Vec<&'static str> {
        assert!(OURS.contains(from), "the composition has no {from:?} any more");
        let composition = parse(&OURS.replacen(from, to, 1)).unwrap();
        RULES.iter().filter(|(_, rule)| rule(&composition).is_err()).map(|(name, _)| *name).collect()
    }

    #[test]
    fn ours_keeps_every_rule() {
        let composition = parse(OURS).unwrap();
        for (name, rule) in RULES {
            rule(&composition).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
        }
    }

    #[test]
    fn each_rule_finds_what_it_is_about_and_no_other_does() {
        for (from, to, rule) in [
            (
                "      web: { condition: service_healthy }",
                "      web: { condition: service_started }",
                "started_is_not_ready",
            ),
            (
                "      simulators: { condition: service_healthy }",
                "      simulators: { condition: service_healthy }\n      gateway: { condition: service_healthy }",
                "started_is_not_ready",
            ),
            ("  command: [migrate]", "  command: [serve]", "one_migration"),
            ("  restart: on-failure", "  restart: unless-stopped", "one_migration"),
            (
                "      migrate-web: { condition: service_completed_successfully }",
                "      migrate-web: { condition: service_started }",
                "one_migration",
            ),
            (" --host=127.0.0.1,", "", "database_asked_over_tcp"),
            ("--host=127.0.0.1", "--host=/var/run/postgresql", "database_asked_over_tcp"),
            ("--host=127.0.0.1", "\"--host=\"", "database_asked_over_tcp"),
            ("[CMD, pg_isready", "[CMD-SHELL, pg_isready", "database_asked_over_tcp"),
            ("[CMD, pg_isready", "[pg_isready", "database_asked_over_tcp"),
            (
                "--username=automator]",
                "--username=automator, \"||\", exit, \"1\"]",
                "database_asked_over_tcp",
            ),
            ("      interval: 2s", "      interval: 1h", "asked_often_and_for_long"),
            ("      retries: 10\n      start_period: 60s", "      retries: 3", "asked_often_and_for_long"),
            ("  restart: on-failure", "  restart: onfailure", "one_migration"),
            (
                "      migrate-web: { condition: service_completed_successfully }",
                "      migrate-web: { condition: service_completed_successfully }\n      other: { condition: service_started }",
                "started_is_not_ready",
            ),
            (
                "      simulators: { condition: service_healthy }",
                "      simulators: { condition: service_completed_successfully }",
                "started_is_not_ready",
            ),
            ("    networks: [edge, services]", "    command: [sh, -c, sleep 10]", "nobody_sleeps"),
            (
                "    networks: [edge, services]",
                "    healthcheck: { test: [CMD, curl, localhost] }",
                "health_by_the_program",
            ),
            ("    networks: [edge, services]", "    healthcheck: { disable: true }", "health_by_the_program"),
            (
                "  restart: unless-stopped\n  read_only",
                "  restart: \"no\"\n  read_only",
                "comes_back_by_itself",
            ),
            ("\"127.0.0.1:${AUTOMATOR_PORT", "\"${AUTOMATOR_PORT", "only_the_front_is_published"),
            (
                "    networks: [services, data]",
                "    ports: [\"127.0.0.1:1:8080\"]",
                "only_the_front_is_published",
            ),
            ("  read_only: true\n  cap_drop", "  cap_drop", "as_little_as_possible"),
            ("  mem_limit: 128m\n", "", "as_little_as_possible"),
            ("SERVICE_TOKEN_FILE: /run/secrets/service_token", "SERVICE_TOKEN: hunter2", "secrets_are_files"),
            (
                "${WORKSHOP_POSTGRES_IMAGE:-postgres:16-alpine}",
                "postgres:16-alpine",
                "other_images_can_be_named",
            ),
            ("networks:\n  edge:", "version: \"3\"\nnetworks:\n  edge:", "old_and_new_compose"),
        ] {
            assert_eq!(broken(from, to), [rule], "{from:?} -> {to:?}");
        }
    }

    /// Also where others wait for it.
    #[test]
    fn a_service_of_another_name_is_not_the_process() {
        let composition = parse(&OURS.replace("simulators", "providers")).unwrap();
        let refusing = RULES.iter().filter(|(_, rule)| rule(&composition).is_err());
        assert_eq!(refusing.map(|(name, _)| *name).collect::<Vec<_>>(), ["every_process_is_there"]);
    }

    const ASKS: &str = "[CMD, pg_isready, --quiet, --host=127.0.0.1, --username=automator]";

    #[test]
    fn the_database_may_be_asked_in_other_words() {
        for right in [
            "[CMD, psql, -h, 127.0.0.1, -U, automator, -c, \"select 1\"]",
            "[CMD-SHELL, \"psql -h 127.0.0.1 -U automator -c 'select 1'\"]",
            "pg_isready -h localhost -U automator || exit 1",
            "[CMD, /usr/bin/pg_isready, -hpostgres]",
            "[CMD, psql, \"postgres://automator@127.0.0.1/automator\", -c, \"select 1\"]",
            "[CMD, psql, -d, \"host=127.0.0.1 user=automator\", -c, \"select 1\"]",
        ] {
            assert!(broken(ASKS, right).is_empty(), "{right}");
        }
        for wrong in [
            "pg_isready -h 127.0.0.1 || true",
            "pg_isready -h 127.0.0.1; exit 0",
            "pg_isready -h 127.0.0.1 | cat",
            "[CMD, psql, -U, automator, -c, \"select 1\"]",
            "[CMD, psql, \"postgres:///automator\", -c, \"select 1\"]",
            "[CMD, \"true\"]",
            "[NONE]",
        ] {
            let found = broken(ASKS, wrong);
            assert!(found.contains(&"database_asked_over_tcp"), "{wrong}: {found:?}");
        }
    }

    #[test]
    fn what_compose_1_29_refuses_is_refused() {
        let refused = |from: &str, to: &str| {
            assert!(OURS.contains(from), "the composition has no {from:?} any more");
            parse(&OURS.replacen(from, to, 1)).unwrap_err()
        };
        for (from, to, word) in [
            ("      start_period: 60s", "      start_interval: 1s", "start_interval"),
            ("{ condition: service_healthy }", "{ condition: service_healthy, restart: true }", "restart"),
            ("{ condition: service_healthy }", "{ condition: healthy }", "healthy"),
            ("{ condition: service_healthy }", "{ required: true }", "required"),
            ("  restart: on-failure", "  restarts: on-failure", "restarts"),
            ("  restart: on-failure", "  restart: no", "restart"),
            ("      interval: 2s", "      interval: 2", "interval"),
            ("    networks: [edge, services]", "    develop: {}", "develop"),
            ("networks:\n  edge:", "name: automator\nnetworks:\n  edge:", "name"),
        ] {
            let said = refused(from, to);
            assert!(said.contains(word) && said.contains("compose"), "{from:?} -> {to:?}: {said}");
        }
    }

    #[test]
    fn the_builder_is_the_dockerfiles() {
        let dockerfile = include_str!("../../../../Dockerfile");
        let builder = dockerfile.lines().find_map(|line| line.strip_prefix("ARG BUILDER=")).unwrap();
        assert!(OURS.contains(&format!("${{WORKSHOP_BUILDER_IMAGE:-{builder}}}")), "{builder}");
    }
}
