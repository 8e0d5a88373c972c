CREATE TABLE rooms (
    id          TEXT PRIMARY KEY,
    name        binary_text NOT NULL UNIQUE,
    seats       BIGINT NOT NULL,
    weight      DOUBLE PRECISION NOT NULL,
    lease_owner TEXT,
    lease_until BIGINT
);
