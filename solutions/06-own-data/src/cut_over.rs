//! Exercise 06.2: cut over in the right order.
//!
//! A service gets a database of its own while people write. The operations are given, and each does what it says; their order is
//! yours. At the start it is the one that comes to mind first: copy, let everybody work on the copy, drop the old. Somebody's
//! change is lost that way, and the tests tell you whose.
//!
//! You may assume: each operation may be called again and then does what is left to do. You may be killed between any two of them,
//! and begin at the first line again; what was closed then is open again, on the side that took the last write. An error is
//! passed on by `?`: whoever calls begins again too. Once people are back, or the old side is dropped, nobody calls again.
//! You may not assume, on the way there, that rows were copied rightly, nor that every change was noted: that is what `compare` is for.
//!
//! ```text
//! operations.writes().await?                  Side::Old or Side::New: where people write; after a kill it may be the new one
//! operations.mirror().await?                  changes are noted from now on, and a follower brings them to the other side
//! operations.backfill().await?                copies what is not on the new side; hours, while people write on the old one
//! operations.compare().await?                 how many rows differ: row by row while people write, count and sum behind a fence
//! operations.fence().await?                   nobody can write; it returns when all that was noted has arrived
//! read_from(side), write_to(side)             who reads where; who writes where, which ends the fence
//! soak(), drop_old()                          Decision::Keep or Back, the same each time; the end of the old side
//! Ok(Outcome::Moved)                          or Outcome::Back, or Outcome::Differs(rows)
//! ```

use kit_06_own_data::{
    Fault,
    cut_over::{Decision, Operations, Outcome, Side},
};

/// Moves people from the old database to the new one while they work. Where rows differ, or people want to go back, everybody
/// reads and writes the old one in the end.
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
    //| operations.backfill().await?;
    //| operations.mirror().await?;
    //| operations.read_from(Side::New).await?;
    //| operations.write_to(Side::New).await?;
    //| operations.drop_old().await?;
    //| Ok(Outcome::Moved)
    // end 06.2
}
