-- Who was to sign in, where that was refused: user:7, nobody:<digest>.

ALTER TABLE audit_entry ADD COLUMN target text;
