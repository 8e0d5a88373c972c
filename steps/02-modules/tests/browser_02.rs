//! The pages of step 02 in a real browser.

acceptance::browser_main!("02");
