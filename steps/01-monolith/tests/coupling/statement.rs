//! A line of the log with a statement in it: who asked, and what the statement reads and writes.

/// What a statement does to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Access {
    Reads,
    Writes,
}

/// Who asked: a request by method and path, or a worker by the name of its span; `start` outside of both.
pub(crate) fn asker(line: &str) -> String {
    let field = |name: &str| {
        let rest = line.split_once("request{")?.1.split_once(name)?.1;
        rest.split([' ', '}']).next()
    };
    if let (Some(method), Some(path)) = (field("method="), field("path=")) {
        return format!("{method} {path}");
    }
    // `2026-… DEBUG importer: summary=…`; a statement that was slow, on a busy machine, is a WARN.
    let before = line.split_once(" summary=").map_or("", |(before, _)| before);
    let span = ["DEBUG ", " WARN "].iter().find_map(|level| before.rsplit_once(level));
    let span = span.map_or("", |(_, span)| span);
    span.split([':', '{']).next().filter(|name| !name.is_empty()).unwrap_or("start").to_owned()
}

/// The SQL of the line; `None` when it has none.
pub(crate) fn sql(line: &str) -> Option<String> {
    let (_, rest) = line.split_once(" summary=")?;
    // A short statement stands in the summary alone.
    let text = match rest.split_once(" db.statement=\"\\n") {
        Some((_, long)) => long,
        None => rest,
    };
    Some(text.split("\" rows_affected=").next()?.replace("\\n", " ").replace("\\\"", "\""))
}

/// Which of `tables` a statement reads and writes.
pub(crate) fn accesses<'a>(sql: &str, tables: &'a [String]) -> Vec<(&'a str, Access)> {
    let lower = sql.to_lowercase();
    let words: Vec<_> =
        lower.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).collect();
    let mut found = Vec::new();
    for (index, word) in words.iter().enumerate().skip(1) {
        let access = match words[index - 1] {
            "into" | "update" => Access::Writes,
            "from" if index > 1 && words[index - 2] == "delete" => Access::Writes,
            "from" | "join" => Access::Reads,
            _ => continue,
        };
        found.extend(tables.iter().filter(|table| table == word).map(|table| (table.as_str(), access)));
    }
    found
}

/// Called by the recorder before anything else: a reader of logs that reads wrongly must not go unnoticed.
pub(crate) fn self_test() {
    let line = r#"2026-11-23T00:00:00Z DEBUG request{id=1 method=GET path=/api/tasks}: summary="WITH s AS …" db.statement="\n\nWITH s AS (SELECT * FROM tasks) SELECT * FROM s JOIN items i ON 1 = 1\n" rows_affected=0"#;
    assert_eq!(asker(line), "GET /api/tasks");
    assert_eq!(asker(r#"2026 DEBUG importer: summary="x""#), "importer");
    assert_eq!(asker(r#"2026  WARN rules: summary="x""#), "rules");
    assert_eq!(asker(r#"2026 DEBUG summary="x""#), "start");
    let tables = ["tasks", "items"].map(str::to_owned);
    let all = |line: &str| accesses(&sql(line).unwrap(), &tables);
    assert_eq!(all(line), [("tasks", Access::Reads), ("items", Access::Reads)]);
    let short = r#"2026 DEBUG summary="DELETE FROM tasks" db.statement="" rows_affected=0"#;
    assert_eq!(all(short), [("tasks", Access::Writes)]);
    let upsert = "INSERT INTO tasks (id) SELECT id FROM items ON CONFLICT (id) DO UPDATE SET id = 1";
    assert_eq!(accesses(upsert, &tables), [("tasks", Access::Writes), ("items", Access::Reads)]);
}
