-- Readings that were corrected, and further meters of a device.

CREATE TABLE meter (
    device_id        bigint      NOT NULL,
    meter_id         bigint      NOT NULL,  -- counted per device
    meter_identifier text        NOT NULL,
    is_active        boolean     NOT NULL,
    created_at       timestamptz NOT NULL,
    position         bigint      NOT NULL,
    PRIMARY KEY (device_id, meter_id)
);

ALTER TABLE device ADD COLUMN debt_wh bigint NOT NULL DEFAULT 0;

ALTER TABLE measurement
    ADD COLUMN meter_id  bigint,            -- null: the device's own
    ADD COLUMN excess_wh bigint,            -- certificates beyond what was metered; null: none
    ADD COLUMN paid_wh   bigint,            -- kept back to pay the device's debt; null: none
    ADD COLUMN stands_since bigint;         -- position of the event that put it where it stands; null: position

ALTER TABLE bundle ADD COLUMN meter_id bigint; -- null: the device's own

CREATE TABLE correction (
    position           bigint      PRIMARY KEY, -- of its event
    measurement_id     bigint      NOT NULL,
    user_id            bigint,
    corrected_at       timestamptz NOT NULL,
    reason             text        NOT NULL,
    settle             text        NOT NULL,
    previous_wh        bigint      NOT NULL,
    wh                 bigint      NOT NULL,
    withdrawn_bundles  bigint[]    NOT NULL,
    reissued_bundle_id bigint,
    issued_bundle_id   bigint,
    debt_wh            bigint      NOT NULL,
    paid_wh            bigint      NOT NULL,
    action_id          bigint
);
CREATE INDEX correction_measurement ON correction (measurement_id, position);

-- Bundles withdrawn by a correction that another was issued anew for.
CREATE TABLE replacement (
    bundle_id   bigint PRIMARY KEY,
    replaced_by bigint NOT NULL,
    position    bigint NOT NULL
);
CREATE INDEX replacement_by ON replacement (replaced_by);
