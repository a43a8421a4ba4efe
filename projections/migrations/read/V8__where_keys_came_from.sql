-- The event that gave a gateway its key, whatever became of the key since. Of keys that something became of
-- before, it is found by a rebuild.

ALTER TABLE gateway_key ADD COLUMN added_position bigint;
UPDATE gateway_key SET added_position = position WHERE accepted_until IS NULL AND revoked_at IS NULL;
