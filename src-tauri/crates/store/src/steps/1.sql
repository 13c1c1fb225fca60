-- Runs, as reports show them. `document` is the report as far as it is known.
CREATE TABLE runs (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    id       TEXT NOT NULL UNIQUE,
    running  INTEGER NOT NULL,
    document TEXT NOT NULL
);

-- One for each source into each lake. `newest` is the newest receivedAt that events brought.
CREATE TABLE ledgers (
    id         INTEGER PRIMARY KEY,
    lake       TEXT NOT NULL,
    source     TEXT NOT NULL,
    app        TEXT NOT NULL,
    next_batch INTEGER NOT NULL,
    newest     INTEGER,
    UNIQUE (lake, source)
);

-- How far each file went into its lake. `lines` and `bytes` count what was taken, inflated.
CREATE TABLE files (
    ledger   INTEGER NOT NULL REFERENCES ledgers (id),
    path     TEXT NOT NULL,
    size     INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    lines    INTEGER NOT NULL,
    bytes    INTEGER NOT NULL,
    done     INTEGER NOT NULL,
    oldest   INTEGER,
    PRIMARY KEY (ledger, path)
) WITHOUT ROWID;

-- Batches whose commits have begun and not all landed. `plan` is `sync`'s own record.
CREATE TABLE batches (
    ledger INTEGER NOT NULL REFERENCES ledgers (id),
    number INTEGER NOT NULL,
    plan   TEXT NOT NULL,
    PRIMARY KEY (ledger, number)
) WITHOUT ROWID;

-- Ids that were accepted: a 128-bit hash, and the receivedAt that came with it.
CREATE TABLE ids (
    ledger   INTEGER NOT NULL,
    id       BLOB NOT NULL,
    received INTEGER,
    PRIMARY KEY (ledger, id)
) WITHOUT ROWID;
