//! What a lesson shows is what is there: the arrows between processes are the addresses that `system.toml` gives them, and a
//! block of Rust stands, line for line, in the file that was named last before it.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use acceptance::harness::{Definition, definition::FILE};

/// The lesson whose picture has roles and no processes.
const OF_ROLES: &str = "03-gateway";
/// The outside world: a lesson names the providers that it plays, or leaves them out.
const OUTSIDE: &str = "simulators";

/// Who is given whose address.
type Edges = BTreeSet<(String, String)>;

/// The folder and the lesson of each step that has processes.
fn lessons() -> BTreeMap<String, (PathBuf, String)> {
    let steps = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../steps");
    let folders = fs::read_dir(steps).unwrap().map(|step| step.unwrap().path());
    let lesson = |folder: PathBuf| {
        let text = fs::read_to_string(folder.join("README.md")).ok()?;
        let name = folder.file_name()?.to_str()?.to_owned();
        folder.join(FILE).exists().then_some((name, (folder, text)))
    };
    folders.filter_map(lesson).collect()
}

#[test]
fn the_arrows_of_a_picture_are_the_addresses_that_processes_are_given() {
    let mut seen = 0;
    for (name, (folder, text)) in lessons() {
        let Some(picture) =
            blocks(&text, "mermaid").map(|(_, block)| block).find(|block| is_of_processes(block))
        else {
            continue;
        };
        if name == OF_ROLES {
            continue;
        }
        seen += 1;
        let definition = Definition::load(&folder).unwrap();
        let servers = definition.processes.iter().filter(|process| !process.once && process.name != OUTSIDE);
        let names: BTreeSet<_> = servers.clone().map(|process| process.name.as_str()).collect();
        let declared: Edges = servers
            .flat_map(|process| {
                process.asks().into_iter().map(|asked| (process.name.clone(), asked.to_owned()))
            })
            .filter(|(_, asked)| asked != OUTSIDE)
            .collect();
        let mut drawn = arrows(&picture);
        drawn.retain(|(from, to)| names.contains(from.as_str()) && names.contains(to.as_str()));
        assert_eq!(drawn, declared, "steps/{name}/README.md: on the left what is drawn");
    }
    assert!(seen >= 6, "only {seen} lessons have a picture of processes");
}

#[test]
fn a_block_of_code_stands_in_the_file_that_is_named_before_it() {
    for (name, (folder, text)) in lessons() {
        for (before, block) in blocks(&text, "rust") {
            let (_, link) = before.rsplit_once("](").unwrap();
            let file = folder.join(link.split(')').next().unwrap());
            let source = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{name}: {link}: {error}"));
            let (block, source) = (without_indent(&block), without_indent(&source));
            assert!(
                source.contains(&block),
                "steps/{name}/README.md shows what is not in {}",
                file.display()
            );
        }
    }
}

#[test]
fn arrows_are_read_as_mermaid_draws_them() {
    let picture = "flowchart LR\n  a & b -->|\"x, y\"| c[(c)] & d\n  a -.-> e\n  subgraph f\n    c --> g(\"way\")\n  end\n";
    let pairs = [("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"), ("c", "g")];
    assert_eq!(arrows(picture), pairs.map(|(from, to)| (from.to_owned(), to.to_owned())).into());
}

/// The blocks of a language, each with all that stands before it.
fn blocks<'t>(text: &'t str, language: &str) -> impl Iterator<Item = (&'t str, String)> {
    let fence = format!("```{language}\n");
    let starts: Vec<_> = text.match_indices(&fence).map(|(at, _)| at).collect();
    starts.into_iter().map(move |at| {
        let block = text[at + fence.len()..].split("```").next().unwrap_or_default();
        (&text[..at], block.to_owned())
    })
}

fn is_of_processes(block: &str) -> bool {
    block.starts_with("flowchart")
}

/// Each pair that an arrow of full lines joins.
fn arrows(picture: &str) -> Edges {
    let mut edges = Edges::new();
    for line in picture.lines() {
        let Some((from, to)) = line.split_once("-->") else { continue };
        // The text on an arrow stands between two bars.
        let to = to.strip_prefix('|').and_then(|rest| rest.split_once('|')).map_or(to, |(_, to)| to);
        for from in nodes(from) {
            edges.extend(nodes(to).map(|to| (from.to_owned(), to.to_owned())));
        }
    }
    edges
}

/// The ids of `a & b[(text)]`.
fn nodes(text: &str) -> impl Iterator<Item = &str> {
    text.split('&').map(|node| node.split(['[', '(', '{']).next().unwrap_or_default().trim())
}

/// The lines without what they begin with.
fn without_indent(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", line.trim_start())).collect()
}
