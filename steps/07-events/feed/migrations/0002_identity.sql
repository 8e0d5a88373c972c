-- Which feed this is. Whoever has tables made anew has another one, and readers see it. The process writes it where there is none: so
-- `UPDATE head SET feed = NULL` makes another feed of an older copy, in which positions would be given a second time.
ALTER TABLE head ADD COLUMN feed TEXT;
