//! Exercise 06.1: a backfill that survives being killed.

use kit_06_own_data::{
    Fault,
    backfill::{PAGE, Source, Target},
};

/// Copies the table from `source` to `target`, in pages of at most [`PAGE`] rows. Whoever is killed in the middle is started again
/// from the beginning of this function.
///
/// # Errors
/// A database's; what was copied until then stays.
pub async fn backfill(source: &dyn Source, target: &dyn Target) -> Result<(), Fault> {
    // begin 06.1
    let mut after = target.checkpoint().await?;
    loop {
        let rows = source.page(after.as_deref(), PAGE).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        let mut writing = target.begin().await?;
        writing.upsert_if_newer(&rows).await?;
        writing.set_checkpoint(&last.id).await?;
        writing.commit().await?;
        after = Some(last.id.clone());
    }
    // end 06.1
}
