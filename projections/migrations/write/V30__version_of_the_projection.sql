-- Which version of the projection the rows are of: see Target::version.
ALTER TABLE checkpoint ADD COLUMN version integer NOT NULL DEFAULT 1;
