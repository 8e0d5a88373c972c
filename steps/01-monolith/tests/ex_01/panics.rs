//! A pin may end in `assert_eq!` as well as in `same`.

use std::{
    any::Any,
    cell::RefCell,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook},
    pin::pin,
    sync::Once,
    task::Poll,
};

use acceptance::tokio;

thread_local! {
    /// What the panic said that is being caught on this thread; `None` where none is.
    static SAID: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// What `work` returns, or the panic that ended it with its place. A panic that is caught prints nothing: it is a verdict, and
/// the learner reads it where it matters.
pub(crate) async fn caught<T>(work: impl Future<Output = T>) -> Result<T, anyhow::Error> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let print = take_hook();
        set_hook(Box::new(move |panic| {
            let is_caught = SAID.with_borrow_mut(|said| said.as_mut().map(|said| *said = panic.to_string()));
            if is_caught.is_none() {
                print(panic);
            }
        }));
    });
    let mut work = pin!(work);
    poll_fn(|cx| {
        SAID.set(Some(String::new()));
        let polled: Result<Poll<T>, Box<dyn Any + Send>> =
            catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx)));
        let said = SAID.take().unwrap_or_default();
        match polled {
            Ok(polled) => polled.map(Ok),
            Err(_) => Poll::Ready(Err(anyhow::Error::msg(said))),
        }
    })
    .await
}

#[test]
fn a_failed_assertion_is_a_verdict_with_its_place() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let ended = runtime.block_on(async {
        caught(async { assert_eq!(1, 1) }).await?;
        caught(async { assert_eq!(1, 2, "due dates") }).await
    });
    let said = ended.expect_err("it failed").to_string();
    assert!(said.contains("panics.rs:") && said.contains("due dates") && said.contains("right: 2"), "{said}");
}
