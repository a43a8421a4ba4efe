-- Gateways, their keys, the devices they meter, and where each envelope stands in the ledger.

CREATE TABLE gateway (
    gateway_id  bigint      PRIMARY KEY,
    account_id  bigint      NOT NULL,
    name        text,
    enrolled_at timestamptz NOT NULL,
    revoked_at  timestamptz,
    position    bigint      NOT NULL
);
CREATE INDEX gateway_account ON gateway (account_id, gateway_id);

-- Keys by thumbprint (RFC 7638); the key itself as JSON Web Key.
CREATE TABLE gateway_key (
    key_id         text        PRIMARY KEY,
    gateway_id     bigint      NOT NULL,
    public_key     jsonb       NOT NULL,
    added_at       timestamptz NOT NULL,
    accepted_until timestamptz,
    revoked_at     timestamptz,
    position       bigint      NOT NULL
);
CREATE INDEX gateway_key_gateway ON gateway_key (gateway_id);

CREATE TABLE gateway_device (
    device_id     bigint PRIMARY KEY,
    gateway_id    bigint,              -- none any longer
    next_sequence bigint NOT NULL,
    previous      text,                -- hash of the last envelope
    position      bigint NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX gateway_device_gateway ON gateway_device (gateway_id, device_id);

CREATE TABLE gateway_envelope (
    device_id   bigint      NOT NULL,
    sequence    bigint      NOT NULL,
    gateway_id  bigint      NOT NULL,
    accepted_at timestamptz NOT NULL,
    position    bigint      NOT NULL,
    PRIMARY KEY (device_id, sequence)
);

-- Of a reading that a gateway signed: how far it can be trusted, and its envelope. The envelope is of
-- the device that was metered, whatever device the reading is moved to.
ALTER TABLE measurement
    ADD COLUMN quality            text,
    ADD COLUMN cause              text,
    ADD COLUMN envelope_device_id bigint,
    ADD COLUMN envelope_sequence  bigint;
