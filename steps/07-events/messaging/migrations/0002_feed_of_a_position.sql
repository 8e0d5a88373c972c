-- The id of the feed in which the consumer has that position; none before the first message.
ALTER TABLE positions ADD COLUMN feed TEXT;

-- The order in which the consumer's messages take effect. It was the position in the feed, which another feed gives again.
ALTER TABLE parked RENAME COLUMN position TO place;
