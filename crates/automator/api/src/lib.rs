//! The contract with clients. `openapi.json` is the one place that says what the public API is: it is the same at every step,
//! whoever answers. A step that serves it depends on nobody's handlers.
//!
//! Step 01 describes its handlers where they stand, and a test there (`openapi`) compares the two.

use std::collections::BTreeSet;

use axum::{Json, Router, routing::get};
use serde::Serialize;
use serde_json::Value;
use utoipa::{ToSchema, openapi::OpenApi};

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
pub fn document() -> OpenApi {
    serde_json::from_str(TEXT).expect("openapi.json")
}

/// The file.
pub const TEXT: &str = include_str!("../openapi.json");

/// The description of these `paths` alone, with the schemas that they refer to: for whoever serves a part of the API in a
/// process of its own.
#[must_use]
pub fn document_of(paths: &[&str]) -> OpenApi {
    let mut document = document();
    document.paths.paths.retain(|path, _| paths.contains(&path.as_str()));
    let mut used = BTreeSet::new();
    let mut found = schemas_in(&serde_json::to_value(&document.paths).unwrap_or_default());
    if let Some(components) = &mut document.components {
        while let Some(name) = found.pop() {
            let schema = components.schemas.get(&name).map(serde_json::to_value);
            if let Some(Ok(schema)) = schema
                && used.insert(name)
            {
                found.extend(schemas_in(&schema));
            }
        }
        components.schemas.retain(|name, _| used.contains(name));
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
    fn nothing_of_the_file_is_lost_when_it_is_read() {
        assert_eq!(serde_json::to_string_pretty(&document()).unwrap() + "\n", TEXT);
    }

    #[test]
    fn a_part_has_its_paths_and_the_schemas_that_they_lead_to_and_no_others() {
        let part = document_of(&["/api/notifications/{id}"]);
        assert_eq!(part.paths.paths.keys().collect::<Vec<_>>(), ["/api/notifications/{id}"]);
        let schemas: Vec<_> = part.components.unwrap().schemas.into_keys().collect();
        assert_eq!(schemas, ["Channel", "FieldError", "Notification", "NotificationStatus", "Problem"]);
    }
}
