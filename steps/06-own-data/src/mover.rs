//! The mover: moves the rows of a service into a database of its own, and tells how far it is.
//!
//! `mover move` works until people have decided. It may be killed at any time and started again: it goes on. A second one takes the
//! work from the first. The other commands write down what people say, or read where things stand, and end at once.

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::Result;
use chassis::{
    Fault,
    process::{self, Misconfigured},
    serve::Stop,
};
use clap::{Args, Parser, Subcommand, ValueEnum};
use kit_06_own_data::cut_over::{Decision, Outcome};
use serde_json::json;
use step_06_moving::{
    Move, Plan, TakenOver, config,
    moving::{self, Settings, TooLong},
    operations::Cutting,
    points::{Halt, Points},
    state::Record,
};
use store::{DatabaseUrl, Store};
use tokio::time::{Instant, sleep};

use crate::{pieces, plans};

/// The exit code of a mover from which another one has taken the work: `EX_TEMPFAIL` of BSD's `sysexits.h`.
const TAKEN_OVER: u8 = 75;
/// How long it waits before it goes on after a failure.
const PAUSE: Duration = Duration::from_millis(200);
/// How often it tries to lift a fence before it stops.
const STOPPING: usize = 20;
/// For how long nothing but failures may come of it.
const GIVES_UP: Duration = Duration::from_secs(60);

/// Moves the rows of services into databases of their own.
#[derive(Debug, Parser)]
#[command(name = "mover-06", version)]
pub struct Config {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// The database that the services share.
    #[arg(long, env, hide_env_values = true, value_name = "DATABASE_URL")]
    pub database_url: DatabaseUrl,
    /// The one of tasks and rules.
    #[arg(long, env, hide_env_values = true, value_name = "BACKLOG_DATABASE_URL")]
    pub backlog_database_url: DatabaseUrl,
    /// The one of messages.
    #[arg(long, env, hide_env_values = true, value_name = "NOTIFY_DATABASE_URL")]
    pub notify_database_url: DatabaseUrl,
}

/// What a mover is started for.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Move, and wait for what people say: before the cut-over, and after it.
    Move {
        /// Whose rows.
        #[command(flatten)]
        of: Of,
        /// Cut over as soon as both sides are alike, without waiting for `approve`.
        #[arg(long)]
        at_once: bool,
        /// For how many milliseconds writers may be stopped while rows are counted behind the fence; they give up after five seconds.
        #[arg(long, env, default_value_t = 4_000, value_name = "LONGEST_COUNT_MS")]
        longest_count_ms: u64,
        /// Halt at that point and wait to be killed: for tests.
        #[arg(long, env, hide = true)]
        mover_halts_at: Option<Halt>,
    },
    /// Say how far each move is, as a line of JSON.
    Status,
    /// The cut-over may begin.
    Approve(Of),
    /// The new database stays: what the old one has is dropped.
    Keep(Of),
    /// Back to the old database.
    Back(Of),
}

/// Whose rows.
#[derive(Debug, Clone, Args)]
pub struct Of {
    /// The services, a comma between two.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "all")]
    pub module: Vec<Module>,
}

/// A service whose rows move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Module {
    /// Tasks and rules.
    Backlog,
    /// Messages.
    Notify,
    /// Both, each a move of its own.
    All,
}

/// Does what it is started for; the exit code of the process.
#[must_use]
pub fn main(config: &Config) -> ExitCode {
    let mut taken_over = false;
    let code = process::run(async {
        let done = config.run().await;
        taken_over = done.as_ref().is_err_and(is_taken_over);
        done
    });
    if taken_over { TAKEN_OVER.into() } else { code }
}

impl Config {
    async fn run(&self) -> Result<()> {
        let stop = Stop::from_environment()?;
        match &self.command {
            Command::Move { of, at_once, longest_count_ms, mover_halts_at } => {
                let settings = Settings {
                    at_once: *at_once,
                    longest_count: Duration::from_millis(*longest_count_ms),
                    backfill: |source, target| Box::pin(pieces::backfill::backfill(source, target)),
                    points: Arc::new(Points::new(mover_halts_at.clone())),
                };
                let moves =
                    self.of(of)?.into_iter().map(|(plan, new)| self.move_rows(plan, new, &settings, &stop));
                // Each to its own end: a move that is dropped in the middle leaves a fence behind.
                futures::future::join_all(moves).await.into_iter().collect()
            }
            Command::Status => self.status().await,
            Command::Approve(of) => self.say(of, async |record| record.approve().await).await,
            Command::Keep(of) => self.say(of, async |record| record.decide(Decision::Keep).await).await,
            Command::Back(of) => self.say(of, async |record| record.decide(Decision::Back).await).await,
        }
    }

