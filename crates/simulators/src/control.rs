//! stub
pub(crate) fn router() -> axum::Router<crate::State> {
    axum::Router::new()
}
