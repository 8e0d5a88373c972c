//! Two stops between step 01 and step 02: the monolith with some of its contexts in modules already.
//!
//! Nobody rewrites a running system in one go. Each stop takes a database of the one before, passes the whole acceptance suite,
//! and could be where the team ships for a month. What is not out yet is step 01's code, unchanged; what is out is the module
//! that step 02 has. A stop is one file that says which is which, and is thrown away with the next.

pub mod notify_out;
pub mod team_out;
