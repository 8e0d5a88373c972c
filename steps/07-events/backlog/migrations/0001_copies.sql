-- What backlog keeps of others (pattern: *Event-carried state transfer*), so that it need not ask them. Nobody changes it but what they tell.

-- Items, as github told of them last.
CREATE TABLE item_copies (
    item_key   binary_text PRIMARY KEY,
    updated_at BIGINT NOT NULL,         -- github's: an older state never replaces a newer one
    item       TEXT NOT NULL            -- JSON
);

-- Who is in the team, as the team told last. A login is all that backlog has to know: no name, no address.
CREATE TABLE member_copies (
    login  binary_text PRIMARY KEY,
    active BIGINT NOT NULL
);
