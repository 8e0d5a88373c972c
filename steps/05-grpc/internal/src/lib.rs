//! What `backlog` asks back: items, a comment, who is in the team. The gateway never leads there.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    middleware,
    routing::{get, post},
};
use chassis::{
    auth::{self, Secret},
    extract::Json as JsonBody,
    http,
};
use domain::{Item, ItemKey, Member};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use step_02_contracts::{Commentable, Ctx, Fault, Maintainers};

/// The longest body, in bytes: the keys of the items of a page, and a comment.
const LONGEST_BODY: usize = 256 * 1024;
/// How many items may be asked for at once: more than any page or digest has.
const MOST: usize = 5_000;

/// Who is asked.
#[derive(Clone)]
pub struct BacklogPorts {
    /// For items and comments.
    pub github: Arc<dyn Commentable>,
    /// For who is in it.
    pub team: Arc<dyn Maintainers>,
}

/// The routes, for whoever shows `token`.
pub fn router(asked: BacklogPorts, token: Secret) -> Router {
    let routes = Router::new()
        .route("/internal/items", post(items))
        .route("/internal/comments", post(comment))
        .route("/internal/maintainers", get(maintainers))
        .with_state(asked)
        .layer(middleware::from_fn_with_state(Some(token), auth::services));
    http::limited(routes, LONGEST_BODY)
}

#[derive(Deserialize)]
struct Keys {
    keys: Vec<ItemKey>,
}

#[derive(Serialize)]
struct Found {
    items: Vec<Item>,
}

async fn items(
    State(asked): State<BacklogPorts>,
    ctx: Ctx,
    JsonBody(Keys { keys }): JsonBody<Keys>,
) -> Result<Json<Found>, Fault> {
    if keys.len() > MOST {
        return Err(Fault::invalid("keys", format!("must be at most {MOST}")));
    }
    let items = asked.github.items(&ctx, &keys).await?.into_values().collect();
    Ok(Json(Found { items }))
}

#[derive(Deserialize)]
struct Comment {
    key: ItemKey,
    text: String,
    answers: Option<String>,
}

async fn comment(
    State(asked): State<BacklogPorts>,
    ctx: Ctx,
    JsonBody(Comment { key, text, answers }): JsonBody<Comment>,
) -> Result<Json<Value>, Fault> {
    asked.github.comment(&ctx, &key, &text, answers.as_deref()).await?;
    Ok(Json(json!({})))
}

#[derive(Serialize)]
struct Active {
    members: Vec<Member>,
}

async fn maintainers(State(asked): State<BacklogPorts>, ctx: Ctx) -> Result<Json<Active>, Fault> {
    Ok(Json(Active { members: asked.team.active(&ctx).await? }))
}
