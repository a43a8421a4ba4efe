-- Readings that were corrected, withdrawn or have paid a debt, and further meters of a device.

-- Now {second of day: [length in s, metered Wh, issued Wh, measurement id]}, with
-- [..., withdrawn Wh, excess Wh, paid Wh] behind them where one of these is not zero.
-- So far every reading of a device that is certified was issued as it was accepted, so what is not
-- issued of an interval of which a bundle was withdrawn is what was withdrawn and not issued anew.
UPDATE device_day AS d SET state = d.state || (
    SELECT jsonb_object_agg(r.key, r.value || jsonb_build_array(
        (r.value ->> 1)::bigint - (r.value ->> 2)::bigint, 0, 0))
    FROM jsonb_each(d.state) AS r
    WHERE (r.value ->> 1)::bigint > (r.value ->> 2)::bigint AND EXISTS (
        SELECT FROM bundle AS b WHERE b.device_id = d.device_id AND b.status = 'Withdrawn'
            AND b.interval_start = to_timestamp(d.day::bigint * 86400 + r.key::bigint)))
WHERE EXISTS (
    SELECT FROM jsonb_each(d.state) AS r JOIN bundle AS b ON b.device_id = d.device_id
        AND b.status = 'Withdrawn'
        AND b.interval_start = to_timestamp(d.day::bigint * 86400 + r.key::bigint)
    WHERE (r.value ->> 1)::bigint > (r.value ->> 2)::bigint);

-- The same of a device's further meters.
CREATE TABLE meter_day (
    device_id bigint  NOT NULL,
    meter_id  bigint  NOT NULL,
    day       integer NOT NULL,
    state     jsonb   NOT NULL,
    position  bigint  NOT NULL,
    PRIMARY KEY (device_id, meter_id, day)
);

ALTER TABLE bundle ADD COLUMN meter_id bigint; -- null: the device's own
