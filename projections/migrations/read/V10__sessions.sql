-- Sessions of users, and the keys that sign access tokens.

CREATE TABLE session (
    session_id   uuid        PRIMARY KEY,
    user_id      bigint      NOT NULL,
    opened_at    timestamptz NOT NULL,
    refreshed_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    client       text,
    ended_at     timestamptz,
    end_cause    text,
    position     bigint      NOT NULL
);
CREATE INDEX session_of_user ON session (user_id, session_id) WHERE ended_at IS NULL;

-- Keys by thumbprint (RFC 7638); the private part is encrypted under a secret that no database has.
CREATE TABLE signing_key (
    key_id         text        PRIMARY KEY,
    public_key     jsonb       NOT NULL,
    sealed         text        NOT NULL,
    added_at       timestamptz NOT NULL,
    accepted_until timestamptz,             -- none of the key that signs
    position       bigint      NOT NULL
);
