//! A Dockerfile's text, and what it must say (<https://docs.docker.com/reference/dockerfile/>).

mod building;

use building::{builds, misplaced, steers_cargo};

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
    /// What others call it by, where it has a name.
    pub name: Option<String>,
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
    ("it_can_be_built", it_can_be_built),
    ("two_stages", two_stages),
    ("only_the_program", only_the_program),
    ("manifests_first", manifests_first),
    ("the_same_build_twice", the_same_build_twice),
    ("static_program", static_program),
    ("certificates", certificates),
    ("user_by_number", user_by_number),
    ("exec_form", exec_form),
    ("reached_from_outside", reached_from_outside),
    ("health_by_the_program", health_by_the_program),
    ("no_secrets", no_secrets),
];

/// What a Dockerfile may say.
const INSTRUCTIONS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// Where a client of ours looks for certificates on Linux, the bundle of each distribution (openssl-probe), unless `SSL_CERT_FILE`
/// names another file.
const BUNDLES: [&str; 8] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/ssl/cert.pem",
    "/opt/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/certs/cacert.pem",
];
/// Where the bundle lies in the image that builds.
const BUNDLE: &str = BUNDLES[0];

/// The port that docker-compose.yml reaches each service at.
const PORT: &str = "8080";
/// The longest pause between two questions about health, in seconds: whoever waits for a service waits that long for the first.
const LONGEST_INTERVAL: f64 = 30.0;

/// Reads a text: comments left out, continued lines joined.
///
/// # Errors
/// There is no `FROM` in it, or an instruction that is none.
pub fn parse(text: &str) -> Result<Dockerfile, String> {
    let mut arguments: Vec<(String, String)> = Vec::new();
    let mut stages: Vec<Stage> = Vec::new();
    for Instruction { name, rest } in instructions(text) {
        if !INSTRUCTIONS.contains(&name.as_str()) {
            return Err(format!("{name} is no instruction of a Dockerfile: it cannot be built"));
        }
        match (name.as_str(), stages.last_mut()) {
            ("FROM", _) => {
                let mut words = rest.split_whitespace().filter(|word| !word.starts_with("--"));
                let image = words.next().unwrap_or_default();
                let from = arguments.iter().fold(image.to_owned(), |image, (name, default)| {
                    image.replace(&format!("${{{name}}}"), default).replace(&format!("${name}"), default)
                });
                let name = words.next().filter(|word| word.eq_ignore_ascii_case("as")).and(words.next());
                stages.push(Stage { from, name: name.map(str::to_lowercase), instructions: Vec::new() });
            }
            ("ARG", None) => {
                let (name, default) = rest.split_once('=').unwrap_or((&rest, ""));
                arguments.push((name.to_owned(), default.to_owned()));
            }
            (_, Some(stage)) => stage.instructions.push(Instruction { name, rest }),
            (name, None) => {
                return Err(format!(
                    "{name} stands before the first FROM, where only ARG may: it cannot be built"
                ));
            }
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

    /// The stage that compiles.
    fn building(&self) -> Result<&Stage, String> {
        let building = self.stages.iter().find(|stage| !builds(stage).is_empty());
        building.ok_or_else(|| "no stage runs cargo build".to_owned())
    }

    /// The stage of that name or number among the first `before`.
    fn stage(&self, wanted: &str, before: usize) -> Option<&Stage> {
        let earlier = self.stages.get(..before)?;
        let named = earlier.iter().find(|stage| stage.name.as_deref() == Some(&wanted.to_lowercase()));
        named.or_else(|| earlier.get(wanted.parse::<usize>().ok()?))
    }

    /// Whether cargo is told the platform that it builds for.
    fn is_targeted(&self) -> bool {
        self.all().any(|it| ["CARGO_BUILD_TARGET=", "--target"].iter().any(|word| it.rest.contains(word)))
    }
}

impl Stage {
    fn named<'a>(&'a self, name: &'a str) -> impl DoubleEndedIterator<Item = &'a Instruction> {
        self.instructions.iter().filter(move |instruction| instruction.name == name)
    }

    fn copies(&self) -> impl Iterator<Item = Copy<'_>> {
        self.named("COPY").chain(self.named("ADD")).map(Copy::of)
    }

    /// What its image's variable says, if it has one.
    fn variable(&self, wanted: &str) -> Option<&str> {
        let mut settings = self.named("ENV").flat_map(variables);
        settings.rfind(|(name, _)| *name == wanted).map(|(_, value)| value)
    }

    /// The words of an instruction's exec form; what is no list of JSON is the shell form.
    fn words(&self, name: &str) -> Option<Vec<String>> {
        exec(&self.named(name).next_back()?.rest)
    }
}

/// A `COPY`, in its parts.
struct Copy<'a> {
    from: Option<&'a str>,
    sources: Vec<&'a str>,
    to: &'a str,
}

