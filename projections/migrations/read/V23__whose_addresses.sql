-- Whose commands came from an address, so that it goes when they are erased.
ALTER TABLE audit_client ADD COLUMN user_id bigint;
CREATE INDEX audit_client_user ON audit_client (user_id) WHERE user_id IS NOT NULL;
