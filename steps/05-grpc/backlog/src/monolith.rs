//! What backlog asks of the monolith: items, a comment, who is in the team. Over HTTP, by the adapter that step 04 wrote.
//!
//! The monolith asks backlog, and backlog the monolith: a cycle at run time, though the crates have none. Neither needs the
//! other to start, and each says for itself when the other is away. Step 07 takes the cycle apart.

use std::collections::HashMap;

use async_trait::async_trait;
use domain::{Item, ItemKey, Member};
use reqwest::Method;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use step_02_contracts::{Commentable, Ctx, Fault, Items, Maintainers};
use step_04_client::pieces::http_notify::Service;

/// The monolith, at the other end of a wire.
#[derive(Debug, Clone)]
pub(crate) struct Monolith(pub(crate) Service);

#[derive(Serialize)]
struct Keys<'a> {
    keys: &'a [ItemKey],
}

#[derive(Deserialize)]
struct Found {
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Comment<'a> {
    key: &'a ItemKey,
    text: &'a str,
    answers: Option<&'a str>,
}

#[derive(Deserialize)]
struct Active {
    members: Vec<Member>,
}

#[async_trait]
impl Items for Monolith {
    async fn items(&self, ctx: &Ctx, keys: &[ItemKey]) -> Result<HashMap<ItemKey, Item>, Fault> {
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let request = self.0.request(Method::POST, &["items"])?.json(&Keys { keys });
        let found: Found = self.0.ask(ctx, request, None).await?.0;
        Ok(found.items.into_iter().map(|item| (item.key.clone(), item)).collect())
    }
}

#[async_trait]
impl Commentable for Monolith {
    async fn comment(
        &self,
        ctx: &Ctx,
        key: &ItemKey,
        text: &str,
        answers: Option<&str>,
    ) -> Result<(), Fault> {
        let request = self.0.request(Method::POST, &["comments"])?.json(&Comment { key, text, answers });
        self.0.ask::<IgnoredAny>(ctx, request, None).await.map(drop)
    }
}

#[async_trait]
impl Maintainers for Monolith {
    async fn active(&self, ctx: &Ctx) -> Result<Vec<Member>, Fault> {
        let request = self.0.request(Method::GET, &["maintainers"])?;
        let active: Active = self.0.ask(ctx, request, None).await?.0;
        Ok(active.members)
    }
}
