-- Organisations, which own accounts and users, and invitations into them by the digest of their code.

CREATE TABLE organisation (
    organisation_id bigint PRIMARY KEY,
    state           jsonb  NOT NULL,
    position        bigint NOT NULL
);

CREATE TABLE business_id (
    digest          uuid   PRIMARY KEY,
    organisation_id bigint NOT NULL,
    position        bigint NOT NULL
);

CREATE TABLE invitation (
    digest   uuid   PRIMARY KEY,
    state    jsonb  NOT NULL,
    position bigint NOT NULL
);
