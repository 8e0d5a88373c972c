//! What stands before every service: notes the call and lets a fault happen to it.

use std::time::Duration;

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Request, State as Shared},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::stream;
use jiff::Timestamp;

use crate::{
    State,
    faults::{Fault, FaultKind, Service},
    github::{self, rate::Budget},
    sendgrid, twilio,
};

/// The largest body that is read; SendGrid takes mails of 30 MB, our tests do not.
const LARGEST: usize = 4 << 20;

/// Records a call of `service`, lets its fault happen, and passes it on.
pub(crate) async fn observe(
    Shared((service, state)): Shared<(Service, State)>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let fault = state.faults().take(service, &body, Timestamp::now());
    let kind = fault.as_ref().map(|fault| fault.kind);
    let call = state.calls().arrived(service, (&parts.method, &parts.uri, &parts.headers), &body, kind);
    let request = Request::from_parts(parts, Body::from(body));
    let response = match fault {
        None => next.run(request).await,
        Some(fault) => fail(service, &fault, request, next).await,
    };
    state.calls().answered(call, response.status().as_u16());
    response
}

/// Lets `fault` happen, before the request takes effect or after it.
async fn fail(service: Service, fault: &Fault, mut request: Request, next: Next) -> Response {
    let delay = Duration::from_millis(fault.delay_ms.unwrap_or(0));
    if matches!(fault.kind, FaultKind::Heavy | FaultKind::Forbidden) {
        // Whether it happens depends on what the query asks for.
        request.extensions_mut().insert(fault.clone());
        tokio::time::sleep(delay).await;
        return next.run(request).await;
    }
    if fault.kind == FaultKind::Delay && !fault.after {
        tokio::time::sleep(delay).await;
        return next.run(request).await;
    }
    let effective =
        if fault.after || fault.kind == FaultKind::Delay { Some(next.run(request).await) } else { None };
    tokio::time::sleep(delay).await;
    match fault.kind {
        FaultKind::Delay | FaultKind::Heavy | FaultKind::Forbidden => effective.unwrap_or_default(),
        FaultKind::RateLimit => rate_limit(service, fault),
        FaultKind::SecondaryLimit => secondary_limit(service, fault),
        FaultKind::Timeout => github::timed_out(),
        FaultKind::Status => status(service, fault.status()),
        FaultKind::Cut => cut(half(effective).await),
        FaultKind::Malformed => json(half(effective).await).into_response(),
    }
}

fn rate_limit(service: Service, fault: &Fault) -> Response {
    let reset = fault.reset_at.unwrap_or_else(Timestamp::now);
    match service {
        Service::GitHub => github::rate_limited(&Budget::spent(github::POINTS, reset)),
        Service::SendGrid => sendgrid::too_many(reset),
        Service::Twilio => twilio::too_many(),
    }
}

fn secondary_limit(service: Service, fault: &Fault) -> Response {
    let reset = fault.reset_at.unwrap_or_else(Timestamp::now);
    let wait = fault.reset_after();
    let mut response = match service {
        Service::GitHub => {
            let budget = Budget { limit: github::POINTS, used: 100, reset_at: reset };
            github::secondary_limited(fault.status.unwrap_or(403), &budget)
        }
        Service::SendGrid => sendgrid::too_many(reset),
        Service::Twilio => twilio::too_many(),
    };
    if !fault.silent {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait));
    }
    response
}

fn status(service: Service, status: StatusCode) -> Response {
    match service {
        Service::GitHub => github::failure(status),
        Service::SendGrid => sendgrid::failure(status),
        Service::Twilio => twilio::failure(status),
    }
}

/// The first half of the right answer, or of some answer where there is none.
async fn half(answer: Option<Response>) -> Bytes {
    let body = match answer {
        Some(answer) => to_bytes(answer.into_body(), usize::MAX).await.unwrap_or_default(),
        None => Bytes::new(),
    };
    if body.len() < 2 {
        return Bytes::from_static(br#"{"data":{"repository":{"iss"#);
    }
    body.slice(..body.len() / 2)
}

fn json(body: Bytes) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], body)
}

/// An answer that promises twice as much as it sends before the connection is closed.
fn cut(half: Bytes) -> Response {
    let promised = half.len() * 2;
    let chunks = stream::unfold(Some(half), |half| async move {
        match half {
            Some(half) => Some((Ok(half), None)),
            None => {
                // Lets the first half leave; an error at once would take it back from the buffer.
                tokio::time::sleep(Duration::from_millis(20)).await;
                Some((Err(std::io::Error::other("cut on demand")), None))
            }
        }
    });
    let mut response = Response::new(Body::from_stream(chunks));
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(promised));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
