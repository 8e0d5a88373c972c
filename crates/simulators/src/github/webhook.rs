//! Webhooks as GitHub sends them: the objects of its REST API, signed, in a `POST`.
//!
//! Shapes: GitHub's documentation, *Webhook events and payloads*; only the fields that somebody reads.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use futures::future::join_all;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::model::{Actor, ActorKind, Comment, Item, Repository, Review, Verdict};
use domain::{Kind, State};

/// The value of `X-Hub-Signature-256`: HMAC-SHA256 of the raw body, in hex after `sha256=`.
#[must_use]
pub fn sign(secret: &str, body: &[u8]) -> String {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// A webhook ready to be sent, by us or by the caller.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) event: String,
    pub(crate) id: String,
    pub(crate) body: String,
    signature: String,
}

impl Delivery {
    pub(crate) fn new(event: impl Into<String>, id: String, body: String, secret: &str) -> Self {
        let signature = sign(secret, body.as_bytes());
        Self { event: event.into(), id, body, signature }
    }

    /// Its headers, as GitHub spells them.
    fn headers(&self) -> [(&'static str, &str); 6] {
        [
            ("Content-Type", "application/json"),
            ("User-Agent", "GitHub-Hookshot/7d1a0c2"),
            ("X-GitHub-Event", &self.event),
            ("X-GitHub-Delivery", &self.id),
            ("X-GitHub-Hook-ID", "424242"),
            ("X-Hub-Signature-256", &self.signature),
        ]
    }

    /// Sends it so many times at once; the statuses, `None` where no answer came.
    ///
    /// # Errors
    /// An event or id that cannot stand in a header.
    pub(crate) async fn send(
        &self,
        client: &reqwest::Client,
        url: &str,
        times: u32,
    ) -> Result<Vec<Option<u16>>, String> {
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers() {
            let value = HeaderValue::from_str(value).map_err(|_| format!("{name} cannot be {value:?}"))?;
            // The names are ours and legal.
            headers
                .insert(HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?, value);
        }
        let calls = (0..times).map(|_| {
            let call = client.post(url).headers(headers.clone()).body(self.body.clone()).send();
            async move {
                match call.await {
                    Ok(answer) => Some(answer.status().as_u16()),
                    Err(error) => {
                        tracing::warn!(url, error = %error.without_url(), "webhook was not answered");
                        None
                    }
                }
            }
        });
        Ok(join_all(calls).await)
    }

    /// What the caller needs to send it himself, and what became of our own sending.
    pub(crate) fn describe(&self, answers: &[Option<u16>]) -> Value {
        let headers: serde_json::Map<_, _> =
            self.headers().into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        json!({
            "event": self.event,
            "delivery": self.id,
            "headers": headers,
            "body": self.body,
            "answers": answers,
        })
    }
}

/// An account. Webhooks give apps their suffix, and call a deleted account `ghost`.
pub(crate) fn user(actor: Option<&Actor>) -> Value {
    let Some(actor) = actor else {
        return json!({
            "login": "ghost", "id": 10137, "node_id": "MDQ6VXNlcjEwMTM3", "type": "User",
            "html_url": "https://github.com/ghost", "site_admin": false,
        });
    };
    let (login, kind, page) = match actor.kind {
        ActorKind::User => (actor.login.clone(), "User", actor.login.clone()),
        ActorKind::Bot => (format!("{}[bot]", actor.login), "Bot", format!("apps/{}", actor.login)),
    };
    json!({
        "login": login, "id": actor.database_id(), "node_id": actor.node_id(), "type": kind,
        "html_url": format!("https://github.com/{page}"), "site_admin": false,
    })
}

/// A repository.
pub(crate) fn repository(repository: &Repository) -> Value {
    let name = &repository.name;
    json!({
        "id": repository.database_id,
        "node_id": repository.node_id(),
        "name": name.name(),
        "full_name": name.as_str(),
        "private": false,
        "owner": {"login": name.owner(), "type": "Organization"},
        "html_url": format!("https://github.com/{name}"),
        "language": repository.language,
        "open_issues_count": repository.items.values().filter(|item| item.is_open()).count(),
    })
}

/// A label.
pub(crate) fn label(name: &str) -> Value {
    json!({"name": name, "color": "ededed", "default": false})
}

/// What issues and pull requests have in common.
fn common(item: &Item) -> Value {
    json!({
        "id": item.database_id,
        "node_id": item.node_id,
        "number": item.number,
        "title": item.title,
        "body": item.body,
        "html_url": item.url(),
        "user": user(item.author.as_deref()),
        "state": if item.is_open() { "open" } else { "closed" },
        "labels": item.labels.iter().map(|name| label(name)).collect::<Vec<_>>(),
        "comments": item.comments.len(),
        "created_at": item.created_at,
        "updated_at": item.updated_at,
        "closed_at": item.closed_at,
    })
}

/// An `issue`; for a pull request, which issue comments also call so, with its `pull_request`.
pub(crate) fn issue(item: &Item) -> Value {
    let mut issue = common(item);
    issue["reactions"] = json!({"total_count": item.reactions});
    issue["state_reason"] = if item.state == State::Closed { json!("completed") } else { Value::Null };
    if item.kind == Kind::PullRequest {
        issue["draft"] = json!(false);
        issue["pull_request"] = json!({
            "url": format!("https://api.github.com/repos/{}/pulls/{}", item.repository, item.number),
            "html_url": item.url(),
            "merged_at": item.merged_at,
        });
    }
    issue
}

/// A `pull_request`; it has no reactions, true to life.
pub(crate) fn pull_request(item: &Item) -> Value {
    let mut pull_request = common(item);
    let merged = item.state == State::Merged;
    pull_request["merged"] = json!(merged);
    pull_request["merged_at"] = json!(item.merged_at);
    pull_request["merged_by"] = if merged { user(item.merged_by.as_deref()) } else { Value::Null };
    pull_request["draft"] = json!(false);
    pull_request["commits"] = json!(item.commits);
    pull_request["base"] = json!({"ref": "main"});
    pull_request["head"] = json!({"ref": format!("change-{}", item.number)});
    pull_request
}

/// A `comment`.
pub(crate) fn comment(item: &Item, comment: &Comment) -> Value {
    json!({
        "id": comment.database_id,
        "node_id": comment.node_id,
        "user": user(comment.author.as_deref()),
        "body": comment.body,
        "html_url": format!("{}#issuecomment-{}", item.url(), comment.database_id),
        "created_at": comment.created_at,
        "updated_at": comment.created_at,
    })
}

/// A `review`; its `user` is `null` when the account is gone.
pub(crate) fn review(item: &Item, review: &Review) -> Value {
    let state = match review.verdict {
        Verdict::Approved => "approved",
        Verdict::ChangesRequested => "changes_requested",
        Verdict::Commented => "commented",
        Verdict::Dismissed => "dismissed",
    };
    json!({
        "id": review.database_id,
        "node_id": review.node_id,
        "user": review.author.as_deref().map(|author| user(Some(author))),
        "body": review.body,
        "state": state,
        "html_url": format!("{}#pullrequestreview-{}", item.url(), review.database_id),
        "submitted_at": review.submitted_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_of_githubs_documentation() {
        // docs.github.com, "Validating webhook deliveries", test values.
        assert_eq!(
            sign("It's a Secret to Everybody", b"Hello, World!"),
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
    }
}
