-- Which feed this is. Whoever has tables made anew has another one, and readers see it. The process writes it where there is none. An
-- older copy is the same feed: `UPDATE head SET position = position + 1000000000` before it starts, or it would give positions a second time.
ALTER TABLE head ADD COLUMN feed TEXT;
