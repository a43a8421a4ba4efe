-- The secret that codes of a second factor follow from, encrypted under a secret that no database has; none where
-- there is none.
ALTER TABLE registry_user ADD COLUMN second_factor text;
