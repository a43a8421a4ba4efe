-- Gateways: who they are, what their keys are worth, and where the envelopes of each device stand.

CREATE TABLE gateway (
    gateway_id bigint PRIMARY KEY,
    state      jsonb  NOT NULL,
    position   bigint NOT NULL
);

-- By the first 16 bytes of the key's thumbprint; the whole of it is in the state.
CREATE TABLE gateway_key (
    digest   uuid   PRIMARY KEY,
    state    jsonb  NOT NULL,
    position bigint NOT NULL
);

-- One-time codes, by digest.
CREATE TABLE gateway_code (
    digest   uuid   PRIMARY KEY,
    state    jsonb  NOT NULL,
    position bigint NOT NULL
);

-- Which gateway meters a device, the number of its next envelope and the hash of its last.
CREATE TABLE gateway_stream (
    device_id bigint PRIMARY KEY,
    state     jsonb  NOT NULL,
    position  bigint NOT NULL
);

-- What was answered to each envelope: a repeat is answered the same.
CREATE TABLE gateway_envelope (
    device_id bigint NOT NULL,
    sequence  bigint NOT NULL,
    state     jsonb  NOT NULL,
    position  bigint NOT NULL,
    PRIMARY KEY (device_id, sequence)
);
