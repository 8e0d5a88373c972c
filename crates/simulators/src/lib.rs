//! GitHub, SendGrid and Twilio in one process, on one port, for a workshop without accounts.
//!
//! | | |
//! |---|---|
//! | GitHub | `POST /graphql`; webhooks that it signs |
//! | SendGrid | `POST /v3/mail/send` |
//! | Twilio | `POST /2010-04-01/Accounts/{sid}/Messages.json` |
//! | control | `/control/calls`, `/control/faults`, `/control/github/…`: what was sent, what fails, what happens |
//!
//! Tests and drills steer them at the same port:
//!
//! ```sh
//! curl localhost:9000/control/calls?service=sendgrid            # what was sent; DELETE forgets it
//! curl localhost:9000/control/faults -d '{"service": "github", "kind": "rate_limit", "times": null, "reset_after_seconds": 5}'
//! curl localhost:9000/control/faults -d '{"service": "twilio", "kind": "cut", "after": true}'
//! curl -X DELETE localhost:9000/control/faults
//! curl localhost:9000/control/github                            # repositories, items, maintainers
//! curl localhost:9000/control/github/timeline?repository=sendgrid/rest  # who said what when, item by item
//! curl localhost:9000/control/github/events -d '{"repository": "sendgrid/rest", "action": "opened", "deliver_to": "http://localhost:8080/webhooks/github"}'
//! curl localhost:9000/control/github/deliver -d '{"url": "http://localhost:8080/webhooks/github", "event": "ping", "payload": {}}'
//! ```
//!
//! Kinds of faults:
//!
//! | | |
//! |---|---|
//! | `rate_limit` | the hour is spent: GitHub answers 200 with the error type `RATE_LIMIT`, the others 429 |
//! | `secondary_limit` | too much at once: GitHub answers 403 with `Retry-After`, with `"status": 429` that, with `"status": 200` an error whose message alone says so; `"silent": true` leaves `Retry-After` out |
//! | `timeout` | GitHub's 200 with `Something went wrong while executing your query`, an error without a type |
//! | `heavy` | a page of more than `items` issues or pull requests is too much for GitHub: the error type `RESOURCE_LIMITS_EXCEEDED`, or `status` |
//! | `forbidden` | GitHub does not show `field` (`comments`, `labels`, `reviews`) of an item, or of the one with `number` only: an error beside the rest |
//! | `status`, `delay` | an answer with `status`; the right one, `delay_ms` late |
//! | `cut`, `malformed` | half of an answer, then the connection ends; JSON that ends in the middle |
//!
//! Actions on an item: `opened`, `edited`, `labeled`, `unlabeled`, `commented`, `comment_deleted`, `closed`,
//! `reopened`, `merged`, `reviewed`; and of an issue `deleted` and `transferred`, after which it is not there any more.
//!
//! The data is generated from a seed and stands still at [`NOW`]; nothing is kept when the process ends.
//!
//! Run with `cargo run -p simulators -- --port 9000`, or through [`run`].

mod calls;
mod control;
mod faults;
mod github;
mod observe;
mod random;
mod sendgrid;
mod state;
mod twilio;

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
};

use axum::{
    Router,
    http::{HeaderValue, header},
    middleware,
    response::Response,
    routing::{get, post},
};
use clap::Args;
use jiff::Timestamp;
use tokio::net::TcpListener;

use chassis::{health::Health, process::Misconfigured, serve::Stop};
use faults::Service;

pub use github::webhook::sign;
pub use state::State;

/// The hour at which the simulated world stands still, unless `--now` says another.
pub const NOW: &str = "2019-07-15T00:00:00Z";

/// Where the generated data comes from unless `--seed` says another.
pub const SEED: u64 = 2019;
/// Default of `GITHUB_TOKEN`: none of these opens anything but the simulators.
pub const GITHUB_TOKEN: &str = "workshop-github-token";
/// Default of `GITHUB_WEBHOOK_SECRET`.
pub const GITHUB_WEBHOOK_SECRET: &str = "workshop-webhook-secret";
/// Default of `SENDGRID_API_KEY`.
pub const SENDGRID_API_KEY: &str = "workshop-sendgrid-key";
/// Default of `TWILIO_ACCOUNT_SID`.
pub const TWILIO_ACCOUNT_SID: &str = "workshop-twilio-account";
/// Default of `TWILIO_AUTH_TOKEN`.
pub const TWILIO_AUTH_TOKEN: &str = "workshop-twilio-token";

