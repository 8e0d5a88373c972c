//! The composition root of `insights`.

use std::{net::IpAddr, sync::Arc};

use anyhow::Context;
use automator_api::LONGEST_BODY;
use axum::{Json, routing::get};
use chassis::{
    http,
    process::{self, Lack, Service},
    serve::Stop,
};
use step_02_insights::{self as module, Module};
use step_07_service::{Frame, Tables};

use crate::{
    config::{Command, Config},
    consumer::Facts,
    internal,
};

/// What clients ask for measures.
const PATHS: [&str; 2] = ["/api/measures", "/api/leaderboard"];

impl Service for Config {
    fn command(&self) -> Option<process::Command> {
        match self.command {
            Some(Command::Process(command)) => Some(command),
            Some(Command::Rebuild) | None => None,
        }
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
        let mut frame = Frame::open("insights", &self.database.database_url, &self.messages, stop).await?;
        let insights = Module::new(frame.store.clone(), Arc::new(self.catalogue.catalogue()?)).await;
        let insights =
            Arc::new(insights.context("the database is not ready; has `insights migrate` been run?")?);
        frame.hears(Arc::new(Facts(insights.clone())))?;
        let document = internal::described(&PATHS);
        let token = self.server.automator_api_token.clone();
        let routes = http::guarded(module::router(insights.clone()), token, LONGEST_BODY)
            .merge(internal::router(insights, frame.token.clone()))
            .route("/openapi.json", get(move || async move { Json(document) }));
        let router = frame.over_http(routes, self.server.names());
        frame.serve(self.server.address(), router).await
    }
}

fn tables() -> Tables {
    Tables::with(vec![("insights", module::migrations())])
}
