-- A ledger is of one schema in one lake. `applied` is the last batch taken in, `horizon` the time
-- before which ids may be missing (none: all are here), `summary` is `sync`'s own record.
ALTER TABLE ledgers RENAME COLUMN source TO schema;
ALTER TABLE ledgers DROP COLUMN app;
ALTER TABLE ledgers DROP COLUMN next_batch;
ALTER TABLE ledgers ADD COLUMN applied INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ledgers ADD COLUMN horizon INTEGER;
ALTER TABLE ledgers ADD COLUMN summary TEXT NOT NULL DEFAULT '';

-- What a file held, so that the same under another path is known.
ALTER TABLE files ADD COLUMN content TEXT;
CREATE INDEX files_by_content ON files (ledger, content) WHERE content IS NOT NULL AND done;

-- Ids that were accepted, as sorted runs: those of one `batch`, or of none when they were merged or
-- read back. `oldest` and `newest` are of those with a receivedAt, `timeless` counts the others.
CREATE TABLE id_runs (
    run      INTEGER PRIMARY KEY AUTOINCREMENT,
    ledger   INTEGER NOT NULL REFERENCES ledgers (id),
    batch    INTEGER,
    count    INTEGER NOT NULL DEFAULT 0,
    timeless INTEGER NOT NULL DEFAULT 0,
    oldest   INTEGER,
    newest   INTEGER,
    filter   BLOB NOT NULL DEFAULT x''
);
CREATE INDEX id_runs_by_ledger ON id_runs (ledger, batch);

-- The ids of a run in order, each with its receivedAt. `chunk` is the run and the first id's begin.
CREATE TABLE id_chunks (
    chunk INTEGER PRIMARY KEY,
    ids   BLOB NOT NULL
);

-- Where each lake lay when it was used last.
CREATE TABLE lakes (
    id TEXT PRIMARY KEY,
    at TEXT NOT NULL
) WITHOUT ROWID;
