//! The acceptance suite on the processes of step 05: nobody notices that tasks are elsewhere.

acceptance::main!("05");
