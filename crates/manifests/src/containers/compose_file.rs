//! The composition's text, and what it must say (<https://github.com/compose-spec/compose-spec>).

use std::collections::{BTreeMap, BTreeSet};

use acceptance::serde_json::Value;
use harness::Definition;
use serde::Deserialize;

use crate::root;

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
    /// What its command says, in words.
    fn command(&self) -> String {
        self.command.as_ref().map(words).unwrap_or_default()
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

/// Reads a composition.
///
/// # Errors
/// Where it is no YAML, or something has another shape.
pub fn parse(text: &str) -> Result<Composition, String> {
    serde_saphyr::from_str(text).map_err(|error| error.to_string())
}

fn each(composition: &Composition, wrong: impl Fn(&str, &Service) -> Option<String>) -> Result<(), String> {
    composition.services.iter().find_map(|(name, service)| wrong(name, service)).map_or(Ok(()), Err)
}

/// The one that ends when its work is done.
fn once(name: &str) -> bool {
    name == "migrate"
}

/// All but the database.
fn ours(name: &str) -> bool {
    name != "postgres"
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
    let waits =
        [("gateway", "monolith"), ("gateway", "backlog"), ("gateway", "notify"), ("migrate", "postgres")];
    for (who, whom) in waits {
        let condition = composition.services.get(who).and_then(|service| service.waits(whom));
        if condition != Some("service_healthy") {
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

fn one_migration(composition: &Composition) -> Result<(), String> {
    let migrating: Vec<_> = composition.services.iter().filter(|(_, service)| service.migrates()).collect();
    if migrating.is_empty() {
        return Err("nobody brings the tables up to date".to_owned());
    }
    if migrating.len() > 1 {
        let names: Vec<_> = migrating.iter().map(|(name, _)| name.as_str()).collect();
        return Err(format!(
            "{} all migrate, at the same time, and again at each restart: two of them meet in the middle. One service \
             does it, once, and ends",
            names.join(", ")
        ));
    }
    for who in ["monolith", "backlog", "notify"] {
        let condition = composition.services.get(who).and_then(|service| service.waits("migrate"));
        if condition != Some("service_completed_successfully") {
            return Err(format!(
                "{who} does not wait for the end of migrate: condition: service_completed_successfully"
            ));
        }
    }
    match migrating[0].1.restart.as_deref() {
        None | Some("no" | "on-failure") => Ok(()),
        Some(other) => {
            Err(format!("migrate has restart: {other}, so it would begin again whenever it is done"))
        }
    }
}

fn database_asked_over_tcp(composition: &Composition) -> Result<(), String> {
    let health = composition.services.get("postgres").and_then(|service| service.healthcheck.as_ref());
    let test = health.and_then(|health| health.test.as_ref()).map(words).unwrap_or_default();
    if !test.contains("pg_isready") {
        return Err("nobody asks PostgreSQL whether it is ready: pg_isready does".to_owned());
    }
    if test.contains("--host") || test.contains(" -h ") || test.contains(" -h1") {
        Ok(())
    } else {
        Err("pg_isready without a host asks by the socket, where the server that only prepares the data answers too: \
             ready is said, and then it is gone. Ask 127.0.0.1"
            .to_owned())
    }
}

fn nobody_sleeps(composition: &Composition) -> Result<(), String> {
    each(composition, |name, service| {
        let sleeps = service.command().contains("sleep");
        sleeps.then(|| {
            format!("{name} sleeps before it starts: too short on a slow day, too long on all others")
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
                (health.disable && !once(name)).then(|| format!("{name} has its health check switched off"))
            })
    })
}

fn every_process_is_there(composition: &Composition) -> Result<(), String> {
    let definition =
        Definition::load(&root().join("steps/10-containers")).map_err(|error| error.to_string())?;
    let mut wanted: Vec<_> = definition.processes.iter().map(|process| process.name.as_str()).collect();
    wanted.push("postgres");
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
    match ["version", "name"].iter().find(|key| composition.rest.contains_key(**key)) {
        Some(key) => {
            Err(format!("`{key}` at the top: compose 1.29 refuses `name`, and compose 2 warns of `version`"))
        }
        None => Ok(()),
    }
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
                "      monolith: { condition: service_healthy }",
                "      monolith: { condition: service_started }",
                "started_is_not_ready",
            ),
            (
                "      simulators: { condition: service_healthy }",
                "      simulators: { condition: service_healthy }\n      gateway: { condition: service_healthy }",
                "started_is_not_ready",
            ),
            ("    command: [migrate]", "    command: [serve]", "one_migration"),
            ("    restart: on-failure", "    restart: unless-stopped", "one_migration"),
            (
                "      migrate: { condition: service_completed_successfully }",
                "      migrate: { condition: service_started }",
                "one_migration",
            ),
            (" --host=127.0.0.1,", "", "database_asked_over_tcp"),
            ("    networks: [edge, services]", "    command: [sh, -c, sleep 10]", "nobody_sleeps"),
            (
                "    networks: [edge, services]",
                "    healthcheck: { test: [CMD, curl, localhost] }",
                "health_by_the_program",
            ),
            ("    networks: [edge, services]", "    healthcheck: { disable: true }", "health_by_the_program"),
            ("  simulators:\n    <<", "  providers:\n    <<", "every_process_is_there"),
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

    #[test]
    fn the_builder_is_the_dockerfiles() {
        let dockerfile = include_str!("../../../../Dockerfile");
        let builder = dockerfile.lines().find_map(|line| line.strip_prefix("ARG BUILDER=")).unwrap();
        assert!(OURS.contains(&format!("${{WORKSHOP_BUILDER_IMAGE:-{builder}}}")), "{builder}");
    }
}
