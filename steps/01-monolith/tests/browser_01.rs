//! The pages of step 01 in a real browser.

acceptance::browser_main!("01");
