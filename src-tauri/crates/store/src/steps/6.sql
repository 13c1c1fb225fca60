-- A file keeps the name that ids of its events were made from, wherever it lies later.
ALTER TABLE files ADD COLUMN name TEXT;
