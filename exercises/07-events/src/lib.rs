//! The pieces of step 07 that are exercises, one file each. What to do stands at the top of each file.

pub mod inbox;
pub mod outbox;
