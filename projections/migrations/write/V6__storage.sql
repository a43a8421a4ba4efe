-- Storage: what is known of a device, its records by day, and allocations of discharges to charges.

-- Method, efficiencies and totals of a storage device, and where its next record begins.
CREATE TABLE storage (
    device_id bigint PRIMARY KEY,
    state     jsonb  NOT NULL,
    position  bigint NOT NULL
);

-- Records of a storage device on a UTC day (days since 1970-01-01):
-- {second of day: [length in s, flow in Wh, allocated Wh, record id]}; a flow below 0 was charged.
CREATE TABLE storage_day (
    device_id bigint  NOT NULL,
    day       integer NOT NULL,
    state     jsonb   NOT NULL,
    position  bigint  NOT NULL,
    PRIMARY KEY (device_id, day)
);

CREATE TABLE storage_allocation (
    allocation_id bigint PRIMARY KEY,
    state         jsonb  NOT NULL,
    position      bigint NOT NULL
);

ALTER TABLE bundle
    ADD COLUMN storage_device_id  bigint,  -- cancelled for what this device charged
    ADD COLUMN allocation_id      bigint,  -- issued for energy released from storage
    ADD COLUMN used_allocation_id bigint;  -- stands for what this allocation consumed
