//! The acceptance suite on the processes of step 02.

acceptance::main!("02");
