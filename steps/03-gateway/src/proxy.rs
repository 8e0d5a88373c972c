//! One request on its way through.

use std::sync::Arc;

use axum::response::IntoResponse;
use chassis::serve::Stop;
use http::{
    HeaderValue, Method, Request, Response, StatusCode, Uri, Version, request::Parts, uri::PathAndQuery,
};
use hyper::body::{Body, Incoming};
use ipnet::IpNet;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::{
    admin::Admin,
    body::{Download, Passed, Upload},
    headers::{self, Peer},
    path::Readings,
    pieces::switch::Upstream,
    refusal::Refusal,
    reload::Live,
    shadowing::{Copied, Note},
    table::{Route, Target},
    tunnel,
};

/// All that the requests of a gateway share.
#[derive(Debug)]
pub struct Gateway {
    /// Who answers what.
    pub live: Arc<Live>,
    /// What answers below [`crate::admin::PREFIX`].
    pub admin: Admin,
    /// The proxies that are believed.
    pub trusted: Vec<IpNet>,
    /// Ends tunnels.
    pub stop: Stop,
    /// Everything that is under way.
    pub under_way: TaskTracker,
}

impl Gateway {
    /// Answers a request, in any case.
    pub async fn answer(&self, request: Request<Incoming>, peer: &Peer) -> Response<Download> {
        let (mut head, body) = request.into_parts();
        let asked = Asked { method: head.method.clone(), uri: head.uri.clone() };
        // Before the first header is changed: what follows judges the request as it came.
        let path = match headers::check(&head).and_then(|()| asked.path()) {
            Ok(path) => path,
            Err(refusal) => return asked.refused(refusal, None),
        };
        let table = self.live.table();
        let route = match table.find(&path, &head.headers) {
            Ok(Target::Route(route)) => route,
            Ok(Target::Own) => {
                return self.admin.answer(Request::from_parts(head, body), peer).await.map(Download::Own);
            }
            Err(refusal) => return asked.refused(refusal, None),
        };
        let upgrade = headers::upgrade(&head.headers).filter(|_| head.version == Version::HTTP_11);
        let id = headers::pass_on(&mut head.headers, peer);
        match self.forward(route, head, body, upgrade).await {
            Ok(mut answer) => {
                headers::name_request(answer.headers_mut(), id);
                answer
            }
            Err(refusal) => asked.refused(refusal, Some(id)),
        }
    }

    /// Sends a request to the upstream of its route and passes the answer on.
    async fn forward(
        &self,
        route: &Route,
        mut head: Parts,
        body: Incoming,
        upgrade: Option<HeaderValue>,
    ) -> Result<Response<Download>, Refusal> {
        let limit = route.rule.body_limit;
        if body.size_hint().lower() > limit {
            return Err(Refusal::TooLarge(limit));
        }
        let (side, upstream) = route.choose(&head.headers);
        let target = head.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        let note = route.shadow.as_ref().filter(|_| side == Upstream::Old && upgrade.is_none());
        let note = note.map(|shadow| shadow.note(&head.method, target.as_str(), &head.headers));
        let client = upgrade.as_ref().and_then(|_| head.extensions.remove());
        if let Some(protocol) = &upgrade {
            headers::set_upgrade(&mut head.headers, protocol.clone());
        }
        let upload = Upload::new(body, limit);
        let exceeded = upload.exceeded();
        // Origin form, whatever form came.
        head.uri = Uri::from(target);
        head.version = Version::HTTP_11;
        let patience = headers::allow(&mut head.headers, route.timeout());
        let sent = timeout(patience, upstream.send(Request::from_parts(head, upload))).await;
        let (answer, lease) = sent.unwrap_or(Err(Refusal::Late)).map_err(|refusal| match refusal {
            _ if exceeded.is_set() => Refusal::TooLarge(limit),
            refusal => refusal,
        })?;
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            return self.switch(client, answer);
        }
        let (mut head, body) = answer.into_parts();
        headers::remove_hop_by_hop(&mut head.headers);
        let note = note.and_then(|note| note.answered(&head));
        let passed = Passed::new(body, lease, route.timeout());
        Ok(Response::from_parts(head, copied(passed, note).await))
    }

    /// Both sides leave HTTP: what they say from now on is carried.
    fn switch(
        &self,
        client: Option<hyper::upgrade::OnUpgrade>,
        mut answer: Response<Incoming>,
    ) -> Result<Response<Download>, Refusal> {
        let protocol = headers::upgrade(answer.headers());
        let (Some(client), Some(protocol)) = (client, protocol) else { return Err(Refusal::Broken(None)) };
        let upstream = hyper::upgrade::on(&mut answer);
        self.under_way.spawn(tunnel::carry(client, upstream, self.stop.clone()));
        let (mut head, _) = answer.into_parts();
        headers::remove_hop_by_hop(&mut head.headers);
        headers::set_upgrade(&mut head.headers, protocol);
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
struct Asked {
    method: Method,
    uri: Uri,
}

impl Asked {
    /// The path, of a request that means the same to everybody.
    fn path(&self) -> Result<Readings<'_>, Refusal> {
        match self.method {
            Method::CONNECT => Err(Refusal::Connect),
            _ => Readings::of(self.uri.path()).map_err(Refusal::Ambiguous),
        }
    }

    /// The answer in place of an upstream's.
    fn refused(&self, refusal: Refusal, id: Option<HeaderValue>) -> Response<Download> {
        // The path alone: a query may carry what does not belong into a log.
        let (method, path) = (&self.method, self.uri.path());
        if refusal.is_ours() {
            let cause = std::error::Error::source(&refusal);
            tracing::warn!(?id, %method, path, cause, "{refusal}");
        } else {
            tracing::debug!(?id, %method, path, "{refusal}");
        }
        let mut answer = refusal.into_response().map(Download::Own);
        if let Some(id) = id {
            headers::name_request(answer.headers_mut(), id);
        }
        answer
    }
}
