//! Values by type: whether one has the shape that is promised, and examples of it.

use acceptance::serde_json::{Value, json};
use jiff::Timestamp;
use uuid::Uuid;

/// How a type is written in place of a value.
pub(super) const TYPES: [&str; 6] =
    ["<uuid>", "<string>", "<integer>", "<time>", "<string or null>", "<null>"];

/// What stands in an example in place of types.
pub(super) struct Filling {
    pub(super) id: Uuid,
    pub(super) text: String,
    /// What may be `null` is.
    pub(super) nulls: bool,
}

impl Filling {
    /// As nobody else has it.
    pub(super) fn new() -> Self {
        let id = Uuid::now_v7();
        Self { id, text: format!("text {id}"), nulls: false }
    }

    /// `shape` with an example in place of each type.
    pub(super) fn fill(&self, shape: &Value) -> Value {
        match shape {
            Value::Array(parts) => parts.iter().map(|part| self.fill(part)).collect(),
            Value::Object(parts) => parts.iter().map(|(key, part)| (key.clone(), self.fill(part))).collect(),
            Value::String(text) => match text.as_str() {
                "<uuid>" => json!(self.id),
                "<integer>" => json!(7),
                "<time>" => json!("2019-06-01T00:00:00Z"),
                "<string or null>" if self.nulls => Value::Null,
                "<string>" | "<string or null>" => json!(self.text),
                "<null>" => Value::Null,
                _ => shape.clone(),
            },
            literal => literal.clone(),
        }
    }
}

/// A string that is written like a type and is none.
pub(super) fn unknown(shape: &Value) -> Option<String> {
    let is_unknown = |text: &&str| text.starts_with('<') && text.ends_with('>') && !TYPES.contains(text);
    fields(shape).into_iter().find_map(|(_, value)| value.as_str().filter(is_unknown).map(str::to_owned))
}

/// Every value inside `shape` that has none inside itself, with its place as a JSON pointer (RFC 6901). An empty list is one.
pub(super) fn fields(shape: &Value) -> Vec<(String, &Value)> {
    let below = |key: String, part| {
        fields(part).into_iter().map(move |(place, value)| (format!("/{key}{place}"), value))
    };
    match shape {
        Value::Array(parts) if !parts.is_empty() => {
            parts.iter().enumerate().flat_map(|(index, part)| below(index.to_string(), part)).collect()
        }
        Value::Object(parts) if !parts.is_empty() => {
            parts.iter().flat_map(|(key, part)| below(key.clone(), part)).collect()
        }
        Value::Null => Vec::new(),
        value => vec![(String::new(), value)],
    }
}

/// Takes the field at `place` away, if it is there.
pub(super) fn remove(value: &mut Value, place: &str) {
    if let Some((table, field)) = place.rsplit_once('/')
        && let Some(table) = value.pointer_mut(table).and_then(Value::as_object_mut)
    {
        table.remove(field);
    }
}

/// Where `actual` is not as `shape` promises. What it has besides is nobody's business.
pub(super) fn breaches(shape: &Value, actual: &Value) -> Vec<String> {
    let breach = |(place, promised): (String, &Value)| match actual.pointer(&place) {
        None => Some(format!("{place} is not there")),
        Some(value) if fits(promised, value) => None,
        Some(value) => Some(format!("{place} is {value} and not {promised}")),
    };
    fields(shape).into_iter().filter_map(breach).collect()
}

fn fits(promised: &Value, value: &Value) -> bool {
    let text = value.as_str();
    match promised.as_str() {
        Some("<uuid>") => text.is_some_and(|text| text.parse::<Uuid>().is_ok()),
        Some("<time>") => text.is_some_and(is_time),
        Some("<string>") => text.is_some(),
        Some("<integer>") => value.is_i64() || value.is_u64(),
        Some("<string or null>") => value.is_null() || text.is_some(),
        Some("<null>") => value.is_null(),
        _ => value == promised,
    }
}

/// Whether `text` is one moment or the name of one thing: another time it is another.
pub(super) fn is_once_only(text: &str) -> bool {
    text.parse::<Uuid>().is_ok() || is_time(text)
}

fn is_time(text: &str) -> bool {
    text.parse::<Timestamp>().is_ok()
}
