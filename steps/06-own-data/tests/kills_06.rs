//! A mover that is killed between any two of its statements, and services that are killed while rows move, or whose connections PostgreSQL
//! cuts: nothing that was answered is lost, nothing old is read after it, and both sides end with the same rows.
//!
//! `WORKSHOP_KILLS=200` kills at so many random moments, in place of ten: some minutes.

#![expect(clippy::unwrap_used, reason = "a test")]

#[expect(dead_code, reason = "shared with other tests, which use the rest")]
#[path = "support/moving.rs"]
mod moving;

use std::{
    cell::RefCell,
    collections::BTreeMap,
    env,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use acceptance::{
    Database, Engine,
    tokio::{task::spawn_blocking, time::sleep},
};
use kit_06_own_data::cut_over::Decision;
use step_06_moving::{points::POINTS, state::Record};
use store::{Query, Store, query};

use self::moving::{Mover, Movers, PLANS, People, open, shared, sides_are_alike, started};

acceptance::on_both_databases!(
    killed_at_every_point_the_next_mover_goes_on_and_nothing_is_lost,
    killed_at_any_moment_nothing_is_lost
);

/// How many points a mover may come to: a life that goes further is no life of ours.
const MOST: usize = 1_000;
/// How many of them lie between two at which a mover is killed, once it was killed at each by its name.
const STEP: usize = 2;
/// How often one is killed at least.
const KILLS: usize = 50;
/// What is passed only when tables are dropped.
const DROPPED: &str = "a table is dropped";

/// What people say to the mover.
#[derive(Clone, Copy)]
enum Wish {
    Back,
    Keep,
}

async fn killed_at_every_point_the_next_mover_goes_on_and_nothing_is_lost(database: Database) {
    shared(&database).await;
    let app = started(&database).await;
    let movers = Movers::of_backlog(&database);
    let new = own(&database).await;
    let killed = RefCell::new(BTreeMap::new());
    let lives = async |wish: Wish, points: Vec<String>| {
        let mut ended = 0;
        for point in points {
            match life(&movers, &new, wish, &point).await {
                Some(name) => {
                    *killed.borrow_mut().entry(name).or_insert(0) += 1;
                    ended = 0;
                }
                // One that begins on the new side comes to its end sooner than one that begins on the old side.
                None => ended += 1,
            }
            if ended == 2 {
                return;
            }
        }
    };
    let people = People::of(&app);
    people
        .work(async {
            let each = POINTS.iter().filter(|point| **point != DROPPED);
            lives(Wish::Back, each.map(|point| format!("{point}#1")).collect()).await;
            // What has been copied is copied again, over what is there.
            query("DELETE FROM move_checkpoints").execute(&new[0]).await.unwrap();
            for first in 1..=STEP {
                lives(Wish::Back, (first..MOST).step_by(STEP).map(|number| number.to_string()).collect())
                    .await;
                // How many points a mover comes to depends on how much people have written.
                if killed.borrow().values().sum::<usize>() >= KILLS {
                    break;
                }
            }
        })
        .await;
    let mut mover = movers.start(&[], None);
    movers.are("ready", &mut mover).await;
    sides_are_alike(&database, &movers).await;
    mover.kill();
    let people = People::of(&app);
    people
        .work(async {
            lives(Wish::Keep, (1..=8).map(|number| format!("{DROPPED}#{number}")).collect()).await;
            assert!(life(&movers, &new, Wish::Keep, &MOST.to_string()).await.is_none(), "there was no end");
        })
        .await;
    assert_eq!(movers.status().await[0]["stage"], "kept");
    let killed = killed.take();
    let missing: Vec<_> = POINTS.iter().filter(|point| !killed.contains_key(**point)).collect();
    assert!(missing.is_empty(), "no mover was killed when {missing:?}");
    let kills: usize = killed.values().sum();
    println!("{kills} kills at {} points", killed.len());
    assert!(kills >= KILLS, "only {kills} kills");
}

/// Starts a mover and kills it where it halts at `point`: the name of that. `None` when it came to its end before.
async fn life(movers: &Movers, new: &[Store], wish: Wish, point: &str) -> Option<&'static str> {
    let mut mover = movers.start(&[], Some(point));
    let talk = async {
        loop {
            says(new, wish).await;
            sleep(Duration::from_millis(10)).await;
        }
    };
    let ended = acceptance::tokio::select! {
        ended = mover.ended(|log| halted_at(log).is_some()) => ended,
        () = talk => None,
    };
    if let Some(status) = ended {
        assert!(status.success(), "{}", mover.log());
        return None;
    }
    mover.kill();
    halted_at(&mover.log())
}

