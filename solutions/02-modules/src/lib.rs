//! The pieces of step 02 that are exercises, one file each. What to do stands at the top of each file.

pub mod react;
pub mod with_items;
