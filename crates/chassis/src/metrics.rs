//! What a process counts and measures, for Prometheus (text format 0.0.4): rate, errors and duration of every route
//! (RED), what is under way, which build it is, and gauges that are asked when somebody looks.
//!
//! Labels are bounded: the route is the pattern that matched (`/api/tasks/{id}`), never what a client wrote.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::{Method, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use futures::future::join_all;
use prometheus::{
    HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, TEXT_FORMAT, TextEncoder,
    core::Collector, proto::MetricFamily,
};
use tokio::time::Instant;

use crate::Fault;

/// Upper bounds of the durations, in seconds: from a row by its key to the deadline of a request.
const BUCKETS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// How long a gauge may take to answer.
const ASK: Duration = Duration::from_secs(1);

/// The route of a request that no route took.
const UNMATCHED: &str = "unmatched";

type Question = dyn Fn() -> Pin<Box<dyn Future<Output = Option<i64>> + Send>> + Send + Sync;

/// The metrics of one process. A clone counts into the same.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    requests: Requests,
    asked: Vec<(IntGauge, Arc<Question>)>,
}

/// What is counted of each request: apart, since a middleware clones its state each time, and this allocates nothing.
#[derive(Clone)]
struct Requests {
    total: IntCounterVec,
    durations: HistogramVec,
    in_flight: IntGauge,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("asked", &self.asked.len()).finish_non_exhaustive()
    }
}

impl Metrics {
    /// No request yet, of the build `version` of `service`.
    ///
    /// # Errors
    /// Never, as long as the names below are names to Prometheus.
    pub fn new(service: &str, version: &str) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let total = IntCounterVec::new(
            Opts::new("http_requests_total", "Requests that were answered."),
            &["method", "route", "status"],
        )?;
        let durations = HistogramVec::new(
            HistogramOpts::new(
                "http_request_duration_seconds",
                "From a request's head to its answer's head.",
            )
            .buckets(BUCKETS.to_vec()),
            &["method", "route"],
        )?;
        let in_flight = IntGauge::new("http_requests_in_flight", "Requests that are being answered.")?;
        let build = Opts::new("build_info", "Always 1; the labels say which build this is.")
            .const_label("service", service)
            .const_label("version", version);
        let build = IntGauge::with_opts(build)?;
        build.set(1);
        registry.register(Box::new(total.clone()))?;
        registry.register(Box::new(durations.clone()))?;
        registry.register(Box::new(in_flight.clone()))?;
        registry.register(Box::new(build))?;
        let requests = Requests { total, durations, in_flight };
        Ok(Self { registry, requests, asked: Vec::new() })
    }

    /// Adds a gauge whose value `ask` gets `of` somebody whenever somebody looks: how many rows wait in a queue, say.
    /// `None`, or no answer within a second, leaves it out for this time: no value is better than an old one.
    ///
    /// # Errors
    /// `name` is none to Prometheus.
    pub fn gauge<Q, F>(
        &mut self,
        name: &str,
        help: &str,
        of: &Q,
        ask: impl Fn(Q) -> F + Send + Sync + 'static,
    ) -> Result<(), prometheus::Error>
    where
        Q: Clone + Send + Sync + 'static,
        F: Future<Output = Option<i64>> + Send + 'static,
    {
        self.labelled_gauge((name, &[]), help, of, ask)
    }

    /// The same with labels, for several gauges of one name: those are told apart by the values of their labels, of which there
    /// are few and none is a client's.
    ///
    /// # Errors
    /// The name, or that of a label, is none to Prometheus.
    pub fn labelled_gauge<Q, F>(
        &mut self,
        (name, labels): (&str, &[(&str, &str)]),
        help: &str,
        of: &Q,
        ask: impl Fn(Q) -> F + Send + Sync + 'static,
    ) -> Result<(), prometheus::Error>
    where
        Q: Clone + Send + Sync + 'static,
        F: Future<Output = Option<i64>> + Send + 'static,
    {
        let of = of.clone();
        let opts =
            labels.iter().fold(Opts::new(name, help), |opts, (name, value)| opts.const_label(*name, *value));
        self.asked.push((IntGauge::with_opts(opts)?, Arc::new(move || Box::pin(ask(of.clone())))));
        Ok(())
    }

    /// `router`, with every answer counted. Outermost, so that it sees the answer to a panic and to a passed deadline.
    pub fn count(&self, router: Router) -> Router {
        router.layer(middleware::from_fn_with_state(self.requests.clone(), counted))
    }

    /// `GET /metrics`. It wants no token and shows no data of anybody.
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        Router::new().route(
            "/metrics",
            get(|State(metrics): State<Self>| async move { metrics.shown().await }).with_state(self.clone()),
        )
    }

    async fn shown(&self) -> Result<Response, Fault> {
        let answers = self.asked.iter().map(|(gauge, question)| async move {
            let value = tokio::time::timeout(ASK, question()).await.ok().flatten()?;
            gauge.set(value);
            Some(gauge.collect())
        });
        let asked = join_all(answers).await.into_iter().flatten().flatten();
        let families = self.registry.gather().into_iter().chain(asked).fold(Vec::new(), together);
        let text = TextEncoder::new().encode_to_string(&families).map_err(Fault::internal)?;
        Ok(([(header::CONTENT_TYPE, TEXT_FORMAT)], text).into_response())
    }
}

