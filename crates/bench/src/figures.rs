//! What was seen of a server, in numbers that can be compared.

use crate::{Measured, number};

/// Requests a second, p50, p99, CPU and database CPU of a request in milliseconds.
#[derive(Debug, Clone)]
pub struct Figures(Vec<Option<f64>>);

impl Figures {
    /// What the columns of [`Figures::row`] are, after the name.
    pub const HEAD: [&str; 6] = ["", "requests/s", "p50 ms", "p99 ms", "CPU ms", "database CPU ms"];

    /// The figures of one server.
    #[must_use]
    pub fn of(measured: &Measured) -> Self {
        let percentile = |share| Some(measured.percentile(share).as_secs_f64() * 1_000.0);
        Self(vec![
            Some(measured.rate()),
            percentile(0.5),
            percentile(0.99),
            measured.milliseconds_each(measured.cpu),
            // Zero is a database inside the process, or none.
            measured.milliseconds_each(measured.behind.filter(|time| !time.is_zero())),
        ])
    }

    /// How many times those of `other` these are; the database has nothing to be compared with.
    #[must_use]
    pub fn ratio(&self, other: &Self) -> Self {
        let ratios = self.0.iter().zip(&other.0).map(|(one, other)| Some((*one)? / (*other)?));
        Self(ratios.take(4).collect())
    }

    /// A row of a table.
    #[must_use]
    pub fn row(&self, name: &str) -> Vec<String> {
        [name.to_owned()].into_iter().chain(self.0.iter().map(|figure| number(*figure))).collect()
    }
}
