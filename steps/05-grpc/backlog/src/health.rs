//! Health as gRPC has it (`grpc.health.v1`), for whoever balances or restarts.

use std::time::Duration;

use chassis::{health::Health, serve::Stop};
use step_05_api::v1::backlog_server::SERVICE_NAME;
use tonic_health::{ServingStatus, server::HealthReporter};

/// How often what the service needs is asked.
const EVERY: Duration = Duration::from_secs(1);

/// Keeps `reporter` up to date until `stop`; from then on nobody sends anything new.
pub(crate) async fn watch(health: Health, reporter: HealthReporter, stop: Stop) {
    while !stop.is_stopping() {
        tell(&reporter, health.is_ready().await).await;
        tokio::select! {
            () = stop.wait() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
    tell(&reporter, false).await;
}

/// For the service, and for the process as a whole, which has no name.
async fn tell(reporter: &HealthReporter, is_ready: bool) {
    let status = if is_ready { ServingStatus::Serving } else { ServingStatus::NotServing };
    for service in ["", SERVICE_NAME] {
        reporter.set_service_status(service, status).await;
    }
}
