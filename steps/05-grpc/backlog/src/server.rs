//! The server: backlog, health and reflection on one port, and `/health/…` over HTTP/1.1 beside them for whoever does not
//! speak gRPC.

use std::sync::Arc;

use axum::Router;
use chassis::{auth::Secret, health::Health, serve::Stop};
use step_02_contracts::{Backlog, Handler};
use step_05_api::{DESCRIPTORS, LONGEST_MESSAGE, v1::backlog_server::BacklogServer};
use tonic::{
    Status,
    service::{Routes, interceptor::InterceptedService},
};
use tower_http::catch_panic::CatchPanicLayer;

use crate::{adapter::Adapter, health::watch, token::Token};

/// The service over any backlog, behind the token of services.
type Service = InterceptedService<BacklogServer<Adapter>, Token>;

/// Any backlog, and who takes what others tell, as a service that wants `token`.
#[must_use]
pub fn service(backlog: Arc<dyn Backlog>, handler: Arc<dyn Handler>, token: Secret) -> Service {
    let server = BacklogServer::new(Adapter { backlog, handler });
    let server = server.max_decoding_message_size(LONGEST_MESSAGE).max_encoding_message_size(LONGEST_MESSAGE);
    InterceptedService::new(server, Token(token))
}

/// What [`chassis::serve`] serves, and the work that keeps its health up to date until `stop`. Health and reflection want no
/// token: they say nothing that this repository does not.
///
/// # Errors
/// The descriptors cannot be read.
pub fn router(
    service: Service,
    health: Health,
    stop: Stop,
) -> Result<(Router, impl Future<Output = ()> + Send + 'static), tonic_reflection::server::Error> {
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .build_v1()?;
    let (reporter, grpc_health) = tonic_health::server::health_reporter();
    let routes = Routes::new(service).add_service(grpc_health).add_service(reflection).into_axum_router();
    let router = routes.merge(health.clone().router()).layer(CatchPanicLayer::custom(|_| {
        Status::internal("internal error").into_http::<axum::body::Body>()
    }));
    Ok((router, watch(health, reporter, stop)))
}
