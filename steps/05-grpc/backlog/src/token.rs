//! The token that services of ours show each other.

use chassis::auth::{self, Secret};
use tonic::{Request, Status, service::Interceptor};

/// Lets through what shows the token.
#[derive(Clone)]
pub struct Token(pub(crate) Secret);

impl Interceptor for Token {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        if auth::shows(&self.0, request.metadata().as_ref()) {
            return Ok(request);
        }
        Err(Status::unauthenticated(
            "this is for services of ours, which show authorization: Bearer <SERVICE_TOKEN>",
        ))
    }
}
