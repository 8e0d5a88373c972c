//! The acceptance suite on the processes of step 07: nobody notices that there is no monolith any more.

acceptance::main!("07");
