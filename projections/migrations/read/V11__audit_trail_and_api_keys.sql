-- The audit trail. Entries are of commands (of the first event of each, stream 0 is the ledger, 1 people)
-- and of attempts (stream 2); `position` is that of the event.

CREATE TABLE audit_entry (
    at              timestamptz NOT NULL,
    stream          smallint    NOT NULL CHECK (stream BETWEEN 0 AND 2),
    position        bigint      NOT NULL,
    item            integer     NOT NULL,    -- among the attempts of its event
    last_at         timestamptz,             -- of several alike
    attempts        bigint      NOT NULL,
    principal       text,                    -- user:7, gateway:3, system:expiry
    user_id         bigint,
    via             text,
    address         text,
    operation       text        NOT NULL,
    account_id      bigint,
    code            text,                    -- of a refusal
    command_id      uuid,
    idempotency_key uuid,
    request_id      uuid        NOT NULL,
    PRIMARY KEY (at, stream, position, item)
);
CREATE INDEX audit_entry_account ON audit_entry (account_id, at) WHERE account_id IS NOT NULL;
CREATE INDEX audit_entry_user ON audit_entry (user_id, at) WHERE user_id IS NOT NULL;

-- Where accepted commands came from.
CREATE TABLE audit_client (
    command_id uuid   PRIMARY KEY,
    address    text   NOT NULL,
    position   bigint NOT NULL
);

-- Keys for machines, by the SHA-256 of their text.
CREATE TABLE api_key (
    key_id       uuid        PRIMARY KEY,
    user_id      bigint      NOT NULL,
    name         text        NOT NULL,
    prefix       text        NOT NULL,
    digest       bytea       NOT NULL CHECK (octet_length(digest) = 32),
    capabilities text[]      NOT NULL,
    account_ids  bigint[],               -- all of the user's where null
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    revoked_at   timestamptz,
    position     bigint      NOT NULL
);
CREATE INDEX api_key_digest ON api_key (digest);
CREATE INDEX api_key_user ON api_key (user_id, key_id);

CREATE TABLE api_key_use (
    key_id       uuid        PRIMARY KEY,
    last_used_at timestamptz NOT NULL,
    position     bigint      NOT NULL
);
