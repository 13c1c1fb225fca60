-- Every change to the world outside: who did what to what, with the text before and after.
CREATE TABLE journal (
    id       TEXT PRIMARY KEY,
    at       TEXT NOT NULL,
    object   TEXT NOT NULL,
    document TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX journal_by_time ON journal (at);

-- Changes that were shown and wait to be applied.
CREATE TABLE plans (
    id       TEXT PRIMARY KEY,
    at       TEXT NOT NULL,
    document TEXT NOT NULL
) WITHOUT ROWID;
