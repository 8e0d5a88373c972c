//! Seven ways in which a rewrite loses something, planted by a proxy that changes what Automator answers.

use std::sync::Mutex;

use acceptance::{
    harness::Fault,
    serde_json::{Value, json},
};

/// A fault, and what it does to somebody.
pub(crate) struct Planted {
    pub(crate) area: &'static str,
    pub(crate) story: &'static str,
    pub(crate) fault: Fault,
}

/// All of them, in the order of their numbers.
pub(crate) fn planted() -> [Planted; 7] {
    [
        Planted {
            area: "status",
            story: "whatever somebody sets, everybody else reads `intake`. Two people now do the same work.",
            fault: on_tasks(|task| task["status"] = json!("intake")),
        },
        Planted {
            area: "due dates",
            story: "the one who sets a due date sees it, and it is gone for everybody else. This was lost in 2018.",
            fault: on_tasks(|task| task["due_date"] = Value::Null),
        },
        Planted {
            area: "due dates",
            story: "every due date is read back a day early, and somebody works through a night for nothing.",
            // In the answer to the change too: whoever compares what they read with that sees nothing.
            fault: Fault::rewrite(|_, body| match tasks(body) {
                Some(tasks) => tasks.iter_mut().for_each(a_day_early),
                None => a_day_early(body),
            }),
        },
        Planted {
            area: "paging",
            story: "a page begins with the last task of the page before: one task is seen twice, another one never.",
            fault: repeating(),
        },
        Planted {
            area: "paging",
            story: "a page leaves out the task that comes after the page before: nobody ever sees it.",
            fault: Fault::rewrite(|request, page| {
                if let Some(tasks) =
                    tasks(page).filter(|tasks| is_later(request.uri.query()) && !tasks.is_empty())
                {
                    tasks.remove(0);
                }
            })
            .on("GET", "/api/tasks"),
        },
        Planted {
            area: "order of ties",
            story: "of tasks with the same score the newest comes first, and who has waited longest waits on.",
            fault: Fault::rewrite(|_, page| newest_first(page)).on("GET", "/api/tasks"),
        },
        Planted {
            area: "problems",
            story: "a refused change blames a field that was right, and somebody tries one after the other.",
            fault: Fault::rewrite(|_, problem| {
                // The message stays: it says what is wrong, but not with what.
                for error in problem["errors"].as_array_mut().into_iter().flatten() {
                    error["field"] = json!("due_date");
                }
            }),
        },
    ]
}

/// Changes every task that is read, one by one or in a page. What a change answers stays right.
fn on_tasks(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Fault {
    let rewrite = move |body: &mut Value| match tasks(body) {
        Some(tasks) => tasks.iter_mut().for_each(&change),
        None => change(body),
    };
    Fault::rewrite(move |_, body| rewrite(body)).on("GET", "/api/tasks")
}

/// The tasks of a page.
fn tasks(page: &mut Value) -> Option<&mut Vec<Value>> {
    page.get_mut("items")?.as_array_mut()
}

fn a_day_early(task: &mut Value) {
    let Some(date) = task["due_date"].as_str() else { return };
    // Learners choose their own day, so the first of a month is met too.
    let early = match date.rsplit_once('-') {
        Some((month, day)) => match day.parse::<u8>() {
            Ok(day) if day > 1 => format!("{month}-{:02}", day - 1),
            _ => format!("{month}-28"),
        },
        None => return,
    };
    task["due_date"] = early.into();
}

/// Whether a request with this query asks for a page after the first.
fn is_later(query: Option<&str>) -> bool {
    query.is_some_and(|query| query.contains("cursor="))
}

/// Remembers how a page ended, and begins the next one with it.
fn repeating() -> Fault {
    let last: Mutex<Option<Value>> = Mutex::default();
    Fault::rewrite(move |request, page| {
        let Some(tasks) = tasks(page) else { return };
        let mut last = last.lock().expect("nobody panics with it");
        let ends_with = tasks.last().cloned();
        if is_later(request.uri.query())
            && let Some(repeated) = last.take()
        {
            tasks.insert(0, repeated);
            tasks.pop();
        }
        *last = ends_with;
    })
    .on("GET", "/api/tasks")
}

/// Turns every run of equal scores round; the ranks stay where they are.
fn newest_first(page: &mut Value) {
    let Some(tasks) = tasks(page) else { return };
    for run in tasks.chunk_by_mut(|one, other| one["score"] == other["score"]) {
        let ranks: Vec<_> = run.iter().map(|task| task["rank"].clone()).collect();
        run.reverse();
        for (task, rank) in run.iter_mut().zip(ranks) {
            task["rank"] = rank;
        }
    }
}
