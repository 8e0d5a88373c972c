//! The composition root of `github`.

use std::{net::IpAddr, sync::Arc};

use anyhow::Context;
use automator_api::LONGEST_BODY;
use axum::{Json, routing::get};
use chassis::{
    http,
    process::{self, Lack, Service},
    serve::Stop,
};
use step_02_github::{self as module, Module};
use step_07_service::{
    Frame, Tables,
    command::{self, Command, Once},
};

use crate::{comments::Comments, config::Config, consumer::Messages, internal};

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
        let mut frame = Frame::open("github", &self.database.database_url, &self.messages, stop).await?;
        let (catalogue, client) = (Arc::new(self.catalogue.catalogue()?), self.github.client()?);
        let github = Module::new(frame.store.clone(), catalogue, client).await;
        let github = Arc::new(github.context("the database is not ready; has `github migrate` been run?")?);
        let comments = Comments(github.clone()).errands(frame.store.clone());
        comments.work(&mut frame.background)?;
        github.work(&mut frame.background);
        frame.hears(Arc::new(Messages { github: github.clone(), comments }))?;
        let document = internal::described(&module::PATHS);
        let token = self.server.automator_api_token.clone();
        let routes = http::guarded(module::router(github.clone()), token, LONGEST_BODY)
            .merge(module::intake(github.clone(), self.github.github_webhook_secret.clone()))
            .merge(internal::router(github, frame.token.clone()))
            .route("/openapi.json", get(move || async move { Json(document) }));
        let router = frame.over_http(routes, self.server.names());
        frame.serve(self.server.address(), router).await
    }
}

impl Once for Config {
    fn is_once(&self) -> bool {
        matches!(self.command, Some(Command::Retell))
    }

    async fn once(&self) -> anyhow::Result<String> {
        command::retold(&self.database.database_url, async |store| module::retell(store).await).await
    }
}

fn tables() -> Tables {
    Tables::with(vec![("github", module::migrations())])
}
