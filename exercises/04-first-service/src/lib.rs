//! The pieces of step 04 that are exercises. What to do stands at the top of each file.

pub mod http_notify;
