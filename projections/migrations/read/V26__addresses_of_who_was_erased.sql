-- Whose commands an address was of is known of those before V23 by the audit trail; addresses of who was erased until
-- then were kept, and only not shown.
UPDATE audit_client AS c SET user_id = e.user_id FROM audit_entry AS e
WHERE e.command_id = c.command_id AND c.user_id IS NULL AND e.user_id IS NOT NULL;
DELETE FROM audit_client AS c USING registry_user AS u WHERE u.user_id = c.user_id AND u.is_erased;
UPDATE audit_entry AS e SET address = NULL FROM registry_user AS u
WHERE u.user_id = e.user_id AND u.is_erased AND e.address IS NOT NULL;
