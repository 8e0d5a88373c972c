//! What was seen of servers, in numbers that can be compared.

use crate::{
    Measured,
    table::{number, table},
};

/// What the columns are, after the name.
const HEAD: [&str; 6] = ["", "requests/s", "p50 ms", "p99 ms", "CPU ms", "database CPU ms"];

/// Two servers as a table: the figures of each, and how many times those of the other the one's are. The last column is left
/// out where neither has a database outside of its process.
#[must_use]
pub fn beside((name, one): (&str, &Measured), (other_name, other): (&str, &Measured)) -> String {
    let (one, other) = (figures(one), figures(other));
    let ratio = [0, 1, 2, 3, 4].map(|at| Some(one[at]? / other[at]?));
    let has_database = one[4].or(other[4]).is_some();
    let columns = if has_database { 6 } else { 5 };
    table(&HEAD[..columns], &[row(name, &one), row(other_name, &other), row("ratio", &ratio)])
}

/// Several ways to the same answer as a table: the figures of each.
#[must_use]
pub fn together(ways: &[(&str, &Measured)]) -> String {
    let rows: Vec<_> = ways.iter().map(|(name, measured)| row(name, &figures(measured)[..4])).collect();
    table(&HEAD[..5], &rows)
}

/// Requests a second, p50, p99, CPU and database CPU of a request in milliseconds.
fn figures(measured: &Measured) -> [Option<f64>; 5] {
    let percentile = |share| Some(measured.percentile(share).as_secs_f64() * 1_000.0);
    [
        Some(measured.rate()),
        percentile(0.5),
        percentile(0.99),
        measured.milliseconds_each(measured.cpu),
        // Zero is a database inside the process, or none.
        measured.milliseconds_each(measured.behind.filter(|time| !time.is_zero())),
    ]
}

fn row(name: &str, figures: &[Option<f64>]) -> Vec<String> {
    [name.to_owned()].into_iter().chain(figures.iter().map(|figure| number(*figure))).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn measured(milliseconds: u64, behind: u64) -> Measured {
        let each = Duration::from_millis(milliseconds);
        Measured {
            latencies: vec![each],
            elapsed: each,
            cpu: Some(each),
            behind: Some(Duration::from_millis(behind)),
        }
    }

    #[test]
    fn a_ratio_is_of_the_first_to_the_second() {
        let text = beside(("slow", &measured(20, 4)), ("fast", &measured(10, 2)));
        let ratio: Vec<_> = text.lines().last().unwrap().split_whitespace().collect();
        assert_eq!(ratio, ["ratio", "0.500", "2.00", "2.00", "2.00", "2.00"]);
    }

    #[test]
    fn without_a_database_there_is_no_column_for_it() {
        let text = beside(("slow", &measured(20, 0)), ("fast", &measured(10, 0)));
        assert!(!text.contains("database"), "{text}");
    }
}
