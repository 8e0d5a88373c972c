//! The mail that tells a member what is open.

use std::fmt::Write;

use domain::{Channel, Item, Member, Message, Task};
use uuid::Uuid;

/// How many tasks, and how many of those who wait, a mail names; it says how many there are.
pub const NAMED: u32 = 20;

/// The mail to `member`: their first open tasks and the first items on which the community waits, each with how many there are.
/// The same `request` makes the same key: who is asked twice mails once.
#[must_use]
pub fn mail(request: &str, member: Member, tasks: (&[Task], i64), waiting: (&[Item], i64)) -> Message {
    Message {
        id: Uuid::now_v7(),
        key: format!("digest {request} {}", member.login),
        channel: Channel::Email,
        sender: None,
        subject: Some(format!("{} open tasks, {} waiting", tasks.1, waiting.1)),
        body: text(&member.name, tasks, waiting),
        to: member.email,
    }
}

fn text(name: &str, (tasks, all_tasks): (&[Task], i64), (waiting, all_waiting): (&[Item], i64)) -> String {
    let mut text = format!("Hello {name},\n\nyou have {all_tasks} open tasks.\n");
    // Writing into a String cannot fail.
    for task in tasks {
        let rank = task.rank.map(|rank| format!("{rank}. ")).unwrap_or_default();
        let due = task.due_date.map(|due| format!(", due {due}")).unwrap_or_default();
        let _ = writeln!(text, "\n{rank}{}\n   {}{due}\n   {}", task.item.title, task.status, task.item.url);
    }
    rest(&mut text, all_tasks, tasks.len());
    let _ = writeln!(text, "\nThe community waits for an answer on {all_waiting} items.");
    for item in waiting {
        let since =
            item.waiting_since.map(|since| since.strftime("%Y-%m-%d").to_string()).unwrap_or_default();
        let _ = writeln!(text, "\n- {} (since {since})\n  {}", item.title, item.url);
    }
    rest(&mut text, all_waiting, waiting.len());
    text
}

/// Says how many more there are than were named.
fn rest(text: &mut String, all: i64, named: usize) {
    let more = all - i64::try_from(named).unwrap_or(all);
    if more > 0 {
        let _ = writeln!(text, "\nand {more} more");
    }
}
