-- Bundles from and for other registries.

-- What was imported of a device of another registry: {device_id, ranges: {first certificate: last}}.
CREATE TABLE import_origin (
    digest   uuid   PRIMARY KEY,
    state    jsonb  NOT NULL,
    position bigint NOT NULL
);

CREATE TABLE export (
    export_id bigint PRIMARY KEY,
    state     jsonb  NOT NULL,
    position  bigint NOT NULL
);