/// With one more family; the metrics of one name belong together.
fn together(mut families: Vec<MetricFamily>, mut family: MetricFamily) -> Vec<MetricFamily> {
    match families.iter_mut().find(|known| known.name() == family.name()) {
        Some(known) => known.mut_metric().extend(family.take_metric()),
        None => families.push(family),
    }
    families
}

/// One more under way for as long as it lives: also when the client leaves, and nobody is answered.
struct UnderWay(IntGauge);

impl UnderWay {
    fn begin(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Middleware: counts the request when it is answered.
async fn counted(State(requests): State<Requests>, request: Request, next: Next) -> Response {
    let method = known(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let start = Instant::now();
    let under_way = UnderWay::begin(&requests.in_flight);
    let response = next.run(request).await;
    drop(under_way);
    let route = route.as_ref().map_or(UNMATCHED, MatchedPath::as_str);
    requests.total.with_label_values(&[method, route, response.status().as_str()]).inc();
    requests.durations.with_label_values(&[method, route]).observe(start.elapsed().as_secs_f64());
    response
}

/// A client may call its method anything.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use tower::ServiceExt;

    use super::*;

    async fn send(router: &Router, method: &str, path: &str) -> String {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    fn app(metrics: &Metrics) -> Router {
        let routes = Router::new()
            .route("/rooms/{id}", get(|| async { "a room" }))
            .route(
                "/panic",
                get(|| async {
                    if true {
                        panic!("at the disco")
                    }
                }),
            )
            .route("/hang", get(std::future::pending::<()>));
        metrics.count(crate::http::frame(routes.merge(metrics.router())))
    }

    #[tokio::test(start_paused = true)]
    async fn every_answer_is_counted_by_the_pattern_of_its_route() {
        let metrics = Metrics::new("test", "1.2.3").unwrap();
        let router = app(&metrics);
        for (method, path) in [
            ("GET", "/rooms/1"),
            ("GET", "/rooms/2"),
            ("GET", "/nowhere/1"),
            ("GET", "/nowhere/2"),
            ("PUT", "/rooms/1"),
            ("BREW", "/rooms/1"),
            ("STEEP", "/rooms/1"),
            ("GET", "/panic"),
            ("GET", "/hang"),
        ] {
            let _ = send(&router, method, path).await;
        }
        let text = send(&router, "GET", "/metrics").await;
        for line in [
            r#"http_requests_total{method="GET",route="/rooms/{id}",status="200"} 2"#,
            r#"http_requests_total{method="GET",route="unmatched",status="404"} 2"#,
            r#"http_requests_total{method="PUT",route="/rooms/{id}",status="405"} 1"#,
            r#"http_requests_total{method="other",route="/rooms/{id}",status="405"} 2"#,
            r#"http_requests_total{method="GET",route="/panic",status="500"} 1"#,
            r#"http_requests_total{method="GET",route="/hang",status="504"} 1"#,
            r#"http_request_duration_seconds_count{method="GET",route="/rooms/{id}"} 2"#,
            r#"http_request_duration_seconds_bucket{method="GET",route="/hang",le="5"} 0"#,
            r#"http_request_duration_seconds_bucket{method="GET",route="/hang",le="+Inf"} 1"#,
            // The one that asks.
            "http_requests_in_flight 1",
            r#"build_info{service="test",version="1.2.3"} 1"#,
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line} is missing in\n{text}");
        }
        assert!(!text.contains("nowhere") && !text.contains("BREW"), "a client made a label:\n{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_gauge_is_asked_each_time_and_left_out_when_it_does_not_answer() {
        let asked = Arc::new(std::sync::atomic::AtomicI64::new(0));
        let mut metrics = Metrics::new("test", "1").unwrap();
        metrics
            .gauge("rows_waiting", "Rows that wait.", &asked, |count| async move {
                Some(count.fetch_add(7, std::sync::atomic::Ordering::Relaxed))
            })
            .unwrap();
        metrics.gauge("unknown", "Nobody knows.", &(), |()| async { None }).unwrap();
        metrics.gauge("late", "Nobody waits.", &(), |()| std::future::pending()).unwrap();
        let router = app(&metrics);
        for value in [0, 7] {
            let text = send(&router, "GET", "/metrics").await;
            assert!(text.contains(&format!("# TYPE rows_waiting gauge\nrows_waiting {value}\n")), "{text}");
            assert!(!text.contains("unknown") && !text.contains("late"), "{text}");
        }
    }

    #[tokio::test]
    async fn gauges_of_one_name_are_one_family_and_told_apart_by_their_labels() {
        let mut metrics = Metrics::new("test", "1").unwrap();
        for (consumer, behind) in [("backlog", 7), ("insights", 0)] {
            let labels = [("consumer", consumer)];
            let ask = |behind| async move { Some(behind) };
            metrics.labelled_gauge(("messages_behind", &labels), "Messages.", &behind, ask).unwrap();
        }
        let text = send(&app(&metrics), "GET", "/metrics").await;
        let wanted = "# TYPE messages_behind gauge\n\
                      messages_behind{consumer=\"backlog\"} 7\nmessages_behind{consumer=\"insights\"} 0\n";
        assert!(text.contains(wanted), "{text}");
    }

    #[tokio::test]
    async fn a_client_that_leaves_is_not_under_way_for_ever() {
        let metrics = Metrics::new("test", "1").unwrap();
        let router = app(&metrics);
        let hanging = tokio::time::timeout(Duration::from_millis(20), send(&router, "GET", "/hang")).await;
        assert!(hanging.is_err());
        assert_eq!(metrics.requests.in_flight.get(), 0);
    }
}
