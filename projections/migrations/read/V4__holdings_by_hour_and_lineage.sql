-- Holdings by energy source and hour, and where the history of a bundle is found. Existing rows are made
-- from what the database holds; `issuance` alone needs a rebuild, because bundles do not say at which
-- position they were issued.

-- Nothing is projected meanwhile.
LOCK TABLE checkpoint IN EXCLUSIVE MODE;

-- What an account holds of a device, by UTC day of production, energy source of the bundles and state;
-- split parents do not count. A day has 24 hours: [1] is what was produced from 00:00 to 01:00. As arrays
-- they cost the projector a tenth of what a row per hour would.
-- The rows are sums over bundles, whose positions say how far they are.
DROP TABLE holding;
CREATE TABLE holding (
    account_id    bigint   NOT NULL,
    device_id     bigint   NOT NULL,
    day           date     NOT NULL,
    energy_source text     NOT NULL,
    status        text     NOT NULL,
    bundles       bigint   NOT NULL,
    wh            bigint   NOT NULL,
    hour_bundles  bigint[] NOT NULL,
    hour_wh       bigint[] NOT NULL,
    PRIMARY KEY (account_id, device_id, day, energy_source, status)
) WITH (fillfactor = 70);

WITH hourly AS (
    SELECT account_id, device_id, (production_start AT TIME ZONE 'UTC')::date AS day, energy_source, status,
        extract(hour FROM production_start AT TIME ZONE 'UTC')::integer AS hour,
        count(*) AS bundles, sum(range_end - range_start + 1)::bigint AS wh
    FROM bundle WHERE status <> 'Bundle Split' GROUP BY 1, 2, 3, 4, 5, 6
), daily AS (
    SELECT account_id, device_id, day, energy_source, status,
        sum(bundles)::bigint AS bundles, sum(wh)::bigint AS wh
    FROM hourly GROUP BY 1, 2, 3, 4, 5
)
INSERT INTO holding
SELECT d.account_id, d.device_id, d.day, d.energy_source, d.status, d.bundles, d.wh,
    array_agg(COALESCE(h.bundles, 0) ORDER BY hour), array_agg(COALESCE(h.wh, 0) ORDER BY hour)
FROM daily AS d CROSS JOIN generate_series(0, 23) AS hour
LEFT JOIN hourly AS h USING (account_id, device_id, day, energy_source, status, hour)
GROUP BY d.account_id, d.device_id, d.day, d.energy_source, d.status, d.bundles, d.wh;
CREATE INDEX holding_day ON holding (account_id, day);

-- Which bundles an action lists: the history of a bundle.
CREATE TABLE action_bundle (
    bundle_id bigint NOT NULL,
    action_id bigint NOT NULL,
    PRIMARY KEY (bundle_id, action_id)
);
INSERT INTO action_bundle
SELECT (part ->> 'bundle_id')::bigint, action_id FROM action, jsonb_array_elements(parts) AS part;

-- Who caused an action: 'user:7', or a part of the registry. So far only expiry acts by itself.
ALTER TABLE action ADD COLUMN actor text;
UPDATE action SET actor = COALESCE('user:' || user_id, 'system:expiry');
ALTER TABLE action ALTER COLUMN actor SET NOT NULL;

CREATE INDEX bundle_parent ON bundle (parent_id) WHERE parent_id IS NOT NULL;

-- One row per issuance: its bundles have consecutive ids.
CREATE TABLE issuance (
    first_bundle_id bigint      PRIMARY KEY,
    last_bundle_id  bigint      NOT NULL,
    device_id       bigint      NOT NULL,
    account_id      bigint      NOT NULL, -- received the bundles
    wh              bigint      NOT NULL,
    issued_at       timestamptz NOT NULL,
    position        bigint      NOT NULL
);
CREATE INDEX issuance_account ON issuance (account_id, first_bundle_id);
