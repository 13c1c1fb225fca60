-- Nothing was ever said of a job there.
ALTER TABLE jobs DROP COLUMN result;

-- Every profile has the external id by which Headgate is known to AWS in it; the first one had none until
-- it was asked for. CASE, because it looks into a text only after it is known to be JSON.
UPDATE profiles SET document = json_set(document, '$.writer', json_object(
    'principal', NULL,
    'external_id', lower(printf('%s-%s-4%s-%s%s-%s',
        hex(randomblob(4)), hex(randomblob(2)), substr(hex(randomblob(2)), 2),
        substr('89ab', 1 + (random() & 3), 1), substr(hex(randomblob(2)), 2), hex(randomblob(6))))
)) WHERE CASE
    WHEN json_valid(document) THEN ifnull(json_type(document, '$.writer'), 'null') = 'null'
    ELSE 0
END;

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
WHERE NOT running AND json_valid(document);
CREATE INDEX runs_by_sync ON runs (
    json_extract(document, '$.to'),
    coalesce(json_extract(document, '$.from'), json_extract(document, '$.source')),
    number
) WHERE NOT running AND json_valid(document);

-- A profile's lakes are those that its syncs wrote to as well as those that were opened in it, which come first.
-- A run without a job is of the time when there was one profile.
INSERT INTO lakes (profile, url, opened)
SELECT profile, url, last - (SELECT max(number) FROM runs) FROM (
    SELECT coalesce(jobs.profile, 'default') AS profile, document ->> '$.to' AS url,
           max(runs.number) AS last
    FROM runs LEFT JOIN jobs ON jobs.run = runs.id
    WHERE json_valid(document)
    GROUP BY 1, 2
)
WHERE url IS NOT NULL AND profile IN (SELECT id FROM profiles)
ON CONFLICT DO NOTHING;

-- Types that were chosen for columns which their table does not have yet, by the lake's id. A column's name is
-- in lower case.
CREATE TABLE chosen_columns (
    lake       TEXT NOT NULL,
    schema     TEXT NOT NULL,
    table_name TEXT NOT NULL,
    name       TEXT NOT NULL,
    type       TEXT NOT NULL,
    PRIMARY KEY (lake, schema, table_name, name)
) WITHOUT ROWID;
