//! Exercise 06.1: a backfill that survives being killed.
//!
//! A table with rows that people go on changing is copied to another database. Beside you works the mirror: it brings each change
//! to the target, a moment after it was made, and a row may be there before you come to it. At the start everything is read, and
//! then everything is written: right on a laptop, and on a Sunday.
//!
//! You may assume: pages come in the order of ids, and an id never changes. Of two states of a row the one with the higher version
//! is newer. A row that is inserted or deleted while you work is the mirror's to bring, also one that you have just written back.
//! You may not assume that you come to the end:
//! after a kill you are called again, with nothing but what the target has kept.
//!
//! ```text
//! target.checkpoint().await?                           Some(id): so far, an earlier run came; None: nobody has begun
//! source.page(after.as_deref(), PAGE).await?           the next rows as a Vec, at most PAGE; empty at the end
//! let mut writing = target.begin().await?              a transaction; dropped without a commit, it never happened
//! writing.upsert_if_newer(&rows).await?                inserts, or replaces what is older (`upsert`: anything); how many it changed
//! writing.set_checkpoint(&id).await?                   all up to this id is there; rows.last() is an Option<&Row> with an `id`
//! writing.commit().await?                              it has happened
//! ```

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
    //| let (mut all, mut after) = (Vec::new(), None::<String>);
    //| loop {
    //|     let rows = source.page(after.as_deref(), PAGE).await?;
    //|     let Some(last) = rows.last() else { break };
    //|     after = Some(last.id.clone());
    //|     all.extend(rows);
    //| }
    //| let mut writing = target.begin().await?;
    //| writing.upsert(&all).await?;
    //| writing.commit().await
    // end 06.1
}
