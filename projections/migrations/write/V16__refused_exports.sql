-- Exports of other registries that are never imported here.
CREATE TABLE refused_export (
    digest   uuid   PRIMARY KEY,
    state    jsonb  NOT NULL,
    position bigint NOT NULL
);
