//! Idempotency keys: a repeated request finds the answer that the first one kept, in the transaction of its effect.
//!
//! There is no state "in progress" and no window: whoever finds the key finds the effect too. Of several at once
//! the first makes the row; the others wait for its transaction to end, on SQLite for the write lock, on
//! PostgreSQL for the row. When it fails they find nothing, and the next one is the first.
//!
//! The table has the columns `id TEXT`, `route TEXT`, `idempotency_key binary_text`, `fingerprint TEXT`,
//! `status BIGINT`, `location TEXT`, `etag TEXT`, `body TEXT`, `created_at BIGINT` (epoch ms), `version BIGINT`,
//! and is unique by route and key; status and body are NULL until there is an answer.

use chassis::{
    Fault,
    idempotency::{Answer, IdempotencyKey, Once},
};
use http::StatusCode;
use serde::{Serialize, de::DeserializeOwned};
use sqlx::FromRow;
use uuid::Uuid;

use crate::{Error, Query, Store, Tx};

/// How long a key is known at least, in milliseconds: seven days, as the OpenAPI document promises.
const KEPT_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// Does `effect` in a write transaction, once for each key, and commits; a repeat does nothing and answers what the
/// first one did. Without a key it is done each time. `table` is a part of our own SQL, never of a request.
///
/// The key is claimed before `effect` takes any lock, so nobody who waits for a key holds up others. As in every
/// transaction, `effect` calls neither another module nor the network.
///
/// # Errors
/// What `effect` fails with: then nothing was done and nothing is kept. [`Fault::Invalid`] when the key was another
/// request's. The database's.
pub async fn once<E: From<Fault>>(
    store: &Store,
    table: &'static str,
    key: Option<IdempotencyKey>,
    effect: impl AsyncFnOnce(&mut Tx) -> Result<Answer, E>,
) -> Result<Answer, E> {
    let mut tx = store.begin_write().await.map_err(Fault::from)?;
    let claimed = match &key {
        Some(key) => match claim(&mut tx, table, key).await? {
            Claim::First(id) => Some(id),
            Claim::Repeat(answer) => return Ok(answer),
        },
        None => None,
    };
    let answer = effect(&mut tx).await?;
    if let Some(id) = claimed {
        keep(&mut tx, table, &id, &answer).await.map_err(Fault::from)?;
    }
    tx.commit().await.map_err(Fault::from)?;
    Ok(answer)
}

/// The same for an effect that makes a value, whose JSON is what is kept.
///
/// # Errors
/// As [`once`].
pub async fn once_for<T: Serialize + DeserializeOwned, E: From<Fault>>(
    store: &Store,
    table: &'static str,
    key: Option<IdempotencyKey>,
    effect: impl AsyncFnOnce(&mut Tx) -> Result<T, E>,
) -> Result<Once<T>, E> {
    let answer = once(store, table, key, async |tx| {
        let value = effect(tx).await?;
        Ok::<_, E>(Answer::json(StatusCode::OK, &value)?)
    })
    .await?;
    let value = serde_json::from_str(&answer.body).map_err(Fault::internal)?;
    Ok(Once { value, replayed: answer.replayed })
}

/// Forgets the keys that have been known for long enough: one statement, for the start of a server.
///
/// # Errors
/// The database's.
pub async fn forget_old(store: &Store, table: &'static str) -> Result<(), Error> {
    let sql = format!("DELETE FROM {table} WHERE created_at < $1");
    Query::assembled(sql).bind(crate::now() - KEPT_MS).execute(store).await?;
    Ok(())
}

/// What a key turned out to be.
enum Claim {
    /// New; the id of its row, which wants an answer.
    First(String),
    /// Known, with the answer of then.
    Repeat(Answer),
}

async fn claim(tx: &mut Tx, table: &'static str, key: &IdempotencyKey) -> Result<Claim, Fault> {
    let id = Uuid::now_v7().to_string();
    let insert = format!(
        "INSERT INTO {table} (id, route, idempotency_key, fingerprint, created_at, version) \
         VALUES ($1, $2, $3, $4, $5, 1) ON CONFLICT (route, idempotency_key) DO NOTHING"
    );
    let inserted = Query::assembled(insert)
        .bind(&id)
        .bind(&key.route)
        .bind(&key.key)
        .bind(&key.fingerprint)
        .bind(crate::now())
        .execute(&mut *tx)
        .await?;
    if inserted == 1 {
        return Ok(Claim::First(id));
    }
    let select = format!(
        "SELECT fingerprint, status, location, etag, body FROM {table} WHERE route = $1 AND idempotency_key = $2"
    );
    let kept: Option<Kept> =
        Query::assembled(select).bind(&key.route).bind(&key.key).fetch_optional(&mut *tx).await?;
    match kept {
        Some(kept) if kept.fingerprint == key.fingerprint => Ok(Claim::Repeat(kept.try_into()?)),
        Some(_) => Err(IdempotencyKey::reused()),
        // Too old, and forgotten this very moment.
        None => Err(Fault::Unavailable("the idempotency key".to_owned())),
    }
}

async fn keep(tx: &mut Tx, table: &'static str, id: &str, answer: &Answer) -> Result<(), Error> {
    let update = format!("UPDATE {table} SET status = $1, location = $2, etag = $3, body = $4 WHERE id = $5");
    Query::assembled(update)
        .bind(i64::from(answer.status))
        .bind(&answer.location)
        .bind(&answer.etag)
        .bind(&answer.body)
        .bind(id)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

#[derive(FromRow)]
struct Kept {
    fingerprint: String,
    status: Option<i64>,
    location: Option<String>,
    etag: Option<String>,
    body: Option<String>,
}

impl TryFrom<Kept> for Answer {
    type Error = Fault;

    /// # Errors
    /// [`Fault::Internal`] for a row that we cannot have written.
    fn try_from(kept: Kept) -> Result<Self, Fault> {
        let status = kept.status.and_then(|status| u16::try_from(status).ok());
        let (Some(status), Some(body)) = (status, kept.body) else {
            return Err(Fault::internal("an idempotency key was kept without its answer"));
        };
        Ok(Self { status, location: kept.location, etag: kept.etag, body, replayed: true })
    }
}
