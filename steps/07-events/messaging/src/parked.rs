//! Messages that did not take effect, however often they were tried (pattern: *Dead letter*): who they are, and what a person may
//! decide. A failed message has not been given up: it is parked until somebody has it tried again or gives it up.

mod routes;

use chassis::{Fault, event::Recorded};
use store::{Error, Store, Tx, query};
use uuid::Uuid;

pub use routes::{Document, router};

/// Why a message is put down.
pub(crate) enum State<'f> {
    /// It failed.
    Parked { reason: &'f Fault, tries: i64 },
    /// One about the same subject is parked.
    Waiting,
}

/// A message whose turn it is.
pub(crate) struct Due {
    pub(crate) id: String,
    pub(crate) message: Recorded,
}

/// The longest reason that is kept, in bytes.
const LONGEST_REASON: usize = 1_000;

/// Why, for whoever decides.
pub(crate) fn reason(fault: &Fault) -> String {
    let text = match fault {
        // What is our mistake is told to nobody outside; whoever decides here has to know.
        Fault::Internal(source) => chassis::http::chain(&**source),
        Fault::Invalid(errors) => {
            let fields: Vec<_> =
                errors.iter().map(|error| format!("{}: {}", error.field, error.message)).collect();
            format!("{fault}: {}", fields.join("; "))
        }
        other => other.to_string(),
    };
    domain::cut(text, LONGEST_REASON)
}

/// How many messages of `consumer` failed and wait for somebody's decision.
pub(crate) async fn count(store: &Store, consumer: &str) -> Result<i64, Error> {
    let sql = query("SELECT count(*) FROM parked WHERE consumer = $1 AND state = 'parked'");
    let (count,): (i64,) = sql.bind(consumer).fetch_one(store).await?;
    Ok(count)
}

/// Whether a message about `subject` has to wait behind another one.
pub(crate) async fn holds_up(tx: &mut Tx, consumer: &str, subject: &str) -> Result<bool, Error> {
    let row: Option<(String,)> =
        query("SELECT id FROM parked WHERE consumer = $1 AND subject = $2 AND state <> 'given_up' LIMIT 1")
            .bind(consumer)
            .bind(subject)
            .fetch_optional(tx)
            .await?;
    Ok(row.is_some())
}

/// Whether a message is here already, whatever became of it.
pub(crate) async fn is_put_down(tx: &mut Tx, consumer: &str, message: Uuid) -> Result<bool, Error> {
    let row: Option<(String,)> = query("SELECT id FROM parked WHERE consumer = $1 AND message_id = $2")
        .bind(consumer)
        .bind(message.to_string())
        .fetch_optional(tx)
        .await?;
    Ok(row.is_some())
}

/// Puts a message down, behind all others of the consumer's: its row in `positions` is held.
pub(crate) async fn insert(
    tx: &mut Tx,
    consumer: &str,
    message: &Recorded,
    state: State<'_>,
) -> Result<(), Error> {
    let (state, reason, tries) = match state {
        State::Parked { reason: fault, tries } => ("parked", Some(reason(fault)), tries),
        State::Waiting => ("waiting", None, 0),
    };
    let text = serde_json::to_string(message).map_err(|error| sqlx::Error::Encode(error.into()))?;
    query(
        "INSERT INTO parked (id, consumer, message_id, subject, place, message, state, reason, tries, parked_at) \
         SELECT $1, $2, $3, $4, coalesce(max(place), 0) + 1, $5, $6, $7, $8, $9 FROM parked WHERE consumer = $2",
    )
    .bind(Uuid::now_v7().to_string())
    .bind(consumer)
    .bind(message.id.to_string())
    .bind(&message.subject)
    .bind(text)
    .bind(state)
    .bind(reason)
    .bind(tries)
    .bind(store::now())
    .execute(tx)
    .await?;
    Ok(())
}

/// The first message of `consumer` that may be tried: somebody wants that, or nobody is before it any more.
pub(crate) async fn due(store: &Store, consumer: &str) -> Result<Option<Due>, Fault> {
    let row: Option<(String, String)> = query(
        "SELECT id, message FROM parked WHERE consumer = $1 AND (state = 'retry' OR (state = 'waiting' AND NOT EXISTS \
             (SELECT 1 FROM parked AS earlier WHERE earlier.consumer = parked.consumer \
              AND earlier.subject = parked.subject AND earlier.state <> 'given_up' \
              AND earlier.place < parked.place))) \
         ORDER BY place LIMIT 1",
    )
    .bind(consumer)
    .fetch_optional(store)
    .await?;
    let Some((id, text)) = row else { return Ok(None) };
    Ok(Some(Due { id, message: serde_json::from_str(&text).map_err(Fault::internal)? }))
}

/// Takes a message up, in the transaction of its effect; `false` when somebody else has.
pub(crate) async fn remove(tx: &mut Tx, id: &str) -> Result<bool, Error> {
    let sql = query("DELETE FROM parked WHERE id = $1 AND state IN ('retry', 'waiting')");
    Ok(sql.bind(id).execute(tx).await? == 1)
}

/// Notes that it failed once more.
pub(crate) async fn again(store: &Store, id: &str, tries: i64, fault: &Fault) -> Result<(), Fault> {
    tracing::error!(parked = id, error = fault as &dyn std::error::Error, "a message stays parked");
    query(
        "UPDATE parked SET state = 'parked', reason = $1, tries = tries + $2, parked_at = $3 \
         WHERE id = $4 AND state IN ('retry', 'waiting')",
    )
    .bind(reason(fault))
    .bind(tries)
    .bind(store::now())
    .bind(id)
    .execute(store)
    .await?;
    Ok(())
}
