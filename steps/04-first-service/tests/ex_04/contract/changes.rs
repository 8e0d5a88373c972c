//! Other versions of the service, as another team might ship them tomorrow: made of the real answers by the proxy.

use acceptance::{
    harness::Fault,
    serde_json::{Map, Value, json},
};

use super::shape;

/// What the adapter reads of a message.
const FIELDS: [&str; 9] =
    ["id", "channel", "to", "subject", "status", "reason", "attempts", "created_at", "updated_at"];
/// What it reads of a refusal.
const REFUSAL: [&str; 4] = ["type", "title", "status", "detail"];

const QUEUE: (&str, &str) = ("POST", "/internal/");
const FIND: (&str, &str) = ("GET", "/internal/");

/// A version: what a person would say of it, and what the proxy does.
pub(super) struct Change {
    pub(super) what: String,
    pub(super) fault: Fault,
}

/// Those that the adapter does not survive.
pub(super) fn breaking() -> Vec<Change> {
    let without = |route, kind: &'static str, base: &str, field: &&str| {
        let place = format!("{base}/{field}");
        Change::new(format!("{kind} has no {field} any more"), route, move |answer| {
            if is(kind, answer) {
                shape::remove(answer, &place);
            }
        })
    };
    let renamed = |route, kind: &'static str, place: &'static str, name: &'static str| {
        Change::new(format!("{kind} says {name:?} at {place}"), route, move |answer| {
            if let Some(value) = answer.pointer_mut(place).filter(|value| value.is_string()) {
                *value = json!(name);
            }
        })
    };
    let wanted = json!({
        "type": "urn:automator:invalid", "title": "Unprocessable Entity", "status": 422, "detail": "invalid",
        "errors": [{ "field": "messages[0].priority", "message": "is wanted" }]
    });
    let refuses = |what: &str, (method, path), status, body: &Value| Change {
        what: what.to_owned(),
        fault: Fault::answer_with(status, body.to_string()).on(method, path),
    };
    let queued = FIELDS.iter().map(|field| without(QUEUE, QUEUED, "/notifications/0", field));
    let found = FIELDS.iter().map(|field| without(FIND, FOUND, "", field));
    let refused = REFUSAL.iter().map(|field| without(FIND, REFUSED, "", field));
    let mut changes: Vec<_> = queued.chain(found).chain(refused).collect();
    changes.extend([
        Change::new("a message that failed has null for its reason".to_owned(), FIND, |answer| {
            if let Some(reason) = answer.get_mut("reason") {
                *reason = Value::Null;
            }
        }),
        renamed(QUEUE, QUEUED, "/notifications/0/status", "waiting"),
        renamed(FIND, "a message", "/status", "rejected"),
        renamed(FIND, REFUSED, "/type", "urn:automator:gone"),
        refuses("a message must have a priority", QUEUE, 422, &wanted),
        refuses("the route has another name", FIND, 404, &json!({ "detail": "no such route" })),
        refuses("what nobody knows is 410 and not 404", FIND, 410, &json!({ "detail": "x" })),
    ]);
    changes
}

/// Those that it does not even notice.
pub(super) fn harmless() -> Vec<Change> {
    let each = |what: &str, change: fn(&mut Map<String, Value>)| {
        [QUEUE, FIND].map(|route| {
            Change::new(what.to_owned(), route, move |answer| {
                let table = if answer.get("notifications").is_some() {
                    answer.pointer_mut("/notifications/0")
                } else {
                    Some(answer)
                };
                if let Some(table) = table.and_then(Value::as_object_mut) {
                    change(table);
                }
            })
        })
    };
    let added = each("There is one more field", |table| {
        table.insert("priority".to_owned(), json!("high"));
    });
    let order = each("The fields come in another order", |table| {
        *table = std::mem::take(table).into_iter().rev().collect();
    });
    let words = each("The reason is told in other words", |table| {
        for key in ["reason", "title", "detail"] {
            if let Some(text) = table.get_mut(key).filter(|text| text.is_string()) {
                *text = json!("put another way");
            }
        }
    });
    let tries = each("It took some tries more", |table| {
        if let Some(attempts) = table.get_mut("attempts") {
            *attempts = json!(attempts.as_i64().unwrap_or(0) + 3);
        }
    });
    let others = each("It is about a message to somebody else", |table| {
        if let Some(to) = table.get_mut("to") {
            *to = json!("somebody-else");
        }
    });
    [added, order, words, tries, others].into_iter().flatten().collect()
}

const QUEUED: &str = "the answer to a message that is queued";
const FOUND: &str = "a message that failed";
const REFUSED: &str = "the answer for a message that nobody knows";

/// Whether an answer is of that kind.
fn is(kind: &str, answer: &Value) -> bool {
    match kind {
        QUEUED => answer.get("notifications").is_some(),
        FOUND => answer.get("channel").is_some(),
        _ => answer.get("type").is_some(),
    }
}

impl Change {
    fn new(
        what: String,
        (method, path): (&str, &str),
        rewrite: impl Fn(&mut Value) + Send + Sync + 'static,
    ) -> Self {
        Self { what, fault: Fault::rewrite(move |_, answer| rewrite(answer)).on(method, path) }
    }
}
