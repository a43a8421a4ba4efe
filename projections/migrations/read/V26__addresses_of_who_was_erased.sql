-- Addresses of who was erased before they were known to be theirs. Those that no event gives to anybody are not shown.
DELETE FROM audit_client AS c USING registry_user AS u WHERE u.user_id = c.user_id AND u.is_erased;
UPDATE audit_entry AS e SET address = NULL FROM registry_user AS u
WHERE u.user_id = e.user_id AND u.is_erased AND e.address IS NOT NULL;
