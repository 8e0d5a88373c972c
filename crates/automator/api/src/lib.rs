//! The contract with clients. `openapi.json` is the one place that says what the public API is: it is the same at every step,
//! whoever answers. A step that serves it depends on nobody's handlers.
//!
//! Step 01 describes its handlers where they stand, and a test there (`openapi`) compares the two.

use std::collections::BTreeSet;

use axum::{Json, Router, routing::get};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// The longest body that a route of the API takes, in bytes.
pub const LONGEST_BODY: usize = 64 * 1024;

/// `GET /openapi.json`, and the tutorial's `GET /ping`.
pub fn router() -> Router {
    openapi().route("/ping", get(async || Json(PONG)))
}

/// `GET /openapi.json`.
pub fn openapi() -> Router {
    let document = document();
    Router::new().route("/openapi.json", get(move || async move { Json(document) }))
}

/// What every service of the tutorial answered to a ping.
#[derive(Debug, Serialize, ToSchema)]
pub struct Pong {
    #[schema(example = "success")]
    status: &'static str,
    #[schema(example = "pong!")]
    message: &'static str,
}

/// The answer to a ping.
pub const PONG: Pong = Pong { status: "success", message: "pong!" };

/// The description of the whole public API, as `GET /openapi.json` answers it.
#[must_use]
#[expect(clippy::expect_used, reason = "compiled in, and parsed by a test")]
pub fn document() -> Value {
    serde_json::from_str(TEXT).expect("openapi.json")
}

/// The file.
pub const TEXT: &str = include_str!("../openapi.json");

/// The description of these `paths` alone, with the schemas that they refer to: for whoever serves a part of the API in a
/// process of its own.
#[must_use]
pub fn document_of(paths: &[&str]) -> Value {
    let mut document = document();
    let kept: Map<String, Value> =
        paths.iter().map(|path| ((*path).to_owned(), document["paths"][path].clone())).collect();
    let mut used = BTreeSet::new();
    let mut found = kept.values().flat_map(schemas_in).collect::<Vec<_>>();
    while let Some(name) = found.pop() {
        if used.insert(name.clone()) {
            found.extend(schemas_in(&document["components"]["schemas"][&name]));
        }
    }
    document["paths"] = kept.into();
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.retain(|name, _| used.contains(name));
    }
    document
}

/// `document` with the paths and schemas of `more`.
#[must_use]
pub fn merged(mut document: Value, more: &Value) -> Value {
    for place in ["/paths", "/components/schemas"] {
        let Some(more) = more.pointer(place).and_then(Value::as_object) else { continue };
        if let Some(there) = document.pointer_mut(place).and_then(Value::as_object_mut) {
            there.extend(more.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
    }
    document
}

/// The names of the schemas to which a part of a document refers.
fn schemas_in(part: &Value) -> Vec<String> {
    match part {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| match value.as_str() {
                Some(place) if name == "$ref" => {
                    place.strip_prefix("#/components/schemas/").map(str::to_owned).into_iter().collect()
                }
                _ => schemas_in(value),
            })
            .collect(),
        Value::Array(parts) => parts.iter().flat_map(schemas_in).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_its_paths_and_the_schemas_that_they_lead_to_and_no_others() {
        let names = |part: &Value| part.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let part = document_of(&["/api/notifications/{id}"]);
        assert_eq!(names(&part["paths"]), ["/api/notifications/{id}"]);
        let schemas = names(&part["components"]["schemas"]);
        assert_eq!(schemas, ["Channel", "FieldError", "Notification", "NotificationStatus", "Problem"]);
    }

    #[test]
    fn a_merged_document_has_the_paths_and_schemas_of_both() {
        let both = merged(document_of(&["/ping"]), &document_of(&["/api/team"]));
        assert!(both["paths"]["/ping"].is_object() && both["paths"]["/api/team"].is_object());
        let schemas = &both["components"]["schemas"];
        assert!(schemas["Pong"].is_object() && schemas["Member"].is_object() && schemas["Task"].is_null());
    }
}
