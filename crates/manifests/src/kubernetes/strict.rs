//! One object, held against its type in the API's schema: a field that the API does not have is refused by name.
//!
//! The types of k8s-openapi are made from that schema. They read over what they do not know, so whatever does not come out again
//! when an object is written was no field of the API. The server itself does the same since Kubernetes 1.25 (`kubectl --validate=strict`).

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// `document` as an object of the API.
///
/// # Errors
/// The path of the first field that does not exist, or that holds something else than it should.
pub(super) fn read<T: DeserializeOwned + Serialize>(document: &Value) -> Result<T, String> {
    let object: T = serde_path_to_error::deserialize(document.clone())
        .map_err(|error| format!("{}: {}", error.path(), error.inner()))?;
    let kept = serde_json::to_value(&object).map_err(|error| error.to_string())?;
    match lost("", document, &kept) {
        Some(path) => Err(format!("{path}: no such field in the API, so nothing would come of it")),
        None => Ok(object),
    }
}

/// Where `given` has a field that `kept` lacks.
fn lost(path: &str, given: &Value, kept: &Value) -> Option<String> {
    match (given, kept) {
        (Value::Object(given), Value::Object(kept)) => {
            given.iter().filter(|(_, value)| !value.is_null()).find_map(|(key, value)| {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                match kept.get(key) {
                    Some(kept) => lost(&path, value, kept),
                    None => Some(path),
                }
            })
        }
        (Value::Array(given), Value::Array(kept)) => {
            let mut both = given.iter().zip(kept).enumerate();
            both.find_map(|(at, (given, kept))| lost(&format!("{path}[{at}]"), given, kept))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::{apps::v1::Deployment, networking::v1::NetworkPolicy};
    use serde_json::json;

    use super::*;

    fn deployment(probe: &Value) -> Result<Deployment, String> {
        read(&json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "a", "creationTimestamp": null },
            "spec": {
                "selector": { "matchLabels": { "app": "a" } },
                "template": { "spec": { "containers": [{ "name": "a", "livenessProbe": probe }] } },
            },
        }))
    }

    #[test]
    fn a_field_that_the_api_does_not_have_is_refused_by_its_path() {
        assert!(deployment(&json!({ "failureThreshold": 3, "httpGet": { "port": "http" } })).is_ok());
        let at = "spec.template.spec.containers[0].livenessProbe";
        let refused = deployment(&json!({ "failureTreshold": 3 })).unwrap_err();
        assert!(refused.starts_with(&format!("{at}.failureTreshold: no such field")), "{refused}");
        let refused = deployment(&json!({ "periodSeconds": "5s" })).unwrap_err();
        assert!(refused.starts_with(&format!("{at}.periodSeconds: invalid type")), "{refused}");
    }

    #[test]
    fn an_empty_list_is_a_field() {
        let policy = json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": { "name": "a" },
            "spec": { "podSelector": {}, "ingress": [] },
        });
        assert!(read::<NetworkPolicy>(&policy).is_ok());
    }
}
