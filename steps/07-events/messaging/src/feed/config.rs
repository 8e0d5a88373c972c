//! Where the feed is, as the environment says.

use std::sync::Arc;

use chassis::{auth::Secret, config::http_url, process::Misconfigured};
use clap::Args;

use super::{
    Feed,
    embedded::Embedded,
    nats::{Nats, NatsUrl},
};

/// Where messages go, and come from.
#[derive(Debug, Clone, Args)]
pub struct FeedConfig {
    /// Address of the process `feed`.
    #[arg(long, env, value_name = "FEED_URL", value_parser = http_url)]
    pub feed_url: Option<reqwest::Url>,
    /// Address of a NATS server with JetStream: it is the feed then, and no `feed` is asked.
    #[arg(long, env, value_name = "NATS_URL", hide_env_values = true)]
    pub nats_url: Option<NatsUrl>,
}

impl FeedConfig {
    /// The feed. Nobody is asked yet: it need not be there when a process starts. `token` is the one that our services share.
    ///
    /// # Errors
    /// [`Misconfigured`] when no address is set, or one of `feed` and no token; no certificate store.
    pub fn open(&self, token: Option<&Secret>) -> anyhow::Result<Arc<dyn Feed>> {
        if let Some(url) = &self.nats_url {
            return Ok(Arc::new(Nats::new(url.clone())));
        }
        let Some(url) = &self.feed_url else {
            return Err(Misconfigured("neither FEED_URL nor NATS_URL is set".to_owned()).into());
        };
        let Some(token) = token else {
            return Err(Misconfigured("FEED_URL is set, but SERVICE_TOKEN is not".to_owned()).into());
        };
        Ok(Arc::new(Embedded::new(url.clone(), token.clone())?))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Config {
        #[command(flatten)]
        feed: FeedConfig,
    }

    fn opened(arguments: &[&str], token: Option<&Secret>) -> Result<String, String> {
        let all = [&["x"], arguments].concat();
        let config = Config::try_parse_from(all).map_err(|error| error.to_string())?;
        let feed = config.feed.open(token).map_err(|error| error.to_string())?;
        Ok(format!("{feed:?}").split(['(', ' ']).next().unwrap_or_default().to_owned())
    }

    #[test]
    fn nats_comes_before_feed_and_what_is_missing_or_wrong_is_named() {
        let token: Secret = "between-services".parse().unwrap();
        let (feed, nats) = ("--feed-url=http://127.0.0.1:1", "--nats-url=nats://127.0.0.1:2");
        assert_eq!(opened(&[feed], Some(&token)).unwrap(), "Embedded");
        assert_eq!(opened(&[feed, nats], None).unwrap(), "Nats");
        assert_eq!(opened(&[feed], None).unwrap_err(), "FEED_URL is set, but SERVICE_TOKEN is not");
        assert_eq!(opened(&[], Some(&token)).unwrap_err(), "neither FEED_URL nor NATS_URL is set");
        for wrong in
            ["--nats-url=http://127.0.0.1:2", "--nats-url=127.0.0.1:2", "--feed-url=nats://127.0.0.1"]
        {
            assert!(opened(&[wrong], None).unwrap_err().contains("invalid value"), "{wrong}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_shown_nowhere() {
        let url = "--nats-url=tls://of-the-app:canary@nats.example:4222/canary?canary";
        let config = Config::try_parse_from(["x", url]).unwrap();
        let feed = config.feed.open(None).unwrap();
        for shown in [format!("{config:?}"), format!("{feed:?}")] {
            assert!(shown.contains("tls://nats.example:4222"), "{shown}");
            assert!(!shown.contains("canary") && !shown.contains("of-the-app"), "{shown}");
        }
    }
}
