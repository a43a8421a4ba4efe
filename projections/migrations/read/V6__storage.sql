-- Storage: records, efficiencies, allocations, and what bundles have to do with them.

-- STORAGE_VALIDATOR is 0.
ALTER TABLE registry_user DROP CONSTRAINT registry_user_role_check;
ALTER TABLE registry_user ADD CONSTRAINT registry_user_role_check CHECK (role BETWEEN 0 AND 4);

CREATE TABLE storage_record (
    record_id    bigint      PRIMARY KEY,
    device_id    bigint      NOT NULL,
    flow_start   timestamptz NOT NULL,
    flow_end     timestamptz NOT NULL,
    wh           bigint      NOT NULL,     -- below 0 charged, above 0 discharged
    validator_id bigint,
    allocated    bigint      NOT NULL,     -- of a charge what was consumed, of a discharge what was covered
    is_deleted   boolean     NOT NULL,
    created_at   timestamptz NOT NULL,
    position     bigint      NOT NULL
) WITH (fillfactor = 90);
CREATE INDEX storage_record_device ON storage_record (device_id, flow_start);

-- The efficiency that holds for discharges starting in the window: numerator / denominator, exactly.
CREATE TABLE storage_efficiency (
    device_id    bigint      NOT NULL,
    window_start timestamptz NOT NULL,
    window_end   timestamptz NOT NULL,
    numerator    bigint      NOT NULL,
    denominator  bigint      NOT NULL,
    is_measured  boolean     NOT NULL,     -- then they are Wh out and Wh in of the window
    created_at   timestamptz NOT NULL,
    position     bigint      NOT NULL,
    PRIMARY KEY (device_id, window_start)
);

CREATE TABLE storage_allocation (
    allocation_id bigint      PRIMARY KEY,
    device_id     bigint      NOT NULL,
    scr_id        bigint      NOT NULL,
    sdr_id        bigint      NOT NULL,
    scr_start     timestamptz NOT NULL,
    scr_end       timestamptz NOT NULL,
    sdr_start     timestamptz NOT NULL,
    sdr_end       timestamptz NOT NULL,
    consumed      bigint      NOT NULL,
    produced      bigint      NOT NULL,
    method        text        NOT NULL,
    window_start  timestamptz NOT NULL,
    window_end    timestamptz NOT NULL,
    numerator     bigint      NOT NULL,
    denominator   bigint      NOT NULL,
    is_measured   boolean     NOT NULL,
    is_issued     boolean     NOT NULL,
    created_at    timestamptz NOT NULL,
    position      bigint      NOT NULL
) WITH (fillfactor = 90);
CREATE INDEX storage_allocation_device ON storage_allocation (device_id, created_at, allocation_id);

ALTER TABLE bundle
    ADD COLUMN storage_device_id  bigint,  -- cancelled for what this device charged
    ADD COLUMN allocation_id      bigint,  -- issued for energy released from storage
    ADD COLUMN used_allocation_id bigint;  -- stands for what this allocation consumed
ALTER TABLE action ADD COLUMN storage_device_id bigint;
CREATE INDEX bundle_for_storage ON bundle (storage_device_id, production_start, bundle_id)
    WHERE status = 'Cancelled for Storage' AND used_allocation_id IS NULL;
CREATE INDEX bundle_allocation ON bundle (allocation_id) WHERE allocation_id IS NOT NULL;
CREATE INDEX bundle_used_allocation ON bundle (used_allocation_id) WHERE used_allocation_id IS NOT NULL;
