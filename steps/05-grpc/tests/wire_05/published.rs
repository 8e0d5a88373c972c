//! What was published once: its fields keep their numbers and types, and its bytes their meaning. Others have been built on it.

use std::{collections::BTreeSet, fmt::Write};

use step_02_contracts::Recorded;
use step_02_contracts::backlog::Update;
use step_05_api::{
    prost::Message,
    v1::{self, CreateRuleRequest, Event, ListTasksRequest, Task, UpdateTaskRequest},
};

use crate::{
    sample,
    schema::{PACKAGE, ours},
};

/// Every field and value that was ever published. Lines are added here when the file grows, and never taken away.
const PUBLISHED: &str = include_str!("published/fields.txt");

/// A field with all that decides about its bytes, or a value of an enum; a line each.
fn fields() -> BTreeSet<String> {
    let schema = ours();
    let messages = schema.all_messages().filter(|message| message.package_name() == PACKAGE);
    let fields = messages.flat_map(|message| {
        let described = message.fields().map(|field| {
            let (optional, many) = (field.supports_presence(), field.is_list());
            format!(
                "{} = {} {:?} optional={optional} many={many}",
                field.full_name(),
                field.number(),
                field.kind()
            )
        });
        described.collect::<Vec<_>>()
    });
    let enums = schema.all_enums().filter(|found| found.package_name() == PACKAGE);
    let values = enums.flat_map(|found| {
        let described = found.values().map(|value| format!("{} = {}", value.full_name(), value.number()));
        described.collect::<Vec<_>>()
    });
    let methods = schema.services().flat_map(|service| {
        let described = service.methods().map(|method| {
            let (asked, answered) = (method.input(), method.output());
            format!("{}({}) -> {}", method.full_name(), asked.full_name(), answered.full_name())
        });
        described.collect::<Vec<_>>()
    });
    fields.chain(values).chain(methods).collect()
}

#[test]
fn what_was_published_stays_as_it_was() {
    let (now, published): (_, BTreeSet<_>) = (fields(), PUBLISHED.lines().map(str::to_owned).collect());
    let gone: Vec<_> = published.difference(&now).collect();
    assert!(
        gone.is_empty(),
        "was published and is no longer so; old clients would read something else:\n{gone:#?}"
    );
    let added: Vec<_> = now.difference(&published).cloned().collect();
    assert!(
        added.is_empty(),
        "is new; publish it by adding these lines to fields.txt:\n{}",
        added.join("\n")
    );
}

/// Messages in hex, as the first version wrote them: a name and its bytes a line.
const FIRST: &str = include_str!("published/first.txt");

/// The message of that name, as the first version wrote it.
fn first<M: Message + Default>(name: &str) -> M {
    let line = FIRST.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let hex = line.expect("it is there");
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("it is hex");
    let bytes: Vec<_> = (0..hex.len()).step_by(2).map(byte).collect();
    M::decode(bytes.as_slice()).expect("it is a message")
}

/// As [`FIRST`] has it.
fn line(name: &str, message: &impl Message) -> String {
    message.encode_to_vec().iter().fold(format!("{name} "), |mut line, byte| {
        let _ = write!(line, "{byte:02x}");
        line
    })
}

#[test]
fn the_bytes_of_the_first_version_mean_what_they_meant() {
    let task: domain::Task = first::<Task>("Task").try_into().expect("a task");
    assert_eq!(task, sample::task());
    let rule: domain::NewRule =
        first::<CreateRuleRequest>("CreateRuleRequest").rule.expect("it has one").try_into().expect("a rule");
    assert_eq!(format!("{rule:?}"), format!("{:?}", sample::new_rule()));
    let query: domain::TaskQuery = first::<ListTasksRequest>("ListTasksRequest").try_into().expect("a query");
    assert_eq!(format!("{query:?}"), format!("{:?}", sample::query()));
    let update: Update = first::<UpdateTaskRequest>("UpdateTaskRequest").try_into().expect("a change");
    assert_eq!(format!("{update:?}"), format!("{:?}", sample::update()));
    let event: Recorded = first::<Event>("Event").try_into().expect("an event");
    assert_eq!(event, sample::told());
}

#[test]
fn what_we_write_the_first_version_can_read() {
    let rule = CreateRuleRequest { rule: Some(sample::new_rule().into()), request_key: None };
    let written = [
        line("Task", &v1::Task::from(sample::task())),
        line("CreateRuleRequest", &rule),
        line("ListTasksRequest", &ListTasksRequest::from(sample::query())),
        line("UpdateTaskRequest", &UpdateTaskRequest::from(sample::update())),
        line("Event", &Event::try_from(&sample::told()).expect("it has a JSON form")),
    ];
    // The order of bytes is prost's; should a version of it choose another one, compare what they mean instead.
    assert_eq!(written.join("\n"), FIRST.trim_end());
}
