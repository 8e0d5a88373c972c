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

/// Whether two values that are not both objects or both arrays are the same. 1 is 1.0; two whole numbers are never rounded.
fn are_equal(one: &Value, other: &Value) -> bool {
    let is_float = one.is_f64() || other.is_f64();
    one == other || is_float && one.as_f64().is_some_and(|one| other.as_f64() == Some(one))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::StatusCode;

    fn json_of(body: &str) -> Answer {
        let content_type = Some("application/json; charset=utf-8".to_owned());
        Answer { status: StatusCode::OK, content_type, body: Bytes::copy_from_slice(body.as_bytes()) }
    }

    /// Where two JSON bodies differ.
    fn places(first: &str, second: &str, ignore: &[&str]) -> Vec<String> {
        let ignore = Ignore::new(ignore.iter().copied()).unwrap();
        compare(&json_of(first), &json_of(second), &ignore).into_iter().map(|found| found.at).collect()
    }

    #[test]
    fn json_is_compared_by_meaning() {
        assert!(places(r#"{"a": 1, "b": [2]}"#, r#"{"b":[2.0],"a":1.0}"#, &[]).is_empty());
        assert_eq!(places(r#"{"a": 1}"#, r#"{"a": "1"}"#, &[]), ["/a"]);
        assert_eq!(places(r#"{"a": null}"#, "{}", &[]), ["/a"]);
        assert_eq!(places("{}", r#"{"a": null}"#, &[]), ["/a"]);
        // Beyond what a float can tell apart.
        assert_eq!(places("[9007199254740993]", "[9007199254740992]", &[]), ["/0"]);
    }

    #[test]
    fn a_place_is_a_json_pointer() {
        let (first, second) = (r#"{"a/b~c": [{"x": 1}, 2]}"#, r#"{"a/b~c": [{"x": 2}]}"#);
        assert_eq!(places(first, second, &[]), ["/a~1b~0c/0/x", "/a~1b~0c/1"]);
        assert_eq!(places("1", "2", &[]), ["body"]);
    }

    #[test]
    fn what_is_ignored_may_differ_or_be_gone() {
        let (first, second) = (r#"{"items": [{"at": 1, "rank": 1}]}"#, r#"{"items": [{"rank": 1}]}"#);
        assert!(places(first, second, &["/items/*/at"]).is_empty());
        assert!(places(first, "{}", &["/items"]).is_empty());
        assert_eq!(places(first, second, &["/items/*", "/at"]), Vec::<String>::new());
        assert_eq!(places(first, second, &["/items/1/at", "/items/at"]), ["/items/0/at"]);
        assert_eq!(
            Ignore::new(["items"]).unwrap_err().to_string(),
            "\"items\" is no place in a body: write it like \"/items/*/updated_at\""
        );
    }

    #[test]
    fn status_type_and_other_bodies_count_too() {
        let answer = json_of("{}");
        let ignore = Ignore::default();
        let failed = Answer { status: StatusCode::BAD_GATEWAY, ..answer.clone() };
        let found = compare(&answer, &failed, &ignore);
        assert_eq!(
            found,
            [Difference {
                at: "status".to_owned(),
                first: Some("200".to_owned()),
                second: Some("502".to_owned())
            }]
        );
        let text = Answer { content_type: Some("text/plain".to_owned()), ..answer.clone() };
        let places: Vec<_> = compare(&answer, &text, &ignore).into_iter().map(|found| found.at).collect();
        assert_eq!(places, ["content_type"]);
        // Says JSON and is none.
        let garbage = json_of("<html>");
        let places: Vec<_> = compare(&answer, &garbage, &ignore).into_iter().map(|found| found.at).collect();
        assert_eq!(places, ["body"]);
        assert!(compare(&garbage, &garbage, &ignore).is_empty());
    }

    #[test]
    fn no_more_is_told_than_a_person_reads() {
        let numbers = |from: u32| {
            format!("[{}]", (from..from + 500).map(|n| n.to_string()).collect::<Vec<_>>().join(","))
        };
        assert_eq!(places(&numbers(0), &numbers(1), &[]).len(), MOST);
        let long = format!("\"{}\"", "ü".repeat(500));
        let found = compare(&json_of(&long), &json_of("null"), &Ignore::default());
        assert_eq!(found[0].first.as_ref().unwrap().chars().count(), LONGEST);
    }
}
