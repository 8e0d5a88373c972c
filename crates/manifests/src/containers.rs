//! What the [Dockerfile](../../../Dockerfile) and [docker-compose.yml](../../../docker-compose.yml) in the root promise: by their
//! text ([`dockerfile`], [`compose_file`]), and by what an engine does with them ([`engine`], [`composed`]).

pub mod compose_file;
pub mod composed;
pub mod dockerfile;
pub mod engine;

/// What `90s`, `1m30s` or `500ms` say, in seconds.
fn seconds(text: &str) -> Option<f64> {
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let units =
            rest[digits..].find(|letter: char| letter.is_ascii_digit()).unwrap_or(rest.len() - digits);
        let factor = match &rest[digits..digits + units] {
            "us" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            _ => return None,
        };
        total += number * factor;
        rest = &rest[digits + units..];
    }
    (!text.is_empty()).then_some(total)
}