/// The point at which a mover has said that it halts, once the line is whole.
fn halted_at(log: &str) -> Option<&'static str> {
    let (name, _) = log.split_once("halts at the point: ")?.1.split_once('\n')?;
    POINTS.iter().find(|known| **known == name).copied()
}

/// Says what is to be said at the stage that each move is at now.
async fn says(new: &[Store], wish: Wish) {
    for (plan, new) in PLANS.iter().zip(new) {
        let record = Record::of(plan.module, new);
        // Each is refused at any other stage, and before there is one.
        let _ = record.approve().await;
        let _ = match wish {
            Wish::Back => record.decide(Decision::Back).await,
            Wish::Keep => record.decide(Decision::Keep).await,
        };
    }
}

async fn killed_at_any_moment_nothing_is_lost(database: Database) {
    let kills: u64 = env::var("WORKSHOP_KILLS").map_or(10, |kills| kills.parse().unwrap());
    // In long runs: a mover whose connection is cut ends, and whoever minds it has to see that.
    let cuts_too = env::var_os("WORKSHOP_CUTS").is_some();
    shared(&database).await;
    let app = Arc::new(started(&database).await);
    let movers = Movers::on(&database);
    let new = own(&database).await;
    let mut random = Random::new();
    println!("random kills of {}", random.0);
    let (all, mut cuts) = (open(database.url()).await, 0);
    let people = People::of(&app);
    people
        .work(async {
            let mut mover = movers.start(&["--at-once"], None);
            for number in 0..kills {
                let until = random.below(400);
                for _ in 0..until / 20 {
                    sleep(Duration::from_millis(20)).await;
                    says(&new, Wish::Back).await;
                }
                if cuts_too && number % 3 == 1 {
                    cuts += cut(&database, &all).await;
                }
                match random.below(5) {
                    0 => killed(&app, "backlog").await,
                    1 => killed(&app, "notify").await,
                    _ => {
                        mover.kill();
                        // What has been copied is copied again, over what is there.
                        for new in &new {
                            let _ = query("DELETE FROM move_checkpoints").execute(new).await;
                        }
                        mover = movers.start(&["--at-once"], None);
                    }
                }
                if random.below(2) == 0 && has_ended(&mut mover).await {
                    mover = movers.start(&["--at-once"], None);
                }
            }
        })
        .await;
    // Whoever was on the way back when the last mover was killed goes back first.
    let mut mover = movers.start(&["--at-once"], None);
    while !movers.status().await.iter().all(|module| module["stage"] == "moved") {
        sleep(Duration::from_millis(500)).await;
        let is_back = movers.status().await.iter().any(|module| module["stage"] == "back");
        if is_back || has_ended(&mut mover).await {
            mover.kill();
            mover = movers.start(&["--at-once"], None);
            sleep(Duration::from_secs(2)).await;
        }
    }
    sides_are_alike(&database, &movers).await;
    assert!(!cuts_too || database.engine() == Engine::Sqlite || cuts > 0, "no connection was cut");
    println!(
        "{kills} kills, {cuts} connections cut; writes {}, failed {}",
        people.took.borrow().len(),
        people.failed.borrow()
    );
}

/// The new database of each service.
async fn own(database: &Database) -> [Store; 2] {
    [open(&database.named("backlog").unwrap()).await, open(&database.named("notify").unwrap()).await]
}

async fn has_ended(mover: &mut Mover) -> bool {
    mover.ended(|_| true).await.is_some()
}

/// Cuts about half of the connections to the databases, whatever is under way there; how many. SQLite has none.
async fn cut(database: &Database, all: &Store) -> i64 {
    if database.engine() != Engine::Postgres {
        return 0;
    }
    let mut urls = vec![database.url().to_owned()];
    urls.extend(["backlog", "notify"].map(|name| database.named(name).unwrap()));
    let name = |url: &String| {
        let path = url.split('?').next().unwrap_or_default();
        format!("'{}'", path.rsplit('/').next().unwrap_or_default())
    };
    let sql = format!(
        "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity \
         WHERE datname IN ({}) AND pid <> pg_backend_pid() AND random() < 0.5",
        urls.iter().map(name).collect::<Vec<_>>().join(", ")
    );
    let (cut,) = Query::assembled(sql).fetch_one(all).await.unwrap();
    cut
}

/// Kills a service and starts it again.
async fn killed(app: &Arc<acceptance::App>, process: &'static str) {
    let app = Arc::clone(app);
    spawn_blocking(move || {
        app.system().kill(process).unwrap();
        app.system().start_again(process).unwrap();
    })
    .await
    .unwrap();
}

/// Numbers that nobody foresees (xorshift); the first is printed, so that a failure can be had again in about the same way.
struct Random(u64);

impl Random {
    fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        Self(u64::try_from(now % u128::from(u64::MAX)).unwrap_or(1) | 1)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
