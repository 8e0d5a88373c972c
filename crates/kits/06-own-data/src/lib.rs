//! What the exercises of step 06 are given: rows, pages and a checkpoint for the backfill ([`backfill`]), and the operations
//! that a cut-over is made of ([`cut_over`]). The mover of step 06 has them over real databases, the tests over models.

pub mod backfill;
pub mod cut_over;

pub use chassis::Fault;
