//! The pieces of step 03 that are exercises, one file each. What to do stands at the top of each file.

pub mod shadow;
pub mod switch;
