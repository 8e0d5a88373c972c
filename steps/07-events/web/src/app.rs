//! The composition root of `web`: who is asked, who is heard, and what is answered.

use std::{net::IpAddr, sync::Arc};

use anyhow::Context;
use automator_api::LONGEST_BODY;
use automator_pages as pages;
use chassis::{
    http,
    process::{self, Lack, Service},
    serve::Stop,
    session::Sessions,
};
use step_02_backlog as backlog;
use step_02_team::{self as team, Module};
use step_02_web as web;
use step_04_client::store_and_forward::StoreAndForward;
use step_07_service::{
    Frame, Tables,
    command::{self, Command, Once},
};

use crate::{config::Config, consumer::Wishes, messages::Messages, ports};

impl Service for Config {
    fn command(&self) -> Option<process::Command> {
        Command::of_process(self.command)
    }

    fn address(&self) -> (IpAddr, u16) {
        self.server.address()
    }

    async fn lacks(&self) -> anyhow::Result<Option<Lack>> {
        Ok(tables().lacking_at(&self.database.database_url).await?)
    }

    async fn migrate(&self) -> anyhow::Result<()> {
        Ok(tables().migrate_at(&self.database.database_url).await?)
    }

    async fn serve(&self, stop: Stop) -> anyhow::Result<()> {
        self.server.check()?;
        let mut frame = Frame::open("web", &self.database.database_url, &self.messages, stop).await?;
        let store = frame.store.clone();
        let team = Module::new(store.clone()).await;
        let team = Arc::new(team.context("the database is not ready; has `web migrate` been run?")?);
        let opened =
            ports::open(&self.asked, &frame.token, team.clone(), store.clone(), &mut frame.background);
        let (ports, notify) = opened.await?;
        let messages = Messages { team: team.clone(), notify }.errands(store);
        messages.work(&mut frame.background)?;
        frame.hears(Arc::new(Wishes { messages, assignees_are_told: self.backlog.tell_assignees }))?;
        let api = backlog::router(ports.backlog.clone())
            .merge(team::router(team))
            .merge(web::router(ports.clone()));
        let token = &self.server.automator_api_token;
        let routes = http::guarded(api, token.clone(), LONGEST_BODY)
            .merge(web::pages(ports, self.catalogue.catalogue()?, Sessions::new(token)?))
            .merge(automator_api::router())
            .merge(frame.internal());
        let router = pages::framed(routes, self.server.names(), frame.health(), &frame.background.metrics);
        frame.serve(self.server.address(), router).await
    }
}

impl Once for Config {
    fn is_once(&self) -> bool {
        matches!(self.command, Some(Command::Retell))
    }

    async fn once(&self) -> anyhow::Result<String> {
        command::retold(&self.database.database_url, async |store| team::retell(store).await).await
    }
}

fn tables() -> Tables {
    Tables::with(vec![("team", team::migrations()), ("handover", StoreAndForward::migrations())])
}
