-- Accounts are requested, approved, suspended or closed.

ALTER TABLE account
    ADD COLUMN state             text    NOT NULL DEFAULT 'approved',
    ADD COLUMN transfer_disabled boolean NOT NULL DEFAULT false;
UPDATE account SET state = 'closed' WHERE is_deleted;
