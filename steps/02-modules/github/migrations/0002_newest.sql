-- Newest first. Where step 01 has run, it is there already.
CREATE INDEX IF NOT EXISTS items_newest ON items (created_at DESC, item_key);
