//! A Dockerfile's text, and what it must say (<https://docs.docker.com/reference/dockerfile/>).

/// One instruction: `COPY --from=build /out/x /x` is `COPY` and the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// In capitals.
    pub name: String,
    /// What follows, on one line.
    pub rest: String,
}

/// What begins with a `FROM`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// The image, arguments replaced by their defaults.
    pub from: String,
    /// What stands in it.
    pub instructions: Vec<Instruction>,
}

/// A Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dockerfile {
    /// In order; the last is the image.
    pub stages: Vec<Stage>,
}

/// A rule: its name, and what is wrong by it.
pub type Rule = (&'static str, fn(&Dockerfile) -> Result<(), String>);

/// What every Dockerfile of ours keeps to.
pub const RULES: &[Rule] = &[
    ("two_stages", two_stages),
    ("manifests_first", manifests_first),
    ("static_program", static_program),
    ("certificates", certificates),
    ("user_by_number", user_by_number),
    ("exec_form", exec_form),
    ("health_by_the_program", health_by_the_program),
    ("no_secrets", no_secrets),
];

/// Reads a text: comments left out, continued lines joined.
///
/// # Errors
/// There is no `FROM` in it.
pub fn parse(text: &str) -> Result<Dockerfile, String> {
    let mut arguments: Vec<(String, String)> = Vec::new();
    let mut stages: Vec<Stage> = Vec::new();
    for Instruction { name, rest } in instructions(text) {
        match (name.as_str(), stages.last_mut()) {
            ("FROM", _) => {
                let image = rest.split_whitespace().find(|word| !word.starts_with("--")).unwrap_or_default();
                let from = arguments.iter().fold(image.to_owned(), |image, (name, default)| {
                    image.replace(&format!("${{{name}}}"), default).replace(&format!("${name}"), default)
                });
                stages.push(Stage { from, instructions: Vec::new() });
            }
            ("ARG", None) => {
                let (name, default) = rest.split_once('=').unwrap_or((&rest, ""));
                arguments.push((name.to_owned(), default.to_owned()));
            }
            (_, Some(stage)) => stage.instructions.push(Instruction { name, rest }),
            (_, None) => {}
        }
    }
    if stages.is_empty() {
        return Err("there is no FROM, so there is no image".to_owned());
    }
    Ok(Dockerfile { stages })
}

impl Dockerfile {
    /// The image that comes out.
    fn last(&self) -> Result<&Stage, String> {
        self.stages.last().ok_or_else(|| "there is no FROM, so there is no image".to_owned())
    }

    fn all(&self) -> impl Iterator<Item = &Instruction> {
        self.stages.iter().flat_map(|stage| &stage.instructions)
    }
}

impl Stage {
    fn named<'a>(&'a self, name: &'a str) -> impl DoubleEndedIterator<Item = &'a Instruction> {
        self.instructions.iter().filter(move |instruction| instruction.name == name)
    }
}

fn instructions(text: &str) -> Vec<Instruction> {
    let mut joined = String::new();
    let mut all = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(line) = line.strip_suffix('\\') {
            joined.push_str(line.trim_end());
            joined.push(' ');
            continue;
        }
        joined.push_str(line);
        let whole = std::mem::take(&mut joined);
        let (name, rest) = whole.split_once(char::is_whitespace).unwrap_or((&whole, ""));
        all.push(Instruction { name: name.to_ascii_uppercase(), rest: rest.trim().to_owned() });
    }
    all
}

/// Whether it compiles.
fn builds(instruction: &Instruction) -> bool {
    instruction.name == "RUN" && (instruction.rest.contains("cargo build") || is_chef(instruction))
}

/// Whether it is cargo-chef that builds what we depend on. It sees to the times of files itself.
fn is_chef(instruction: &Instruction) -> bool {
    instruction.rest.contains("cargo chef cook")
}

fn two_stages(file: &Dockerfile) -> Result<(), String> {
    let last = file.last()?;
    if last.instructions.iter().any(builds) {
        return Err("the stage that builds is the image: the compiler and all sources go out with the program, more than 1 GB \
                    of them"
            .to_owned());
    }
    if last.from != "scratch" {
        return Err(format!("the image begins with {}: a static program runs FROM scratch", last.from));
    }
    Ok(())
}

