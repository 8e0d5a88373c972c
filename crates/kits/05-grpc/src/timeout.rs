//! The header `grpc-timeout`: how long the caller still waits (gRPC over HTTP/2, "Timeout").

use std::time::Duration;

use tonic::metadata::{Ascii, MetadataMap, MetadataValue};

/// Name of the header.
pub const GRPC_TIMEOUT: &str = "grpc-timeout";

/// The units, the finest first, with how many nanoseconds they have.
const UNITS: [(char, u128); 6] = [
    ('n', 1),
    ('u', 1_000),
    ('m', 1_000_000),
    ('S', 1_000_000_000),
    ('M', 60_000_000_000),
    ('H', 3_600_000_000_000),
];

/// A number has at most eight digits.
const MOST: u128 = 99_999_999;

/// The value of a header that is no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one to eight digits and one of n, u, m, S, M, H")]
pub struct NoTimeout;

/// `left` in the finest unit that has room for it, cut off: nobody gets more time than there is.
#[must_use]
pub fn encode(left: Duration) -> MetadataValue<Ascii> {
    let nanos = left.as_nanos();
    let fits = UNITS.into_iter().find(|(_, unit)| nanos / unit <= MOST);
    let (number, unit) = fits.map_or((MOST, 'H'), |(name, unit)| (nanos / unit, name));
    // Digits and a letter are ASCII.
    format!("{number}{unit}").parse().unwrap_or_else(|_| MetadataValue::from_static("0n"))
}

/// How long the caller of `metadata` still waits; `None` where it does not say.
///
/// # Errors
/// It says something else.
pub fn decode(metadata: &MetadataMap) -> Result<Option<Duration>, NoTimeout> {
    metadata.get(GRPC_TIMEOUT).map(|value| value.to_str().ok().and_then(parse).ok_or(NoTimeout)).transpose()
}

fn parse(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let digits = text.strip_suffix(unit)?;
    let (_, nanos) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    let is_number = (1..=8).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
    let number = digits.parse::<u64>().ok().filter(|_| is_number)?;
    // Eight digits of hours fit into u64 seconds; of anything finer, into u64 nanoseconds.
    let seconds = u64::try_from(nanos / 1_000_000_000).ok()?;
    match seconds {
        0 => Some(Duration::from_nanos(number * u64::try_from(nanos).ok()?)),
        _ => Some(Duration::from_secs(number * seconds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(left: Duration) -> Duration {
        let mut metadata = MetadataMap::new();
        metadata.insert(GRPC_TIMEOUT, encode(left));
        decode(&metadata).unwrap().unwrap()
    }

    #[test]
    fn a_time_comes_back_and_is_never_longer() {
        for left in [0, 1, 99_999_999, 100_000_000, 500_000_000, 9_999_999_999, 3_600_000_000_000] {
            let left = Duration::from_nanos(left);
            let back = there_and_back(left);
            assert!(back <= left && left - back < Duration::from_millis(1), "{left:?} came back as {back:?}");
        }
        assert!(there_and_back(Duration::MAX) > Duration::from_secs(3600));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        let said = |text: &'static str| {
            let mut metadata = MetadataMap::new();
            metadata.insert(GRPC_TIMEOUT, MetadataValue::from_static(text));
            decode(&metadata)
        };
        assert_eq!(said("2S"), Ok(Some(Duration::from_secs(2))));
        assert_eq!(said("99999999H").map(|time| time.is_some()), Ok(true));
        assert_eq!(decode(&MetadataMap::new()), Ok(None));
        for wrong in ["", "S", "2", "2s", "-2S", "+2S", "2.5S", "2 S", "123456789m"] {
            assert_eq!(said(wrong), Err(NoTimeout), "{wrong:?}");
        }
    }
}
