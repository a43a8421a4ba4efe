-- What organisations own: how many open accounts, and whether they are given none any more.
CREATE TABLE owner (
    organisation_id bigint PRIMARY KEY,
    state           jsonb  NOT NULL,
    position        bigint NOT NULL
);