fn manifests_first(file: &Dockerfile) -> Result<(), String> {
    let sources = |instruction: &Instruction| {
        let mut words = instruction.rest.split_whitespace();
        let from_here = !instruction.rest.contains("--from");
        let first = words.find(|word| !word.starts_with("--"));
        instruction.name == "COPY" && from_here && matches!(first, Some("." | "./"))
    };
    let building = file.stages.iter().find(|stage| stage.instructions.iter().any(builds));
    let building = building.ok_or_else(|| "no stage runs cargo build".to_owned())?;
    let first = building.instructions.iter().position(builds);
    let Some(copied) = building.instructions.iter().position(sources) else {
        return Err("the stage that builds has no `COPY . .`".to_owned());
    };
    if first.is_none_or(|first| first > copied) {
        return Err(
            "the sources are copied before the first build: each edit builds everything we depend on anew, \
             minutes instead of seconds. Copy the manifests and build, then copy the rest"
                .to_owned(),
        );
    }
    let after = building.instructions.get(copied..).unwrap_or_default();
    let touched = after.iter().any(|instruction| instruction.rest.contains("touch"));
    if !touched && !building.instructions.iter().any(is_chef) {
        return Err("the sources are older than the empty files that stood in for them, so cargo keeps what it made of \
                    those: a program that does nothing. Touch them before the second build"
            .to_owned());
    }
    Ok(())
}

fn static_program(file: &Dockerfile) -> Result<(), String> {
    let is_static = file.all().any(|instruction| instruction.rest.contains("target-feature=+crt-static"));
    let musl = file.all().any(|instruction| instruction.rest.contains("-musl"));
    if !is_static && !musl {
        return Err("the program is dynamic: in scratch there is no C library, and it would not even start"
            .to_owned());
    }
    let targeted = ["CARGO_BUILD_TARGET", "--target"];
    if file.all().any(|instruction| targeted.iter().any(|word| instruction.rest.contains(word))) {
        Ok(())
    } else {
        Err("without a target the flags are for the macros too, which the compiler loads and which cannot be static: name one, \
             CARGO_BUILD_TARGET=host-tuple for the machine that builds"
            .to_owned())
    }
}

fn certificates(file: &Dockerfile) -> Result<(), String> {
    let copied = file.last()?.named("COPY").any(|copy| copy.rest.contains("ca-certificates.crt"));
    if copied {
        Ok(())
    } else {
        Err("no certificates in the image: every call to https:// would be refused, and no mail would go out"
            .to_owned())
    }
}

fn user_by_number(file: &Dockerfile) -> Result<(), String> {
    let last = file.last()?;
    let user = last.named("USER").next_back();
    let user = user.ok_or_else(|| "no USER: whoever breaks into the program is root".to_owned())?;
    let id = user.rest.split(':').next().unwrap_or_default();
    match id.parse::<u32>() {
        Ok(0) => Err("USER 0 is root".to_owned()),
        Ok(_) => Ok(()),
        Err(_) => Err(format!(
            "USER {id}: in scratch there is no /etc/passwd in which to look up a name; say a number"
        )),
    }
}

fn exec_form(file: &Dockerfile) -> Result<(), String> {
    let last = file.last()?;
    let started: Vec<_> = last.named("ENTRYPOINT").chain(last.named("CMD")).collect();
    if last.named("ENTRYPOINT").next().is_none() {
        return Err("no ENTRYPOINT: a command, such as `migrate` in docker-compose.yml, would take the program's place".to_owned());
    }
    match started.iter().find(|instruction| !instruction.rest.starts_with('[')) {
        Some(shell) => Err(format!(
            "{} {} is the shell form: scratch has no shell, and where there is one it keeps SIGTERM to itself",
            shell.name, shell.rest
        )),
        None => Ok(()),
    }
}

