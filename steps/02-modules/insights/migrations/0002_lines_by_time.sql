-- Item by item: measures read all of it in this order, and nothing else of it.
CREATE INDEX insight_lines_by_time ON insight_lines (item_key, at, source, kind, actor, bot);