/// What the simulators are told at start.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Port to listen at; 0 for any that is free.
    #[arg(long, env = "PORT", value_name = "PORT", default_value_t = 9000)]
    pub port: u16,
    /// Address to listen at.
    #[arg(long, env = "HOST", value_name = "HOST", default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// Merged pull requests as JSON lines, in place of generated data.
    #[arg(long, env = "SIMULATORS_DATA", value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// TOML file of repositories, in place of the built-in catalogue.
    #[arg(long, env = "AUTOMATOR_CATALOGUE", value_name = "FILE")]
    pub catalogue: Option<PathBuf>,
    /// Where the generated data comes from: the same number, the same data.
    #[arg(long, env = "SIMULATORS_SEED", value_name = "NUMBER", default_value_t = SEED)]
    pub seed: u64,
    /// The hour at which the simulated world stands still.
    #[arg(long, value_name = "RFC3339", default_value = NOW)]
    pub now: Timestamp,
    /// Points an hour that GitHub's rate limit gives.
    #[arg(long, value_name = "NUMBER", default_value_t = github::POINTS)]
    pub github_points: i32,
    /// Token that GitHub's clients have to show.
    #[arg(long, env = "GITHUB_TOKEN", hide_env_values = true, default_value = GITHUB_TOKEN)]
    pub github_token: String,
    /// Secret with which GitHub's webhooks are signed.
    #[arg(
        long,
        env = "GITHUB_WEBHOOK_SECRET",
        hide_env_values = true,
        default_value = GITHUB_WEBHOOK_SECRET
    )]
    pub github_webhook_secret: String,
    /// Key that SendGrid's clients have to show.
    #[arg(long, env = "SENDGRID_API_KEY", hide_env_values = true, default_value = SENDGRID_API_KEY)]
    pub sendgrid_api_key: String,
    /// Account that Twilio's clients name.
    #[arg(long, env = "TWILIO_ACCOUNT_SID", default_value = TWILIO_ACCOUNT_SID)]
    pub twilio_account_sid: String,
    /// Token that Twilio's clients have to show.
    #[arg(long, env = "TWILIO_AUTH_TOKEN", hide_env_values = true, default_value = TWILIO_AUTH_TOKEN)]
    pub twilio_auth_token: String,
}

impl Default for Options {
    /// What the command line and an empty environment give.
    fn default() -> Self {
        Self {
            port: 9000,
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            data: None,
            catalogue: None,
            seed: SEED,
            now: NOW.parse().unwrap_or_default(),
            github_points: github::POINTS,
            github_token: GITHUB_TOKEN.to_owned(),
            github_webhook_secret: GITHUB_WEBHOOK_SECRET.to_owned(),
            sendgrid_api_key: SENDGRID_API_KEY.to_owned(),
            twilio_account_sid: TWILIO_ACCOUNT_SID.to_owned(),
            twilio_auth_token: TWILIO_AUTH_TOKEN.to_owned(),
        }
    }
}

/// The logins of those who maintain the generated repositories. A team of exactly these makes the
/// generated conversations meaningful: everybody else is the community.
#[must_use]
pub fn maintainers() -> [&'static str; 5] {
    github::words::MAINTAINERS
}

/// All routes over `state`, health apart.
pub fn router(state: State) -> Router {
    let observed = |service| middleware::from_fn_with_state((service, state.clone()), observe::observe);
    let github = Router::new()
        .route("/graphql", post(github::graphql))
        .layer(middleware::from_fn_with_state(state.clone(), github::authenticate))
        .layer(observed(Service::GitHub));
    let sendgrid =
        Router::new().route("/v3/mail/send", post(sendgrid::send)).layer(observed(Service::SendGrid));
    let twilio = Router::new()
        .route("/2010-04-01/Accounts/{sid}/Messages.json", post(twilio::send))
        .layer(observed(Service::Twilio));
    github
        .merge(sendgrid)
        .merge(twilio)
        .merge(control::router())
        .route("/", get(|| async { "Simulators of GitHub, SendGrid and Twilio. See /control/calls.\n" }))
        .layer(middleware::map_response(unsniffed))
        .with_state(state)
}

/// Nobody may read JSON as a page, whatever it contains.
async fn unsniffed(mut response: Response) -> Response {
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Serves until told to stop (see [`Stop::from_environment`]).
///
/// # Errors
/// [`Misconfigured`] when a file is wrong; the address cannot be had.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let address = (options.host, options.port);
    let state = State::new(options)?;
    let stop = Stop::from_environment()?;
    let health = Health::new(stop.clone());
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Misconfigured(format!("cannot listen at {}:{} (HOST, PORT): {error}", address.0, address.1))
    })?;
    tracing::info!(repositories = state.repositories(), items = state.items(), "simulated world is ready");
    chassis::serve::run(listener, router(state).merge(health.router()), stop).await?;
    Ok(())
}
