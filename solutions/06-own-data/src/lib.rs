//! The pieces of step 06 that are exercises, one file each. What to do stands at the top of each file.

pub mod backfill;
pub mod cut_over;
