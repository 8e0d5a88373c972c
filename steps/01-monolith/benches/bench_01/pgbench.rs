//! One task by its id, beside the same row by its key: how much of what the database can do is left.

use std::{
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use acceptance::{
    App,
    anyhow::{Context, Result, ensure},
    tempfile::NamedTempFile,
    tokio::runtime::Runtime,
};
use bench::{Options, Target, Visit, number};

/// Lets the process and `pgbench` take turns, over as many connections, and prints both. Blocks.
pub(crate) fn measure(runtime: &Runtime, options: &Options, app: &App, task: &str) -> Result<()> {
    if Command::new("pgbench").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("\none task beside the row by its key: not measured, because there is no pgbench");
        return Ok(());
    }
    let script = NamedTempFile::with_prefix("pgbench-")?;
    std::fs::write(script.path(), format!("SELECT * FROM tasks WHERE id = '{task}';\n"))?;
    let visit = Arc::new(Visit::OneOf(vec![format!("/api/tasks/{task}")]));
    let database = || app.database().cpu_time();
    let target =
        Target { base: app.system().front(), process: app.system().id("monolith")?, behind: &database };
    let (mut requests, mut rows) = (Vec::new(), Vec::new());
    for _ in 0..options.turns() {
        let [seen] = bench::take_turns(runtime, &options.one_turn(), &visit, &[target])?;
        requests.push(seen.rate());
        rows.push(rate(app.database().url(), script.path(), options.connections(), options.turn())?);
    }
    let (requests, rows) = (middle(requests), middle(rows));
    let each = |rate| number(Some(rate));
    println!(
        "\nthe first task again and again: {} requests/s; its row by its key, by pgbench: {}/s; the first is {} of the second",
        each(requests),
        each(rows),
        each(requests / rows)
    );
    Ok(())
}

/// How often a second pgbench reads the row.
fn rate(url: &str, script: &std::path::Path, connections: usize, time: Duration) -> Result<f64> {
    let output = Command::new("pgbench")
        .args(["--no-vacuum", "--protocol", "prepared", "--jobs", "2"])
        .args(["--client", &connections.to_string(), "--time", &time.as_secs().max(1).to_string()])
        .arg("--file")
        .arg(script)
        .arg(url)
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "pgbench: {}", String::from_utf8_lossy(&output.stderr));
    let rate = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    rate.with_context(|| format!("pgbench does not tell: {text}"))
}

fn middle(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or_default()
}