    /// The moves, each with its new database.
    fn of(&self, of: &Of) -> Result<Vec<(Plan, &DatabaseUrl)>, Misconfigured> {
        let all = [
            (Module::Backlog, plans::BACKLOG, &self.backlog_database_url, "BACKLOG_DATABASE_URL"),
            (Module::Notify, plans::NOTIFY, &self.notify_database_url, "NOTIFY_DATABASE_URL"),
        ];
        let wanted = all
            .into_iter()
            .filter(|(module, ..)| of.module.contains(&Module::All) || of.module.contains(module));
        let mut moves = Vec::new();
        for (_, plan, url, name) in wanted {
            config::can_move(&self.database_url, url, "DATABASE_URL", name)?;
            moves.push((plan, url));
        }
        Ok(moves)
    }

    /// Moves the rows of one service, until people have decided or the process is to stop. After a failure it begins again: whatever
    /// was done stays.
    async fn move_rows(&self, plan: Plan, new: &DatabaseUrl, settings: &Settings, stop: &Stop) -> Result<()> {
        let mut failing_since: Option<Instant> = None;
        let outcome = loop {
            let began = Instant::now();
            let life = self.life(plan, new, settings);
            let ended = tokio::select! {
                ended = life => ended,
                () = stop.wait() => {
                    // Taken over from itself: nobody must wait behind a fence until the next mover comes.
                    for _ in 0..STOPPING {
                        match self.lifted(plan, new, settings).await {
                            Err(fault) if !is_taken_over(&fault) => sleep(PAUSE).await,
                            _ => return Ok(()),
                        }
                    }
                    return self.lifted(plan, new, settings).await;
                }
            };
            match ended {
                Ok(outcome) => break outcome,
                Err(fault) if is_taken_over(&fault) || is_too_long(&fault) => return Err(fault),
                Err(fault) => {
                    if failing_since.is_none() || began.elapsed() > GIVES_UP {
                        failing_since = Some(Instant::now());
                    }
                    if failing_since.is_some_and(|since| since.elapsed() > GIVES_UP) {
                        return Err(fault.context("nothing but failures for a minute"));
                    }
                    tracing::warn!(
                        module = plan.module,
                        fault = format!("{fault:#}"),
                        "the move begins again"
                    );
                    sleep(PAUSE).await;
                }
            }
        };
        let outcome = match outcome {
            Outcome::Moved => "moved",
            Outcome::Back => "back",
            Outcome::Differs(rows) => {
                anyhow::bail!(
                    "{rows} rows of {} differ between the two databases; people work on the old one",
                    plan.module
                )
            }
        };
        println!("{}", json!({ "module": plan.module, "outcome": outcome }));
        Ok(())
    }

    /// What a mover does from its start to its end, or to a failure.
    async fn life(&self, plan: Plan, new: &DatabaseUrl, settings: &Settings) -> Result<Outcome> {
        let (old, new) = self.sides(new).await?;
        if Record::of(plan.module, &new).read().await.is_ok_and(|state| state.stage == "kept") {
            return Ok(Outcome::Moved);
        }
        let taken = Arc::new(Move::take(plan, old, new, settings.clone()).await?);
        let outcome = match taken.begin().await? {
            Some(outcome) => Ok(outcome),
            None => pieces::cut_over::cut_over(&Cutting(taken.clone())).await,
        };
        if outcome.is_err()
            && let Err(fault) = taken.open_again().await
        {
            tracing::warn!(module = plan.module, fault = format!("{fault:#}"), "a side stays closed");
        }
        let outcome = outcome?;
        taken.end(outcome).await?;
        Ok(outcome)
    }

    /// Takes the move, which lifts a fence that was left, and does no more.
    async fn lifted(&self, plan: Plan, new: &DatabaseUrl, settings: &Settings) -> Result<()> {
        let (old, new) = self.sides(new).await?;
        Move::take(plan, old, new, settings.clone()).await?;
        Ok(())
    }

    async fn sides(&self, new: &DatabaseUrl) -> Result<(Store, Store)> {
        Ok((Store::connect(&self.database_url).await?, Store::connect(new).await?))
    }

    async fn status(&self) -> Result<()> {
        let mut modules = Vec::new();
        let old = Store::connect(&self.database_url).await?;
        for (plan, new) in self.of(&Of { module: vec![Module::All] })? {
            let new = Store::connect(new).await?;
            let mut status = match Record::of(plan.module, &new).find().await? {
                Some(state) => json!(state),
                // Nothing has begun.
                None => {
                    json!({ "module": plan.module, "stage": "waiting", "copied": 0, "of": 0, "copying_ms": 0, "differing": 0, "pause_ms": null })
                }
            };
            status["lag"] = moving::lag(&plan, &old, &new).await?.into();
            modules.push(status);
        }
        println!("{}", json!({ "modules": modules }));
        Ok(())
    }

    /// Writes down what somebody says of some moves.
    async fn say(&self, of: &Of, what: impl AsyncFn(Record<'_>) -> Result<(), Fault>) -> Result<()> {
        for (plan, new) in self.of(of)? {
            what(Record::of(plan.module, &Store::connect(new).await?)).await?;
        }
        Ok(())
    }
}

/// Whether another mover has the work now.
fn is_taken_over(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Fault>().is_some_and(TakenOver::is)
}

/// Whether writers would be stopped for longer than people accept.
fn is_too_long(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Fault>().is_some_and(TooLong::is)
}
