//! The pieces of step 01 that are exercises, one file each. What to do stands at the top of each file.

pub mod pins;
pub mod status_weight;
