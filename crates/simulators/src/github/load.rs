//! Data from a file: one merged pull request a line, as JSON.

use std::path::Path;

use domain::{Catalogue, ItemKey, Kind, RepositoryName, State};
use jiff::Timestamp;
use serde::Deserialize;

use super::model::{Actor, Item, World, node_id, whole_seconds};

/// A line of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    repository: RepositoryName,
    language: String,
    number: i64,
    title: String,
    author: Option<String>,
    merged_by: Option<String>,
    opened_at: Timestamp,
    merged_at: Timestamp,
    commits: i32,
    /// Issues that the merge says it closes.
    closes: Vec<i64>,
}

/// A world with the repositories of `catalogue` and the pull requests of the file at `path`.
///
/// # Errors
/// A sentence that names the file and the line.
pub(crate) fn world(catalogue: &Catalogue, path: &Path, now: Timestamp) -> Result<World, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    read(catalogue, &text, now).map_err(|(line, why)| format!("{}: line {line}: {why}", path.display()))
}

fn read(catalogue: &Catalogue, text: &str, now: Timestamp) -> Result<World, (usize, String)> {
    let mut world = World::new(now);
    for repository in &catalogue.repositories {
        world.add_repository(&repository.name, repository.language.as_str());
    }
    for (number, line) in (1..).zip(text.lines()) {
        if !line.trim().is_empty() {
            add(&mut world, line).map_err(|why| (number, why))?;
        }
    }
    Ok(world)
}

fn add(world: &mut World, line: &str) -> Result<(), String> {
    let line: Line = serde_json::from_str(line).map_err(|error| without_place(&error))?;
    if ItemKey::new(line.repository.clone(), line.number).is_none() || i32::try_from(line.number).is_err() {
        return Err(format!("number {} is not a positive 32-bit number", line.number));
    }
    if line.merged_at < line.opened_at {
        return Err("merged_at is before opened_at".to_owned());
    }
    if world.item(line.repository.as_str(), line.number).is_some() {
        return Err(format!("{}#{} was there already", line.repository, line.number));
    }
    let index = world.add_repository(&line.repository, &line.language);
    let (name, repository_id) = (world.at(index).name.clone(), world.at(index).database_id);
    let database_id = world.next_id();
    let (opened_at, merged_at) = (whole_seconds(line.opened_at), whole_seconds(line.merged_at));
    let mut item = Item {
        repository: name,
        repository_id,
        database_id,
        node_id: node_id("PR_", &[0, repository_id, database_id]),
        kind: Kind::PullRequest,
        number: line.number,
        title: line.title,
        body: line.closes.iter().map(|number| format!("Closes #{number}\n")).collect(),
        author: line.author.as_deref().and_then(Actor::parse),
        state: State::Open,
        labels: Vec::new(),
        comments: Vec::new(),
        reviews: Vec::new(),
        events: Vec::new(),
        reactions: 0,
        commits: line.commits,
        created_at: opened_at,
        updated_at: opened_at,
        closed_at: None,
        merged_at: None,
        merged_by: None,
    };
    let ids = (world.next_id(), world.next_id());
    item.merge(ids, merged_at, line.merged_by.as_deref().and_then(Actor::parse));
    world.put(item);
    Ok(())
}

/// The parser's sentence with the column alone: its line is always 1, ours is not.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let sentence = text.split(" at line ").next().unwrap_or(&text);
    if error.column() == 0 { sentence.to_owned() } else { format!("{sentence} (column {})", error.column()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"repository":"a/b","language":"go","number":5,"title":"<b>\"x\" 🎃</b>  ","author":null,"merged_by":"dependabot[bot]","opened_at":"2016-06-16T15:16:54-07:00","merged_at":"2016-06-17T00:00:00Z","commits":2,"closes":[3,4]}"#;

    fn parse(text: &str) -> Result<World, (usize, String)> {
        read(&Catalogue::builtin(), text, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn every_field_of_a_line_is_used_and_the_title_is_not_touched() {
        let world = parse(GOOD).unwrap();
        let item = world.item("A/B", 5).unwrap();
        assert_eq!(item.title, "<b>\"x\" 🎃</b>  ");
        assert_eq!(item.created_at.to_string(), "2016-06-16T22:16:54Z");
        assert_eq!((item.state, item.commits, item.author.clone()), (State::Merged, 2, None));
        assert_eq!(item.merged_by, Actor::parse("dependabot[bot]"));
        assert_eq!(item.body, "Closes #3\nCloses #4\n");
        assert_eq!(world.repository("a/b").unwrap().language, "go");
    }

    #[test]
    fn a_bad_line_is_named_with_its_reason() {
        let second = |line: &str| parse(&format!("{GOOD}\n{line}\n")).unwrap_err();
        assert_eq!(second(GOOD), (2, "a/b#5 was there already".to_owned()));
        assert_eq!(second("{").0, 2);
        assert!(second("{}").1.starts_with("missing field `repository`"));
        assert!(second(&GOOD.replace("\"number\":5", "\"number\":0")).1.contains("number 0"));
        assert!(second(&GOOD.replace("2016-06-17", "2016-06-15")).1.contains("before"));
        assert!(second(&GOOD.replace("\"commits\"", "\"comits\"")).1.contains("comits"));
    }
}
