//! The exercises of step 03, a module each, named by their slug.
