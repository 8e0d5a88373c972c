//! The acceptance suite on the processes of step 04: nobody notices that messages are elsewhere.

acceptance::main!("04");
