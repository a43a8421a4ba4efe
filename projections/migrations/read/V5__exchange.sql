-- Bundles from and for other registries.

ALTER TABLE action ADD COLUMN export jsonb;  -- as in the event: receiving_registry, offer_id, receiving_reference

-- Bundles offered to another registry. They move together.
CREATE TABLE export (
    export_id           bigint      PRIMARY KEY,  -- the action that offered them
    source_id           bigint      NOT NULL,
    receiving_registry  text        NOT NULL,
    state               text        NOT NULL,     -- 'offered', 'confirmed' or 'taken_back'
    settlement_id       bigint,                   -- the action that confirmed or took back
    receiving_reference text,
    created_at          timestamptz NOT NULL,
    position            bigint      NOT NULL
);
CREATE INDEX export_source ON export (source_id, export_id);

CREATE TABLE import (
    import_id          bigint      PRIMARY KEY,
    account_id         bigint      NOT NULL,
    exporting_registry text,                      -- with export_id: where a file it signed was imported
    export_id          bigint,
    bundles            integer     NOT NULL,
    wh                 bigint      NOT NULL,
    created_at         timestamptz NOT NULL,
    position           bigint      NOT NULL
);
CREATE INDEX import_export ON import (exporting_registry, export_id) WHERE export_id IS NOT NULL;

-- Devices that are at home in another registry.
CREATE TABLE import_device (
    device_id       bigint PRIMARY KEY,
    origin_registry text   NOT NULL,
    origin_device   text   NOT NULL,
    position        bigint NOT NULL
);

-- Bundles as they were imported; what they are split into lies within their range.
CREATE TABLE imported_bundle (
    bundle_id          bigint PRIMARY KEY,
    import_id          bigint NOT NULL,
    device_id          bigint NOT NULL,
    range_start        bigint NOT NULL,
    range_end          bigint NOT NULL,
    origin_bundle_id   text   NOT NULL,
    origin_issuance_id text   NOT NULL,
    origin_hash        text,
    position           bigint NOT NULL
);
CREATE INDEX imported_bundle_range ON imported_bundle (device_id, range_start);
