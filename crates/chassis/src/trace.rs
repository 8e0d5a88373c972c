//! Trace context (W3C Trace Context, level 1): which journey a request is part of. It is carried from hop to hop; nothing is
//! recorded about it yet.

use std::{fmt, str::FromStr};

/// Name of the header that carries it, in and out.
pub const TRACEPARENT: &str = "traceparent";

/// A place in a trace: `00-<trace>-<span>-<flags>`, in lower-case hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    trace: [u8; 16],
    span: [u8; 8],
    flags: u8,
}

impl TraceParent {
    /// The beginning of a trace, which nobody records.
    #[must_use]
    pub fn begin() -> Self {
        let (mut trace, mut span) = ([0; 16], [0; 8]);
        // Without randomness traces run together; requests are answered all the same.
        let _ = getrandom::fill(&mut trace).and_then(|()| getrandom::fill(&mut span));
        Self { trace, span, flags: 0 }
    }

    /// The next hop of the same trace.
    #[must_use]
    pub fn next(&self) -> Self {
        Self { span: Self::begin().span, ..*self }
    }

    /// The trace in hex: what a search in the logs of all processes is for.
    #[must_use]
    pub fn trace(&self) -> String {
        hex::encode(self.trace)
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", hex::encode(self.trace), hex::encode(self.span), self.flags)
    }
}

/// The value of a header that is no trace context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no trace context as W3C writes it")]
pub struct NoTraceParent;

impl FromStr for TraceParent {
    type Err = NoTraceParent;

    /// Neither id may be all zeros; later versions may go on behind the flags.
    ///
    /// # Errors
    /// It is none.
    fn from_str(text: &str) -> Result<Self, NoTraceParent> {
        let mut parts = text.splitn(5, '-');
        let mut part = || parts.next().ok_or(NoTraceParent);
        let (version, trace, span, flags) =
            (bytes::<1>(part()?)?, bytes(part()?)?, bytes(part()?)?, bytes::<1>(part()?)?);
        let goes_on = parts.next().is_some();
        let zeros = trace == [0; 16] || span == [0; 8];
        if zeros || version == [0xff] || (version == [0] && goes_on) {
            return Err(NoTraceParent);
        }
        Ok(Self { trace, span, flags: flags[0] })
    }
}

/// `N` bytes in lower-case hex.
fn bytes<const N: usize>(text: &str) -> Result<[u8; N], NoTraceParent> {
    let mut bytes = [0; N];
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(NoTraceParent);
    }
    hex::decode_to_slice(text, &mut bytes).map_err(|_| NoTraceParent)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_trace_goes_on_with_another_span() {
        let parent: TraceParent = RIGHT.parse().unwrap();
        assert_eq!(parent.to_string(), RIGHT);
        let next = parent.next();
        assert_eq!(next.trace(), parent.trace());
        assert_ne!(next.to_string(), RIGHT);
        assert_eq!(next.to_string().parse(), Ok(next));
        assert_eq!(TraceParent::begin().to_string().parse::<TraceParent>().map(|_| ()), Ok(()));
    }

    #[test]
    fn what_is_no_trace_context_begins_none() {
        let later = format!("01{}-more", &RIGHT[2..]);
        assert!(later.parse::<TraceParent>().is_ok(), "a later version");
        for wrong in [
            "",
            "00",
            &RIGHT[1..],
            &RIGHT[..54],
            &format!("{RIGHT}0"),
            &format!("{RIGHT}-more"),
            &format!("ff{}", &RIGHT[2..]),
            &RIGHT.to_uppercase(),
            &RIGHT.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &RIGHT.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &RIGHT.replace('-', "_"),
        ] {
            assert_eq!(wrong.parse::<TraceParent>(), Err(NoTraceParent), "{wrong}");
        }
    }
}