impl<'a> Copy<'a> {
    fn of(instruction: &'a Instruction) -> Self {
        let words = instruction.rest.split_whitespace();
        let (flags, mut paths): (Vec<_>, Vec<_>) = words.partition(|word| word.starts_with("--"));
        let from = flags.iter().find_map(|flag| flag.strip_prefix("--from="));
        let to = paths.pop().unwrap_or_default();
        Self { from, sources: paths, to }
    }

    /// Where a file ends up whose path is `file`, if `source` brings it along.
    fn brings(&self, source: &str, file: &str) -> Option<String> {
        let folder = source.trim_end_matches('/');
        if folder == file {
            let name = file.rsplit('/').next().unwrap_or_default();
            return Some(if self.to.ends_with('/') {
                format!("{}{name}", self.to)
            } else {
                self.to.to_owned()
            });
        }
        let below = file.strip_prefix(folder)?.strip_prefix('/')?;
        Some(format!("{}/{below}", self.to.trim_end_matches('/')))
    }
}

/// `A=b C="d"`, and the old `A b`.
fn variables(instruction: &Instruction) -> Vec<(&str, &str)> {
    let rest = instruction.rest.as_str();
    match rest.split_once(char::is_whitespace) {
        Some((name, value)) if !name.contains('=') => vec![(name, value.trim())],
        _ => {
            let pairs = rest.split_whitespace().filter_map(|word| word.split_once('='));
            pairs.map(|(name, value)| (name, value.trim_matches('"'))).collect()
        }
    }
}

/// The words of the exec form: a list of JSON.
fn exec(text: &str) -> Option<Vec<String>> {
    acceptance::serde_json::from_str(text.trim()).ok()
}

fn instructions(text: &str) -> Vec<Instruction> {
    let mut joined = String::new();
    let mut all = Vec::new();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    while let Some(line) = lines.next() {
        if let Some(line) = line.strip_suffix('\\') {
            joined.push_str(line.trim_end());
            joined.push(' ');
            continue;
        }
        joined.push_str(line);
        let mut whole = std::mem::take(&mut joined);
        // A "here document": what follows, up to its word, belongs to the command.
        if let Some(end) = heredoc(&whole) {
            let body: Vec<_> = lines.by_ref().take_while(|line| *line != end).collect();
            whole = format!("{whole} && {}", body.join(" && "));
        }
        let (name, rest) = whole.split_once(char::is_whitespace).unwrap_or((&whole, ""));
        all.push(Instruction { name: name.to_ascii_uppercase(), rest: rest.trim().to_owned() });
    }
    all
}

/// The word that ends what a line begins with `<<WORD`.
fn heredoc(line: &str) -> Option<String> {
    let (_, word) = line.split_once("<<")?;
    let word = word.trim_start_matches('-').split_whitespace().next()?.trim_matches(['"', '\'']);
    (!word.is_empty() && word.chars().all(char::is_alphanumeric)).then(|| word.to_owned())
}

fn it_can_be_built(file: &Dockerfile) -> Result<(), String> {
    for (at, stage) in file.stages.iter().enumerate() {
        if stage.from.is_empty() || stage.from.contains('$') {
            return Err(format!(
                "FROM {}: an ARG before the first FROM says what that is, and none does",
                stage.from
            ));
        }
        if stage.from == "scratch"
            && let Some(run) = stage.named("RUN").next()
        {
            return Err(format!(
                "RUN {} in a stage FROM scratch: there is no shell to run it, and no program",
                run.rest
            ));
        }
        for copy in stage.copies() {
            can_be_copied(file, at, &copy)?;
        }
        unknown_variable(stage)?;
    }
    // Without a target there is no static program, which is another rule's.
    let building = file.building().ok().filter(|_| file.is_targeted());
    let Some((_, build)) = building.and_then(|stage| builds(stage).pop()) else { return Ok(()) };
    let paths = file.all().filter(|it| ["RUN", "COPY"].contains(&it.name.as_str()));
    let mut words = paths.flat_map(|it| it.rest.split_whitespace()).filter(|word| !word.starts_with("--"));
    words.find_map(|word| misplaced(word.trim_matches(['"', ';']), &build)).map_or(Ok(()), Err)
}

