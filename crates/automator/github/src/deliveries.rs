//! Which deliveries of GitHub are known.

use chassis::Fault;
use store::{Error, OnConstraint, Tx, query};
use uuid::Uuid;

/// Writes down a delivery; whether we did not have it yet. Its row and its effect are committed together: whoever finds
/// the row has nothing left to do.
///
/// # Errors
/// The database's.
pub async fn is_new(tx: &mut Tx, delivery: &str, event: &str) -> Result<bool, Fault> {
    enum Refused {
        Known,
        Failed(Fault),
    }
    impl From<Error> for Refused {
        fn from(error: Error) -> Self {
            Self::Failed(error.into())
        }
    }
    let inserted = query(
        "INSERT INTO deliveries (id, delivery, event, received_at, version) VALUES ($1, $2, $3, $4, 1)",
    )
    .bind(Uuid::now_v7().to_string())
    .bind(delivery)
    .bind(event)
    .bind(store::now())
    .execute(&mut *tx)
    .await
    .on_unique_violation("deliveries.delivery", || Refused::Known);
    match inserted {
        Ok(_) => Ok(true),
        Err(Refused::Known) => Ok(false),
        Err(Refused::Failed(fault)) => Err(fault),
    }
}
