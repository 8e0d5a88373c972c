//! Tasks, whatever holds them: how they are scored ([`scores`]), ranked ([`ranks`]) and listed ([`order`]), what of them may change ([`fields`]) and
//! what becomes of that ([`history`]); what rules decide about them ([`rules`]), and how that is done ([`actions`]).
//!
//! Tables: `rules`. Those of tasks, their history, runs and actions are their owner's, who names them.

pub mod actions;
pub mod fields;
pub mod history;
pub mod order;
pub mod ranks;
pub mod rules;
pub mod scores;
pub mod stored_rules;
