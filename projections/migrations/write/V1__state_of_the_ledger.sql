-- The WRITE database: the entries the sequencer decides on, one row each, as of the checkpoints.
-- `position` is that of the event which last changed the row; none is above its stream's checkpoint.

CREATE TABLE checkpoint (
    stream   text   PRIMARY KEY,           -- 'ledger' or 'identity'
    position bigint NOT NULL CHECK (position >= 0),
    hash     bytea  NOT NULL CHECK (octet_length(hash) = 32),
    moved_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE counters (
    stream   text   PRIMARY KEY,
    state    jsonb  NOT NULL,
    position bigint NOT NULL
);

CREATE TABLE account (
    account_id bigint PRIMARY KEY,
    state      jsonb  NOT NULL,
    position   bigint NOT NULL
);

CREATE TABLE account_name (
    digest     uuid   PRIMARY KEY,
    account_id bigint NOT NULL,
    position   bigint NOT NULL
);

CREATE TABLE device (
    device_id bigint PRIMARY KEY,
    state     jsonb  NOT NULL,
    position  bigint NOT NULL
);

-- Accepted readings of a device on a UTC day (days since 1970-01-01):
-- {second of day: [length in s, metered Wh, issued Wh, measurement id]}.
CREATE TABLE device_day (
    device_id bigint  NOT NULL,
    day       integer NOT NULL,
    state     jsonb   NOT NULL,
    position  bigint  NOT NULL,
    PRIMARY KEY (device_id, day)
);

CREATE TABLE issuance_metadata (
    metadata_id bigint PRIMARY KEY,
    state       jsonb  NOT NULL,
    position    bigint NOT NULL
);

CREATE TABLE bundle (
    bundle_id              bigint      PRIMARY KEY,
    account_id             bigint      NOT NULL,
    device_id              bigint      NOT NULL,
    status                 text        NOT NULL,
    locked_from            text,
    range_start            bigint      NOT NULL,
    range_end              bigint      NOT NULL,
    interval_start         timestamptz NOT NULL,
    interval_end           timestamptz NOT NULL,
    expiry                 timestamptz NOT NULL,
    parent_id              bigint,
    beneficiary            text,
    beneficiary_account_id bigint,
    position               bigint      NOT NULL
) WITH (fillfactor = 90);

-- What the registry expires by itself.
CREATE INDEX bundle_expiring ON bundle (expiry) WHERE status IN ('Active', 'Reserved');

CREATE TABLE command (
    key            uuid   PRIMARY KEY,
    request        uuid   NOT NULL,
    first_position bigint NOT NULL,
    position       bigint NOT NULL         -- of the command's last event
);

CREATE TABLE registry_user (
    user_id  bigint PRIMARY KEY,
    state    jsonb  NOT NULL,
    position bigint NOT NULL
);

CREATE TABLE email (
    digest   uuid   PRIMARY KEY,
    user_id  bigint NOT NULL,
    position bigint NOT NULL
);
