-- Recurring rules, and what finding the bundles they act on needs.

CREATE TABLE recurring_rule (
    rule_id  bigint      PRIMARY KEY,
    state    jsonb       NOT NULL,
    next_run timestamptz,                  -- as in the state; none unless the rule is active
    position bigint      NOT NULL
);

-- What is due.
CREATE INDEX recurring_rule_due ON recurring_rule (next_run) WHERE next_run IS NOT NULL;

-- The source was of no concern to the ledger before. Where that of a device was corrected after it had
-- issued, what it issued before has the former one, which a rebuild finds in the log.
ALTER TABLE bundle ADD COLUMN energy_source text;
UPDATE bundle SET energy_source = device.state -> 'attributes' ->> 'energy_source'
    FROM device WHERE device.device_id = bundle.device_id;
ALTER TABLE bundle ALTER COLUMN energy_source SET NOT NULL;

-- What an account can transfer or cancel, oldest production first.
CREATE INDEX bundle_available ON bundle (account_id, interval_start, bundle_id)
    WHERE status IN ('Active', 'Reserved');