fn health_by_the_program(file: &Dockerfile) -> Result<(), String> {
    let last = file.last()?;
    let health = last.named("HEALTHCHECK").next_back();
    let health = health.ok_or_else(|| {
        "no HEALTHCHECK: whoever waits for the service knows only that it was started".to_owned()
    })?;
    let asks = health.rest.split_once("CMD").map_or("", |(_, asks)| asks.trim());
    if asks.starts_with('[') && asks.contains("\"health\"") {
        Ok(())
    } else {
        Err(format!(
            "HEALTHCHECK {asks}: there is no shell and no curl in scratch; the program asks: [\"/service\", \"health\"]"
        ))
    }
}

fn no_secrets(file: &Dockerfile) -> Result<(), String> {
    let secret = file.all().filter(|instruction| ["ARG", "ENV"].contains(&instruction.name.as_str())).find(
        |instruction| {
            let upper = instruction.rest.to_ascii_uppercase();
            ["TOKEN", "SECRET", "PASSWORD", "API_KEY", "DATABASE_URL"].iter().any(|word| upper.contains(word))
        },
    );
    match secret {
        Some(Instruction { name, rest }) => Err(format!(
            "{name} {} stays readable in the image for whoever has it (docker history); hand it over as a file when the container starts",
            rest.split('=').next().unwrap_or_default()
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = include_str!("../../../../Dockerfile");

    /// What is wrong with the Dockerfile in which `from` stands in place of `to`, rule by rule.
    fn broken(from: &str, to: &str) -> Vec<&'static str> {
        assert!(OURS.contains(from), "the Dockerfile has no {from:?} any more");
        let file = parse(&OURS.replace(from, to)).unwrap();
        RULES.iter().filter(|(_, rule)| rule(&file).is_err()).map(|(name, _)| *name).collect()
    }

    #[test]
    fn ours_keeps_every_rule() {
        let file = parse(OURS).unwrap();
        for (name, rule) in RULES {
            rule(&file).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
        }
    }

    #[test]
    fn sources_may_be_copied_in_other_words() {
        for words in ["COPY --link . .", "COPY ./ ./"] {
            assert!(
                broken("\nCOPY . .\n# hadolint", &format!("\n{words}\n# hadolint")).is_empty(),
                "{words}"
            );
        }
    }

    #[test]
    fn what_we_depend_on_may_be_built_by_cargo_chef() {
        let chef =
            OURS.replace("\nRUN cargo build", "\nRUN cargo chef cook").replace("-exec touch {} +", "-print");
        assert_eq!(manifests_first(&parse(&chef).unwrap()), Ok(()));
    }

    #[test]
    fn each_rule_finds_what_it_is_about_and_no_other_does() {
        for (from, to, rule) in [
            ("ARG RUNTIME=scratch", "ARG RUNTIME=debian:bookworm-slim", "two_stages"),
            ("COPY --from=manifests /source .", "COPY . .", "manifests_first"),
            ("-exec touch {} +", "-print", "manifests_first"),
            ("-C target-feature=+crt-static", "-C opt-level=3", "static_program"),
            ("CARGO_BUILD_TARGET=host-tuple", "CARGO_TERM_COLOR=never", "static_program"),
            ("ENTRYPOINT", "CMD", "exec_form"),
            ("COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/", "", "certificates"),
            ("USER 10001:10001", "USER automator", "user_by_number"),
            ("USER 10001:10001", "USER 0:0", "user_by_number"),
            ("USER 10001:10001", "", "user_by_number"),
            ("ENTRYPOINT [\"/service\"]", "ENTRYPOINT /service", "exec_form"),
            (
                "CMD [\"/service\", \"health\"]",
                "CMD curl -f http://localhost:8080/health/ready",
                "health_by_the_program",
            ),
            ("ARG REVISION=unknown", "ARG GITHUB_TOKEN", "no_secrets"),
        ] {
            assert_eq!(broken(from, to), [rule], "{from:?} -> {to:?}");
        }
    }

    #[test]
    fn continued_lines_and_comments_are_read_as_docker_does() {
        let file = parse("ARG A=x\nFROM ${A} AS b\nRUN one \\\n  # between\n  && two\ncopy a b\n").unwrap();
        assert_eq!(file.stages[0].from, "x");
        let rest: Vec<_> =
            file.stages[0].instructions.iter().map(|i| format!("{} {}", i.name, i.rest)).collect();
        assert_eq!(rest, ["RUN one && two", "COPY a b"]);
    }
}
