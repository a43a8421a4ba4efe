-- Who was erased: what is known of them is that there was somebody.

ALTER TABLE registry_user ADD COLUMN is_erased boolean NOT NULL DEFAULT false;
