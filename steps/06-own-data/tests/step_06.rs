//! The acceptance suite on the processes of step 06: nobody notices that tasks and messages have databases of their own.

acceptance::main!("06");
