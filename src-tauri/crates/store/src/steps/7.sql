-- What was read of the newest checkpoint of each table, by the folder of its log. `document` is `lake`'s
-- own record.
CREATE TABLE checkpoints (
    lake     TEXT NOT NULL,
    log      TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (lake, log)
) WITHOUT ROWID;

-- A run that begins looks for those that did not end and for those that are old enough to be forgotten.
-- While a run goes on, its report is written with every batch, and none of these is.
CREATE INDEX runs_running ON runs (number) WHERE running;
CREATE INDEX runs_by_start ON runs (json_extract(document, '$.started'))
WHERE NOT running AND document <> '';
CREATE INDEX runs_by_sync ON runs (
    json_extract(document, '$.to'),
    coalesce(json_extract(document, '$.from'), json_extract(document, '$.source')),
    number
) WHERE NOT running AND document <> '';
