-- What the password hashes in use cost: a PHC string without salt and hash. Each is found by one step in the index.

ALTER TABLE registry_user ADD COLUMN password_cost text COLLATE "C" GENERATED ALWAYS AS (
    CASE WHEN NOT is_deleted THEN left(regexp_replace(password_hash, '[$][^$]*[$][^$]*$', ''), 256) END
) STORED;
CREATE INDEX registry_user_password_cost ON registry_user (password_cost) WHERE password_cost IS NOT NULL;
