//! 05.2: one deadline for the journey. On a clock of its own, so that an hour takes no time; a hop is what client and server
//! do with the piece.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use acceptance::tokio::{
    self,
    time::{Instant, sleep, timeout},
};
use chassis::{Ctx, Fault, ctx::DEFAULT_TIMEOUT};
use kit_05_grpc::{
    MetadataMap,
    timeout::{GRPC_TIMEOUT, decode},
};
use step_05_api::context;
use step_05_grpc::pieces::deadline::{incoming, outgoing, within};

const STALL: Duration = Duration::from_secs(2);
/// What a caller does not feel.
const UNFELT: Duration = Duration::from_millis(100);
/// What a hop may keep for the answer's way back.
const MARGIN: Duration = Duration::from_millis(50);
const HOUR: Duration = Duration::from_secs(3600);

fn milliseconds(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Work that takes its time, and counts what becomes of it.
#[derive(Clone, Default)]
struct Work {
    begun: Arc<AtomicUsize>,
    done: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
}

struct UnderWay(Work);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

impl Work {
    async fn take(self, time: Duration) -> Result<&'static str, Fault> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let under_way = UnderWay(self);
        sleep(time).await;
        under_way.0.done.fetch_add(1, Ordering::SeqCst);
        Ok("a page")
    }

    fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    /// Whether it was begun and has ended, without being done.
    fn was_given_up(&self) -> bool {
        self.dropped.load(Ordering::SeqCst) == self.begun() && self.done.load(Ordering::SeqCst) == 0
    }
}

/// A future that may hold one of its own kind.
type Boxed = Pin<Box<dyn Future<Output = Result<&'static str, Fault>> + Send>>;

/// What the next process makes of the call of this one.
fn next(ctx: &Ctx) -> Result<Ctx, Fault> {
    let mut metadata = MetadataMap::new();
    context::carry(ctx, &mut metadata)?;
    context::received(&metadata)
}

/// Whether `has` is as much of `left` as a hop may pass on: all of it, or less by a margin.
fn is_passed_on(has: Duration, left: Duration) -> bool {
    has <= left && has + MARGIN >= left
}

/// Asks through so many processes, the last of which stalls.
fn journey(ctx: Ctx, hops: u32, work: Work) -> Boxed {
    Box::pin(async move {
        if hops == 0 {
            return within(&ctx.clone(), work.take(STALL)).await;
        }
        let asked = {
            let ctx = ctx.clone();
            async move { journey(next(&ctx)?, hops - 1, work).await }
        };
        within(&ctx, asked).await
    })
}

#[tokio::test(start_paused = true)]
async fn half_a_second_is_half_a_second_behind_three_hops_too() {
    let (begun, work) = (Instant::now(), Work::default());
    let answer = journey(Ctx::background(milliseconds(500)), 3, work.clone()).await;
    let waited = begun.elapsed();
    assert!(
        waited <= milliseconds(500) + UNFELT,
        "Somebody said that they wait for 500 ms, the last of three processes stalled, and they waited {waited:?}."
    );
    assert!(
        matches!(answer, Err(Fault::DeadlineExceeded)),
        "After {waited:?} of the 500 ms the answer is {answer:?}: it is 504 that says what happened."
    );
}

#[tokio::test(start_paused = true)]
async fn each_hop_has_less_than_the_one_before() {
    const WORKS: Duration = Duration::from_millis(200);
    let mut ctx = Ctx::background(milliseconds(2_000));
    for hop in 1..=4 {
        sleep(WORKS).await;
        let there = next(&ctx).expect("something is left");
        let (had, has) = (ctx.remaining(), there.remaining());
        assert!(
            has <= had,
            "Process {hop} has {has:?}, but its caller will wait for {had:?} only: the rest is done for nobody."
        );
        assert!(
            is_passed_on(has, had),
            "Process {hop} has {has:?}, and its caller would have waited for {had:?}: somebody gets an error instead of a page."
        );
        ctx = there;
    }
    sleep(ctx.remaining()).await;
    let refused = next(&ctx).map(|ctx| ctx.remaining());
    assert!(
        matches!(refused, Err(Fault::DeadlineExceeded)),
        "Nothing was left at the last process, and it asked another one all the same: {refused:?}."
    );
}

#[tokio::test(start_paused = true)]
async fn who_has_much_time_may_use_it() {
    let ctx = Ctx::background(Duration::from_secs(9));
    let has = next(&ctx).expect("something is left").remaining();
    assert!(
        is_passed_on(has, ctx.remaining()),
        "Somebody waits for nine seconds, for a page that takes eight, and the next process is given {has:?}: they get an error \
         instead of the page."
    );
}

