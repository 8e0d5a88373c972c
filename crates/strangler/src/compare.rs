//! How two answers differ.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{Answer, Ignore};

/// How many differences of one answer are told: a person reads the first few.
const MOST: usize = 20;
/// How many characters of a value are told.
const LONGEST: usize = 100;

/// A place where the answers differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// `status`, `content_type`, `body`, or a JSON pointer (RFC 6901) into the body: `/items/0/rank`.
    pub at: String,
    /// What the client got there, shortened; `None` where nothing is.
    pub first: Option<String>,
    /// What the second upstream has there.
    pub second: Option<String>,
}

/// Where `second` differs from `first`, at most 20 places. JSON is compared by meaning: neither the order of names nor white
/// space counts, nor whether a number is written 1 or 1.0. Anything else is compared as text.
#[must_use]
pub fn compare(first: &Answer, second: &Answer, ignore: &Ignore) -> Vec<Difference> {
    let mut differences = Differences { ignore, place: Vec::new(), found: Vec::new() };
    if first.status != second.status {
        differences.add("status", Some(first.status.as_str()), Some(second.status.as_str()));
    }
    let (one, other) = (media_type(first), media_type(second));
    if one != other {
        differences.add("content_type", one.as_deref(), other.as_deref());
    }
    match (json(first), json(second)) {
        (Some(one), Some(other)) => differences.values(Some(&one), Some(&other)),
        _ if first.body != second.body => {
            let (one, other) = (String::from_utf8_lossy(&first.body), String::from_utf8_lossy(&second.body));
            differences.add("body", Some(&one), Some(&other));
        }
        _ => {}
    }
    differences.found
}

/// The content type without its parameters, in lower case.
fn media_type(answer: &Answer) -> Option<String> {
    let media_type = answer.content_type.as_deref()?.split(';').next()?;
    Some(media_type.trim().to_ascii_lowercase())
}

/// The body, where its type says JSON and it is.
fn json(answer: &Answer) -> Option<Value> {
    let media_type = media_type(answer)?;
    let is_json = media_type == "application/json" || media_type.ends_with("+json");
    is_json.then(|| serde_json::from_slice(&answer.body).ok()).flatten()
}

/// A walk through two values at once.
struct Differences<'a> {
    ignore: &'a Ignore,
    /// The steps from the root, escaped.
    place: Vec<String>,
    found: Vec<Difference>,
}

impl Differences<'_> {
    fn values(&mut self, first: Option<&Value>, second: Option<&Value>) {
        if self.found.len() == MOST || self.ignore.has(&self.place) {
            return;
        }
        match (first, second) {
            (Some(Value::Object(one)), Some(Value::Object(other))) => self.objects(one, other),
            (Some(Value::Array(one)), Some(Value::Array(other))) => self.arrays(one, other),
            (Some(one), Some(other)) if are_equal(one, other) => {}
            _ => {
                let at: String = self.place.iter().flat_map(|step| ["/", step]).collect();
                let at = if at.is_empty() { "body" } else { &at };
                let text = |value: &Value| value.to_string();
                self.add(at, first.map(text).as_deref(), second.map(text).as_deref());
            }
        }
    }

    fn objects(&mut self, one: &Map<String, Value>, other: &Map<String, Value>) {
        let names: BTreeSet<_> = one.keys().chain(other.keys()).collect();
        for name in names {
            self.below(name.replace('~', "~0").replace('/', "~1"), one.get(name), other.get(name));
        }
    }

    fn arrays(&mut self, one: &[Value], other: &[Value]) {
        for index in 0..one.len().max(other.len()) {
            self.below(index.to_string(), one.get(index), other.get(index));
        }
    }

    fn below(&mut self, step: String, first: Option<&Value>, second: Option<&Value>) {
        self.place.push(step);
        self.values(first, second);
        self.place.pop();
    }

    fn add(&mut self, at: &str, first: Option<&str>, second: Option<&str>) {
        let short = |text: &str| text.chars().take(LONGEST).collect();
        self.found.push(Difference { at: at.to_owned(), first: first.map(short), second: second.map(short) });
    }
}

/// Whether two values that are not both objects or both arrays are the same. A number is what it is worth.
fn are_equal(one: &Value, other: &Value) -> bool {
    one == other || one.is_number() && one.as_f64() == other.as_f64()
}
