-- Whom other servers sign in, under the digest of server and subject.
CREATE TABLE external_identity (
    identity_id uuid        PRIMARY KEY,
    user_id     bigint      NOT NULL,
    issuer      text        NOT NULL,
    subject     text        NOT NULL,
    linked_at   timestamptz NOT NULL,
    position    bigint      NOT NULL
);
CREATE INDEX external_identity_of_user ON external_identity (user_id, linked_at);
