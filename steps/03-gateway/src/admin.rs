//! What the gateway says of itself, below `/gateway`: on this machine, or to whoever shows the token.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use chassis::{
    Problem,
    auth::{self, WriteToken},
    health::Health,
};
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use hyper::body::Incoming;
use kit_03_strangler::Counts;
use proxy::headers::Peer;
use serde::Serialize;
use tower::ServiceExt;

use crate::{
    reload::{Live, Status},
    table::Rule,
};

/// Where paths are the gateway's own.
pub const PREFIX: &str = "/gateway";

/// The gateway's own routes.
#[derive(Debug, Clone)]
pub struct Admin {
    open: Router,
    guarded: Router,
    token: WriteToken,
}

impl Admin {
    /// Shows what `live` knows.
    #[must_use]
    pub fn new(live: Arc<Live>, health: Health, token: WriteToken) -> Self {
        let guarded =
            Router::new().route("/gateway/routes", get(routes)).route("/gateway/shadow", get(shadow));
        Self {
            // Whoever asks for health (a platform, a load balancer) is somewhere else, and learns nothing by it.
            open: chassis::http::frame(Router::new().nest(PREFIX, health.router())),
            guarded: chassis::http::frame(guarded.with_state(live)),
            token,
        }
    }

    /// Answers a request below [`PREFIX`].
    pub async fn answer(&self, request: Request<Incoming>, peer: &Peer) -> Response {
        let request = request.map(axum::body::Body::new);
        let is_health = request.uri().path().starts_with("/gateway/health/");
        let answered = if is_health {
            self.open.clone().oneshot(request).await
        } else {
            match self.may_see(request.headers(), peer) {
                Ok(true) => self.guarded.clone().oneshot(request).await,
                Ok(false) => return unauthorized(),
                Err(wait) => return *wait,
            }
        };
        answered.unwrap_or_else(|never| match never {})
    }

    /// Somebody at this machine, by a name that only this machine has (a foreign page's name may lead here too), and not by way
    /// of another proxy; or somebody with the token.
    ///
    /// # Errors
    /// The answer to somebody who has shown too many wrong ones.
    fn may_see(&self, headers: &HeaderMap, peer: &Peer) -> Result<bool, Box<Response>> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let is_here = peer.address.is_loopback()
            && text(header::HOST).is_some_and(auth::is_loopback_name)
            && !headers.contains_key(header::FORWARDED)
            && !headers.contains_key("x-forwarded-for");
        match &self.token {
            Some(token) if !is_here => auth::shown_by(&peer.address.to_string(), token, headers),
            _ => Ok(is_here),
        }
    }
}

fn unauthorized() -> Response {
    let detail = "ask from this machine, or with the header Authorization: Bearer <AUTOMATOR_API_TOKEN>";
    let mut response = Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail).into_response();
    let challenge = HeaderValue::from_static(r#"Bearer realm="gateway""#);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}

/// `GET /gateway/routes`: the table in use, and why the file is not, if it is not.
async fn routes(State(live): State<Arc<Live>>) -> impl IntoResponse {
    #[derive(Serialize)]
    struct Shown {
        #[serde(flatten)]
        status: Status,
        routes: Vec<Rule>,
    }
    let routes = live.table().routes().iter().map(|route| route.rule.clone()).collect();
    Json(Shown { status: live.status(), routes })
}

/// `GET /gateway/shadow`: of each route that has one, how often the answers were the same, and where not.
async fn shadow(State(live): State<Arc<Live>>) -> impl IntoResponse {
    #[derive(Serialize)]
    struct Shown {
        routes: Vec<Shadowed>,
    }
    #[derive(Serialize)]
    struct Shadowed {
        route: String,
        #[serde(flatten)]
        counts: Counts,
    }
    let table = live.table();
    let routes = table.routes().iter().filter_map(|route| {
        let counts = route.shadow.as_ref()?.counts();
        Some(Shadowed { route: route.rule.name.clone(), counts })
    });
    Json(Shown { routes: routes.collect() })
}
