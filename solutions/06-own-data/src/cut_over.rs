//! Exercise 06.2: cut over in the right order.

use kit_06_own_data::{
    Fault,
    cut_over::{Decision, Operations, Outcome, Side},
};

/// Moves people from the old database to the new one while they work. Whoever is killed in the middle is started again from the
/// beginning of this function.
///
/// # Errors
/// A database's; whoever calls tries again.
pub async fn cut_over(operations: &dyn Operations) -> Result<Outcome, Fault> {
    // begin 06.2
    operations.mirror().await?;
    if operations.writes().await? == Side::Old {
        operations.backfill().await?;
        let mut differing = operations.compare().await?;
        if differing == 0 {
            operations.fence().await?;
            differing = operations.compare().await?;
        }
        if differing != 0 {
            operations.read_from(Side::Old).await?;
            operations.write_to(Side::Old).await?;
            return Ok(Outcome::Differs(differing));
        }
        operations.read_from(Side::New).await?;
        operations.write_to(Side::New).await?;
    }
    if operations.soak().await? == Decision::Back {
        operations.fence().await?;
        operations.read_from(Side::Old).await?;
        operations.write_to(Side::Old).await?;
        return Ok(Outcome::Back);
    }
    operations.drop_old().await?;
    Ok(Outcome::Moved)
    // end 06.2
}
