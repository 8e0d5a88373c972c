//! The acceptance suite on the processes of step 01.

acceptance::main!("01");
