//! What was seen of servers, in numbers that can be compared.

use std::time::Duration;

use crate::{
    Measured,
    table::{number, table},
};

/// What the columns are, after the name. A request costs what its process and the database behind it spend together.
const HEAD: [&str; 7] =
    ["", "requests/s", "p50 ms", "p99 ms", "CPU ms", "of it the process's", "and the database's"];

/// Servers as a table: the figures of each, and how many times those of each of the `others` the first one's are. What part of the
/// CPU is the database's is left out where nobody has one outside of its process.
#[must_use]
pub fn beside((name, one): (&str, &Measured), others: &[(&str, &Measured)]) -> String {
    let one = figures(one);
    let others: Vec<_> = others.iter().map(|(name, other)| (*name, figures(other))).collect();
    let has_database = one[5].is_some() || others.iter().any(|(_, other)| other[5].is_some());
    let columns = if has_database { 7 } else { 5 };
    let mut rows = vec![row(name, &one)];
    rows.extend(others.iter().map(|(name, other)| row(name, other)));
    for (other_name, other) in &others {
        let ratio: Vec<_> =
            one[..4].iter().zip(other).map(|(one, other)| Some((*one)? / (*other)?)).collect();
        rows.push(row(&format!("{name} : {other_name}"), &ratio));
    }
    table(
        &HEAD[..columns],
        &rows.into_iter().map(|row| row.into_iter().take(columns).collect()).collect::<Vec<_>>(),
    )
}

/// Several ways to the same answer as a table: the figures of each. What is behind them is the service that they call.
#[must_use]
pub fn together(ways: &[(&str, &Measured)]) -> String {
    let head = ["", "requests/s", "p50 ms", "p99 ms", "CPU ms", "of it the caller's", "and the service's"];
    let rows: Vec<_> = ways.iter().map(|(name, measured)| row(name, &figures(measured))).collect();
    table(&head, &rows)
}

/// The latencies that 99 of 100 requests did not exceed, turn by turn: the one in the middle, the lowest and the highest.
#[must_use]
pub fn spread(servers: &[(&str, &[Duration])]) -> String {
    let milliseconds = |time: Duration| number(Some(time.as_secs_f64() * 1_000.0));
    let rows: Vec<_> = servers
        .iter()
        .filter_map(|(name, turns)| {
            let mut turns = turns.to_vec();
            turns.sort_unstable();
            let (lowest, highest) = (turns.first()?, turns.last()?);
            let middle = turns.get(turns.len() / 2)?;
            Some(vec![
                (*name).to_owned(),
                milliseconds(*middle),
                milliseconds(*lowest),
                milliseconds(*highest),
            ])
        })
        .collect();
    table(&["", "p99 ms", "lowest turn", "highest turn"], &rows)
}

/// Requests a second, p50, p99, CPU of a request in milliseconds, and what of it is the process's and the database's.
fn figures(measured: &Measured) -> [Option<f64>; 6] {
    let percentile = |share| Some(measured.percentile(share).as_secs_f64() * 1_000.0);
    let (own, behind) =
        (measured.milliseconds_each(measured.cpu), measured.milliseconds_each(measured.behind));
    let all = own.zip(behind).map(|(own, behind)| own + behind);
    // Zero is a database inside the process, or none.
    let behind = behind.filter(|milliseconds| *milliseconds > 0.0);
    [Some(measured.rate()), percentile(0.5), percentile(0.99), all, own, behind]
}

fn row(name: &str, figures: &[Option<f64>]) -> Vec<String> {
    [name.to_owned()].into_iter().chain(figures.iter().map(|figure| number(*figure))).collect()
}

#[cfg(test)]
mod tests {
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
    fn a_ratio_is_of_the_first_to_each_other_and_counts_the_database() {
        let text =
            beside(("slow", &measured(20, 10)), &[("fast", &measured(10, 0)), ("bare", &measured(5, 0))]);
        let words = |line: usize| text.lines().nth(line).unwrap().split_whitespace().collect::<Vec<_>>();
        assert_eq!(words(4), ["slow", ":", "fast", "0.500", "2.00", "2.00", "3.00"]);
        assert_eq!(words(5), ["slow", ":", "bare", "0.250", "4.00", "4.00", "6.00"]);
    }

    #[test]
    fn without_a_database_there_is_no_column_for_it() {
        let text = beside(("slow", &measured(20, 0)), &[("fast", &measured(10, 0))]);
        assert!(!text.contains("database"), "{text}");
    }

    #[test]
    fn a_spread_has_the_middle_the_lowest_and_the_highest() {
        let turns: Vec<_> = [5, 1, 9].map(Duration::from_millis).to_vec();
        let text = spread(&[("one", &turns)]);
        let words: Vec<_> = text.lines().last().unwrap().split_whitespace().collect();
        assert_eq!(words, ["one", "5.00", "1.00", "9.00"]);
    }
}