/// What the next process is told by a caller of `ctx`; `None` where it is not asked, because it is too late.
fn told(ctx: &Ctx, mut metadata: MetadataMap) -> Option<Duration> {
    let left = ctx.remaining();
    let asked = catch_unwind(AssertUnwindSafe(|| outgoing(ctx, &mut metadata)));
    assert!(
        asked.is_ok(),
        "{left:?} are left, and the process panics in place of asking, or of saying that it is too late."
    );
    match asked {
        Ok(Err(fault)) => {
            let is_late = matches!(fault, Fault::DeadlineExceeded);
            assert!(
                is_late,
                "{left:?} are left, the next process is not asked, and the reason is {fault:?}."
            );
            None
        }
        _ => {
            let told = decode(&metadata);
            let is_told = matches!(told, Ok(Some(_)));
            assert!(
                is_told,
                "{left:?} are left, and the header {GRPC_TIMEOUT} that the next process reads says {told:?}."
            );
            told.ok().flatten()
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_travels_is_what_is_left() {
    let ctx = Ctx::background(milliseconds(800));
    sleep(milliseconds(300)).await;
    let told = told(&ctx, MetadataMap::new());
    assert!(
        told.is_some_and(|told| is_passed_on(told, ctx.remaining())),
        "Of 800 ms, 300 are over, and the header {GRPC_TIMEOUT} says {told:?} to a process whose clock is another's."
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_told_before_does_not_count() {
    let mut metadata = MetadataMap::new();
    metadata.insert(GRPC_TIMEOUT, "8S".parse().expect("a value"));
    let ctx = Ctx::background(milliseconds(500));
    let told = told(&ctx, metadata);
    assert!(
        told.is_some_and(|told| is_passed_on(told, ctx.remaining())),
        "The metadata came from a call that had eight seconds, and half a second is left of them. The next process is told \
         {told:?}, and works long after everybody has gone."
    );
}

#[tokio::test(start_paused = true)]
async fn the_last_moments_are_not_made_longer() {
    for left in [1, 20, 60].map(milliseconds) {
        // Not to ask any more is right as well: there is the answer's way back.
        let Some(told) = told(&Ctx::background(left), MetadataMap::new()) else { continue };
        assert!(
            told <= left,
            "{left:?} are left, and the next process is told that it has {told:?}: the rest is work for nobody."
        );
        assert!(
            !told.is_zero(),
            "{left:?} are left, and the next process is asked to answer in no time at all: a call for nothing."
        );
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_left_is_no_work() {
    let (ctx, work) = (Ctx::background(milliseconds(100)), Work::default());
    sleep(milliseconds(150)).await;
    let answer = within(&ctx, work.clone().take(Duration::ZERO)).await;
    assert!(
        work.begun() == 0,
        "The caller had gone before, and the work was begun all the same: at the worst moment, when everybody is late."
    );
    assert!(
        matches!(answer, Err(Fault::DeadlineExceeded)),
        "The caller had gone before, and the answer is {answer:?}."
    );
}

#[tokio::test(start_paused = true)]
async fn zero_is_not_for_ever() {
    for zero in ["0n", "0m", "0H"] {
        let mut metadata = MetadataMap::new();
        metadata.insert(GRPC_TIMEOUT, zero.parse().expect("a value"));
        let left = incoming(&metadata).expect("it is a time");
        assert!(
            left.is_zero(),
            "A caller has {zero} left, which is nothing, and it became {left:?} of work for nobody."
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_hop_does_not_work_on() {
    let work = Work::default();
    let _ = journey(Ctx::background(milliseconds(500)), 2, work.clone()).await;
    sleep(milliseconds(1)).await;
    let (begun, given_up) = (work.begun(), work.was_given_up());
    sleep(HOUR).await;
    assert!(
        begun == 1 && given_up && work.was_given_up(),
        "Nobody waits any more, and the last process still works at the answer. A hundred callers who try again make it work \
         at a hundred answers that nobody will read."
    );
}

#[tokio::test(start_paused = true)]
async fn who_hangs_up_takes_the_work_along() {
    let (ctx, work) = (Ctx::background(Duration::from_secs(9)), Work::default());
    let hung_up = timeout(milliseconds(100), within(&ctx, work.clone().take(STALL))).await;
    sleep(milliseconds(1)).await;
    assert!(
        hung_up.is_err() && work.was_given_up(),
        "Somebody closed the page after 100 ms, and the work for it goes on: {} begun, {} done.",
        work.begun(),
        work.done.load(Ordering::SeqCst)
    );
}

#[tokio::test(start_paused = true)]
async fn an_hour_is_too_long() {
    let said = |ctx: &Ctx| {
        let mut metadata = MetadataMap::new();
        outgoing(ctx, &mut metadata).expect("something is left");
        incoming(&metadata).expect("it is a time")
    };
    let left = said(&Ctx::background(HOUR));
    assert!(
        left <= DEFAULT_TIMEOUT,
        "A caller wants to wait for an hour, and is given {left:?}. The original gave 900 seconds, and everything that hung \
         kept its place for as long."
    );
    assert!(
        left + MARGIN >= DEFAULT_TIMEOUT,
        "A caller wants to wait for an hour, and is given {left:?}: less than one that says nothing."
    );
    let silent = incoming(&MetadataMap::new()).expect("nothing is no nonsense");
    assert!(
        silent == DEFAULT_TIMEOUT,
        "A caller says nothing, and is given {silent:?} instead of {DEFAULT_TIMEOUT:?}."
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_done_in_time_is_answered() {
    let ctx = Ctx::background(Duration::from_secs(8));
    let answer = within(&ctx, Work::default().take(Duration::from_secs(7))).await;
    assert!(
        matches!(answer, Ok("a page")),
        "Somebody waits for 8 seconds, the page took 7, and they got {answer:?}."
    );
    let refused: Result<(), _> = within(&ctx, async { Err(Fault::NotFound("task 7".to_owned())) }).await;
    assert!(
        matches!(refused, Err(Fault::NotFound(_))),
        "The work ended in time with an error of its own, and the caller is told {refused:?}."
    );
}