fn can_be_copied(file: &Dockerfile, at: usize, copy: &Copy<'_>) -> Result<(), String> {
    if copy.sources.is_empty() {
        return Err(format!("COPY {}: it wants a source and where to put it", copy.to));
    }
    match copy.from {
        Some(name) if file.stage(name, at).is_none() && !name.contains(['/', ':', '.', '$']) => {
            Err(format!("COPY --from={name}: no stage before this one has that name (FROM … AS {name})"))
        }
        None => match copy.sources.iter().find(|source| source.starts_with('/')) {
            Some(source) => Err(format!(
                "COPY {source}: without --from it is looked for in the folder that is sent to the build, where there is none"
            )),
            None => Ok(()),
        },
        Some(_) => Ok(()),
    }
}

/// An argument ends with its stage.
fn unknown_variable(stage: &Stage) -> Result<(), String> {
    let mut known: Vec<&str> = Vec::new();
    for instruction in &stage.instructions {
        match instruction.name.as_str() {
            "ARG" => known.push(instruction.rest.split('=').next().unwrap_or_default()),
            "ENV" => known.extend(variables(instruction).iter().map(|(name, _)| *name)),
            "COPY" => {
                let mut used = instruction.rest.split('$').skip(1).map(|rest| {
                    let rest = rest.strip_prefix('{').unwrap_or(rest);
                    rest.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
                        .next()
                        .unwrap_or_default()
                });
                if let Some(unknown) = used.find(|name| !known.contains(name)) {
                    return Err(format!(
                        "COPY {} uses {unknown}, which this stage does not know: an ARG ends with its stage, so say it again",
                        instruction.rest
                    ));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn two_stages(file: &Dockerfile) -> Result<(), String> {
    let last = file.last()?;
    if !builds(last).is_empty() {
        return Err("the stage that builds is the image: the compiler and all sources go out with the program, more than 1 GB \
                    of them"
            .to_owned());
    }
    if last.from != "scratch" {
        return Err(format!("the image begins with {}: a static program runs FROM scratch", last.from));
    }
    Ok(())
}

fn only_the_program(file: &Dockerfile) -> Result<(), String> {
    let last = file.last()?;
    let built = builds(last);
    // One stage for all is another rule's.
    if !built.is_empty() {
        return Ok(());
    }
    for copy in last.copies() {
        for source in &copy.sources {
            let name = source.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            let is_program = is_service(name) && !source.ends_with('/');
            let of_the_system = ["/etc/", "/usr/share/"].iter().any(|folder| source.starts_with(folder));
            let staged = copy.from.and_then(|from| file.stage(from, file.stages.len()));
            let is_put_there = staged.is_some_and(|stage| puts_the_program(stage, source));
            if !is_program && !of_the_system && !is_put_there {
                return Err(format!(
                    "COPY {source}: more than the program goes out with it, each service with all others, or a gigabyte of what \
                     cargo keeps. ${{SERVICE}} is the one program that this image is for"
                ));
            }
        }
    }
    let debug = builds(file.building()?).into_iter().find(|(_, build)| build.profile == "dev");
    match debug {
        Some(_) => Err("cargo build without a profile builds for debugging: ten times as large, and as slow. --profile image is \
                        ours (Cargo.toml)"
            .to_owned()),
        None => Ok(()),
    }
}

fn is_service(word: &str) -> bool {
    word.contains("${SERVICE}") || word.ends_with("$SERVICE")
}

/// Whether a command of `stage` puts the program of the one service at `path`.
fn puts_the_program(stage: &Stage, path: &str) -> bool {
    let mut commands = stage.named("RUN").flat_map(|run| run.rest.split("&&").flat_map(|it| it.split(';')));
    commands.any(|command| {
        let words: Vec<_> = command.split_whitespace().collect();
        let moves = words.first().is_some_and(|it| ["cp", "mv", "install"].contains(it));
        moves && words.last() == Some(&path) && words.iter().any(|word| is_service(word))
    })
}

fn manifests_first(file: &Dockerfile) -> Result<(), String> {
    let sources = |instruction: &Instruction| {
        let copy = Copy::of(instruction);
        instruction.name == "COPY" && copy.from.is_none() && matches!(copy.sources[..], ["." | "./"])
    };
    let building = file.building()?;
    let built = builds(building);
    let first = built.first().map(|(at, _)| *at);
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
    if !built.iter().any(|(at, build)| *at > copied && !build.is_chef) {
        return Err("nothing is built after the sources have come: what goes out was made of empty files, a program that does \
                    nothing"
            .to_owned());
    }
    let after = building.instructions.get(copied..).unwrap_or_default();
    let touched = after.iter().any(|instruction| instruction.rest.contains("touch"));
    if !touched && !built.iter().any(|(_, build)| build.is_chef) {
        return Err("the sources are older than the empty files that stood in for them, so cargo keeps what it made of \
                    those: a program that does nothing. Touch them before the second build"
            .to_owned());
    }
    Ok(())
}

fn the_same_build_twice(file: &Dockerfile) -> Result<(), String> {
    const ANEW: &str =
        "so cargo keeps the two apart, and the second builds everything we depend on once more, at each edit";
    let building = file.building()?;
    let built = builds(building);
    let Some(((begun, first), others)) = built.split_first() else { return Ok(()) };
    for (at, other) in others {
        if let Some(difference) = first.differs_from(other) {
            return Err(format!("the first build has the {difference}: {ANEW}"));
        }
        let between = building.instructions.get(begun + 1..*at).unwrap_or_default();
        if let Some(setting) = between.iter().find_map(steers_cargo) {
            return Err(format!("{setting} is set between the two builds, {ANEW}"));
        }
    }
    Ok(())
}

fn static_program(file: &Dockerfile) -> Result<(), String> {
    let is_static = file.all().any(|instruction| instruction.rest.contains("target-feature=+crt-static"));
    let musl = file.all().any(|instruction| instruction.rest.contains("-musl"));
    if !is_static && !musl {
        return Err(
            "the program is dynamic: in scratch there is no C library, and it would not even start. \
                    ENV RUSTFLAGS=\"-C target-feature=+crt-static\" puts that library into the program"
                .to_owned(),
        );
    }
    if file.is_targeted() {
        Ok(())
    } else {
        Err("without a target the flags are for the macros too, which the compiler loads and which cannot be static: name one, \
             CARGO_BUILD_TARGET=host-tuple for the machine that builds"
            .to_owned())
    }
}

fn certificates(file: &Dockerfile) -> Result<(), String> {
    let last = file.last()?;
    let all: Vec<_> = last.copies().collect();
    let places =
        all.iter().flat_map(|copy| copy.sources.iter().filter_map(|source| copy.brings(source, BUNDLE)));
    let places: Vec<_> = places.collect();
    if places.is_empty() {
        return Err(
            "no certificates in the image: every call to https:// would be refused, and no mail would go out"
                .to_owned(),
        );
    }
    let named = last.variable("SSL_CERT_FILE");
    let found = places.iter().any(|place| match named {
        Some(named) => named == place,
        None => BUNDLES.contains(&place.as_str()),
    });
    if found {
        Ok(())
    } else {
        Err(format!(
            "the certificates lie at {}, and a client looks for them at {}: every call to https:// would be refused, and no mail \
             would go out",
            places.join(", "),
            named.unwrap_or(BUNDLE)
        ))
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
    if let Some(shell) = started.iter().find(|instruction| exec(&instruction.rest).is_none()) {
        return Err(format!(
            "{} {} is the shell form (the other is a list of JSON): scratch has no shell, and where there is one it keeps SIGTERM \
             to itself",
            shell.name, shell.rest
        ));
    }
    let words = last.words("ENTRYPOINT").unwrap_or_default();
    let program = words.first().map(String::as_str).unwrap_or_default();
    let there = last.copies().any(|copy| {
        let mut sources = copy.sources.iter();
        sources.any(|source| copy.brings(source, source.trim_end_matches('/')).as_deref() == Some(program))
    });
    // What one stage builds it need not copy.
    if builds(last).is_empty() && !there {
        return Err(format!(
            "ENTRYPOINT starts {program}, and nothing was copied there: the container ends as it begins"
        ));
    }
    if words.len() > 1 {
        return Err(format!(
            "ENTRYPOINT says {} too: a command comes after it and not in its place, so `migrate` would be one word too many",
            words[1..].join(" ")
        ));
    }
    let signal = last.named("STOPSIGNAL").next_back().map_or("SIGTERM", |it| it.rest.as_str());
    if ["TERM", "15", "INT", "2"].contains(&signal.trim_start_matches("SIG")) {
        Ok(())
    } else {
        Err(format!(
            "STOPSIGNAL {signal} is none that the program listens to: it would end with requests under way"
        ))
    }
}

fn reached_from_outside(file: &Dockerfile) -> Result<(), String> {
    let last = file.last()?;
    let host = last.variable("HOST").unwrap_or("127.0.0.1");
    if !["0.0.0.0", "::", "[::]"].contains(&host) {
        return Err(format!(
            "the program listens on {host}: its own health check reaches it, so it is healthy, and nobody outside of the container \
             ever reaches it. HOST=0.0.0.0 is every address"
        ));
    }
    match last.variable("PORT") {
        Some(PORT) => Ok(()),
        Some(port) => {
            Err(format!("the program listens at {port}, and docker-compose.yml asks every service at {PORT}"))
        }
        None => Err(format!(
            "no PORT: each service would listen at another one, and docker-compose.yml asks all of them at {PORT}"
        )),
    }
}

fn health_by_the_program(file: &Dockerfile) -> Result<(), String> {
    let last = file.last()?;
    let health = last.named("HEALTHCHECK").next_back();
    let health = health.ok_or_else(|| {
        "no HEALTHCHECK: whoever waits for the service knows only that it was started".to_owned()
    })?;
    let (options, asks) = health.rest.split_once("CMD").unwrap_or((&health.rest, ""));
    let words = exec(asks).unwrap_or_default();
    let program = last.words("ENTRYPOINT").and_then(|words| words.into_iter().next());
    let by_the_program =
        words.len() >= 2 && words[1] == "health" && program.is_none_or(|program| program == words[0]);
    if !by_the_program {
        return Err(format!(
            "HEALTHCHECK {}: there is no shell and no curl in scratch; the program asks: [\"/service\", \"health\"]",
            asks.trim()
        ));
    }
    let interval = options.split_whitespace().find_map(|it| it.strip_prefix("--interval="));
    match interval.filter(|it| super::seconds(it).is_none_or(|it| it > LONGEST_INTERVAL)) {
        Some(interval) => Err(format!(
            "it is asked every {interval}: whoever waits for it waits that long for the first answer"
        )),
        None => Ok(()),
    }
}

fn no_secrets(file: &Dockerfile) -> Result<(), String> {
    let secret = file.all().filter(|instruction| ["ARG", "ENV"].contains(&instruction.name.as_str())).find(
        |instruction| {
            let upper = instruction.rest.to_ascii_uppercase();
            ["TOKEN", "SECRET", "PASSWORD", "API_KEY", "DATABASE_URL"].iter().any(|word| upper.contains(word))
        },
    );
    if let Some(Instruction { name, rest }) = secret {
        return Err(format!(
            "{name} {} stays readable in the image for whoever has it (docker history); hand it over as a file when the container starts",
            rest.split('=').next().unwrap_or_default()
        ));
    }
    let mut copied = file.stages.iter().flat_map(Stage::copies).flat_map(|copy| copy.sources);
    match copied.find(|source| source.contains("secrets")) {
        Some(source) => Err(format!(
            "COPY {source} stays readable in the image for whoever has it; hand secrets over as files when the container starts"
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
    fn certificates_may_be_copied_as_a_folder_or_be_named() {
        let ours = "COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/";
        for right in [
            "COPY --from=build /etc/ssl/certs /etc/ssl/certs",
            "COPY --from=build /etc/ssl/certs/ /etc/ssl/certs/",
            "COPY --from=build /etc/ssl /etc/ssl",
            "COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/cert.pem",
            "COPY --from=build /etc/ssl/certs/ca-certificates.crt /ca.pem\nENV SSL_CERT_FILE=/ca.pem",
        ] {
            assert!(broken(ours, right).is_empty(), "{right}");
        }
        for wrong in [
            "COPY --from=build /etc/ssl/certs /certificates",
            "COPY --from=build /etc/ssl/certs /etc/ssl",
            "COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/\nENV SSL_CERT_FILE=/ca.pem",
        ] {
            assert_eq!(broken(ours, wrong), ["certificates"], "{wrong}");
        }
    }

    #[test]
    fn the_program_may_be_put_where_it_is_copied_from() {
        let one = OURS
            .replace(
                "ARG SERVICES=\"gateway web-07 github-07 insights-07 backlog-07 notify feed simulators\"",
                "ARG SERVICE",
            )
            .replace("mkdir /programs", "cp target/*/image/${SERVICE} /out")
            .replace("/programs/${SERVICE} /service", "/out /service");
        let file = parse(&one).unwrap();
        assert_eq!(
            (only_the_program(&file), exec_form(&file), it_can_be_built(&file)),
            (Ok(()), Ok(()), Ok(()))
        );
    }

    #[test]
    fn a_here_document_is_one_command() {
        let file = parse("FROM a\nRUN <<EOF\ncargo build\ntouch x\nEOF\nUSER 1\n").unwrap();
        assert_eq!(file.stages[0].instructions.len(), 2);
        assert!(parse("FROM a\nRUNN x\n").is_err() && parse("RUN x\nFROM a\n").is_err());
    }

    #[test]
    fn what_we_depend_on_may_be_built_by_cargo_chef() {
        let chef =
            OURS.replace("\nRUN cargo build", "\nRUN cargo chef cook").replace("-exec touch {} +", "-print");
        let file = parse(&chef).unwrap();
        assert_eq!((manifests_first(&file), the_same_build_twice(&file)), (Ok(()), Ok(())));
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
            (
                "WORKDIR /source\n# The manifests",
                "COPY steps/10-containers/secrets /secrets\nWORKDIR /source\n# The manifests",
                "no_secrets",
            ),
            ("COPY --from=build /programs", "COPY --from=builder /programs", "it_can_be_built"),
            ("ARG SERVICE\nARG REVISION", "ARG REVISION", "it_can_be_built"),
            ("mv target/*/image/", "mv target/*/release/", "it_can_be_built"),
            ("USER 10001:10001", "RUN /service health\nUSER 10001:10001", "it_can_be_built"),
            (
                "COPY --from=build /etc/ssl/certs/ca-certificates.crt",
                "COPY /etc/ssl/certs/ca-certificates.crt",
                "it_can_be_built",
            ),
            (
                "USER 10001:10001",
                "COPY --from=build /source/target /target\nUSER 10001:10001",
                "only_the_program",
            ),
            ("USER 10001:10001", "COPY --from=build /programs/ /bin/\nUSER 10001:10001", "only_the_program"),
            (
                "image $(printf -- '--bin %s ' ${SERVICES}) \\",
                "image --features x \\",
                "the_same_build_twice",
            ),
            ("\nCOPY . .\n# hadolint", "\nENV RUSTFLAGS=\"\"\nCOPY . .\n# hadolint", "the_same_build_twice"),
            ("certificates.crt /etc/ssl/certs/", "certificates.crt /certificates/", "certificates"),
            ("ENV HOST=0.0.0.0 \\\n    PORT", "ENV PORT", "reached_from_outside"),
            ("HOST=0.0.0.0", "HOST=127.0.0.1", "reached_from_outside"),
            ("PORT=8080\n", "PORT=80\n", "reached_from_outside"),
            ("ENTRYPOINT [\"/service\"]", "ENTRYPOINT ['/service']", "exec_form"),
            ("STOPSIGNAL SIGTERM", "STOPSIGNAL SIGKILL", "exec_form"),
            ("--interval=3s", "--interval=1h", "health_by_the_program"),
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
