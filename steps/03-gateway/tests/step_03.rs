//! The acceptance suite on the processes of step 03: what is asked of the gateway is answered as before.

acceptance::main!("03");
