//! Running a test's future to its end, with its panic as a message instead of a crash.

use std::{
    cell::RefCell,
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

thread_local! {
    /// `Some` while a test runs on this thread: the panic so far.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `test` on a runtime of its own. `Err` has the message of its panic and where it happened.
pub(crate) fn catch(test: impl Future<Output = ()>) -> Result<(), String> {
    install_hook();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot make a runtime: {error}"))?;
    PANIC.set(Some(String::new()));
    let result = panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(test)));
    let message = PANIC.take().unwrap_or_default();
    // What the test left behind must not hold up the next one.
    runtime.shutdown_background();
    result.map_err(|_| message)
}

/// From now on a panic on a thread that runs a test is kept for the report; all others are printed as ever.
fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let kept = PANIC.with_borrow_mut(|panic| {
                let Some(text) = panic else { return false };
                let place =
                    info.location().map(|at| format!("{}:{}", at.file(), at.line())).unwrap_or_default();
                let message = info.payload_as_str().unwrap_or("a panic without a message");
                text.push_str(&format!("{message}\n  at {place}\n"));
                true
            });
            if !kept {
                print(info);
            }
        }));
    });
}
