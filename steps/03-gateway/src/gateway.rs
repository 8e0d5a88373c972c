//! One request on its way through.

use std::sync::Arc;

use axum::response::IntoResponse;
use chassis::{Fault, Problem};
use http::{
    HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header, request::Parts,
    uri::PathAndQuery,
};
use hyper::body::{Body, Incoming};
use proxy::{
    Error,
    body::{Passed, Upload},
    budget::Budget,
    headers::{self, Peer},
    hop_by_hop,
    path::Readings,
    server::Handler,
    tunnel,
    via::Via,
};
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    admin::Admin,
    context,
    download::Download,
    pieces::switch::Upstream,
    reload::Live,
    shadowing::{Copied, Note},
    table::{Route, Target},
};

/// All that the requests of a gateway share.
#[derive(Debug)]
pub struct Gateway {
    /// Who answers what.
    pub live: Arc<Live>,
    /// What answers below [`crate::admin::PREFIX`].
    pub admin: Admin,
    /// Ends tunnels.
    pub stop: CancellationToken,
    /// Everything that is under way.
    pub under_way: TaskTracker,
    /// What the gateway calls itself on the way.
    pub via: Via,
    /// For the bodies of requests that upstreams have not taken yet.
    pub uploads: Budget,
}

impl Handler for Gateway {
    type Body = Download;

    async fn answer(&self, request: Request<Incoming>, peer: &Peer) -> Response<Download> {
        let (mut head, body) = request.into_parts();
        let asked = RequestLine { method: head.method.clone(), uri: head.uri.clone() };
        // Before the first header is changed: what follows judges the request as it came.
        let path = match headers::check(&head).and_then(|()| asked.path()) {
            Ok(path) => path,
            Err(error) => return asked.refused(&error, None),
        };
        let table = self.live.table();
        let route = match table.find(&path, &head.headers) {
            Ok(Target::Route(route)) => route,
            Ok(Target::Own) => {
                return self.admin.answer(Request::from_parts(head, body), peer).await.map(Download::Own);
            }
            Err(error) => return asked.refused(&error, None),
        };
        let upgrade = hop_by_hop::upgrade(&head.headers).filter(|_| head.version == Version::HTTP_11);
        let passed = headers::pass_on(&mut head, peer, &self.via);
        let id = context::identify(&mut head.headers);
        if let Err(error) = passed {
            return asked.refused(&error, Some(id));
        }
        match self.forward(route, head, body, upgrade).await {
            Ok(mut answer) => {
                context::name_request(answer.headers_mut(), id);
                answer
            }
            Err(error) => asked.refused(&error, Some(id)),
        }
    }
}

impl Gateway {
    /// Sends a request to the upstream of its route and passes the answer on.
    async fn forward(
        &self,
        route: &Route,
        mut head: Parts,
        body: Incoming,
        upgrade: Option<HeaderValue>,
    ) -> Result<Response<Download>, Error> {
        let limit = route.rule.body_limit;
        if body.size_hint().lower() > limit {
            return Err(Error::TooLarge(limit));
        }
        let (side, upstream) = route.choose(&head.headers);
        let target = head.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        let note = route.shadow.as_ref().filter(|_| side == Upstream::Old && upgrade.is_none());
        let note = note.map(|shadow| shadow.note(&head.method, target.as_str(), &head.headers));
        let client = upgrade.as_ref().and_then(|_| head.extensions.remove());
        if let Some(protocol) = &upgrade {
            hop_by_hop::set_upgrade(&mut head.headers, protocol.clone());
        }
        let upload = Upload::new(body, limit, &self.uploads);
        let trouble = upload.trouble();
        // Origin form, whatever form came.
        head.uri = Uri::from(target);
        head.version = Version::HTTP_11;
        let patience = context::allow(&mut head.headers, route.timeout());
        let sent = timeout(patience, upstream.send(Request::from_parts(head, upload))).await;
        let sent = sent.unwrap_or(Err(Error::Late));
        let (answer, lease) = sent.map_err(|error| trouble.error().unwrap_or(error))?;
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            return self.switch(client, answer);
        }
        let (mut head, body) = answer.into_parts();
        // What the upstream speaks is between it and us.
        head.version = Version::HTTP_11;
        hop_by_hop::remove(&mut head.headers);
        let note = note.and_then(|note| note.answered(&head));
        let passed = Passed::new(body, lease, route.timeout());
        Ok(Response::from_parts(head, copied(passed, note).await))
    }

    /// Both sides leave HTTP: what they say from now on is carried.
    fn switch(
        &self,
        client: Option<hyper::upgrade::OnUpgrade>,
        mut answer: Response<Incoming>,
    ) -> Result<Response<Download>, Error> {
        let protocol = hop_by_hop::upgrade(answer.headers());
        let (Some(client), Some(protocol)) = (client, protocol) else { return Err(Error::Broken(None)) };
        let upstream = hyper::upgrade::on(&mut answer);
        self.under_way.spawn(tunnel::carry(client, upstream, self.stop.clone()));
        let (mut head, _) = answer.into_parts();
        hop_by_hop::remove(&mut head.headers);
        hop_by_hop::set_upgrade(&mut head.headers, protocol);
        Ok(Response::from_parts(head, Download::Own(axum::body::Body::empty())))
    }
}

/// The answer's body; a copy of it for whoever noted the request. Where there is no body, the copy is complete already.
async fn copied(passed: Passed, note: Option<Note>) -> Download {
    match note {
        None => Download::Passed(passed),
        Some(note) if passed.is_end_stream() => {
            note.offer().await;
            Download::Passed(passed)
        }
        Some(note) => Download::Copied(Box::new(Copied::new(passed, note))),
    }
}

/// What a request asked for.
struct RequestLine {
    method: Method,
    uri: Uri,
}

impl RequestLine {
    /// The path, of a request that means the same to everybody.
    fn path(&self) -> Result<Readings<'_>, Error> {
        match self.method {
            Method::CONNECT => Err(Error::Connect),
            // The server as a whole: whoever answers where nobody else does.
            _ if self.uri.path() == "*" => Readings::of("/").map_err(Error::Ambiguous),
            _ => Readings::of(self.uri.path()).map_err(Error::Ambiguous),
        }
    }

    /// The answer in place of an upstream's.
    fn refused(&self, error: &Error, id: Option<HeaderValue>) -> Response<Download> {
        // The path alone: a query may carry what does not belong into a log.
        let (method, path) = (&self.method, self.uri.path());
        if error.is_ours() {
            let cause = std::error::Error::source(error);
            tracing::warn!(?id, %method, path, cause, "{error}");
        } else {
            tracing::debug!(?id, %method, path, "{error}");
        }
        let mut answer = problem(error).map(Download::Own);
        if let Some(id) = id {
            context::name_request(answer.headers_mut(), id);
        }
        answer
    }
}

/// What a client is told, as Automator says it.
fn problem(error: &Error) -> Response<axum::body::Body> {
    let problem = |kind| Problem::new(error.status(), kind, error.to_string()).into_response();
    let mut answer = match error {
        Error::Ambiguous(_) => problem("ambiguous-request"),
        Error::Incomplete => problem("incomplete"),
        Error::Connect | Error::LastHop => problem("method-not-allowed"),
        Error::NoRoute => problem("no-route"),
        Error::TooLarge(_) => problem("too-large"),
        Error::Broken(_) => problem("bad-gateway"),
        Error::Loop => problem("loop"),
        Error::Unreachable(_) => Fault::Unavailable("the upstream".to_owned()).into_response(),
        Error::Late => Fault::DeadlineExceeded.into_response(),
    };
    if error.closes() {
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}
