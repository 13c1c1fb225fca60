-- Profiles. `document` is `app`'s own record: hosts, accounts, roles and what else belongs to one.
CREATE TABLE profiles (
    id       TEXT NOT NULL PRIMARY KEY,
    name     TEXT NOT NULL COLLATE NOCASE UNIQUE,
    in_use   INTEGER NOT NULL CHECK (in_use IN (0, 1)),
    made     TEXT NOT NULL,
    document TEXT NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX profile_in_use ON profiles (in_use) WHERE in_use = 1;

INSERT INTO profiles (id, name, in_use, made, document)
VALUES ('default', 'default', 1, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), '{}');

-- Where each lake lay when it was used last, by the lake's id.
ALTER TABLE lakes RENAME TO lake_places;

-- The lakes that were opened in a profile. `opened` counts up: the highest is the latest opened.
CREATE TABLE lakes (
    profile TEXT NOT NULL REFERENCES profiles (id) ON DELETE CASCADE,
    url     TEXT NOT NULL,
    opened  INTEGER NOT NULL,
    PRIMARY KEY (profile, url)
) WITHOUT ROWID;

-- The draft of each role's policy, and the role's goals. The role '' is a pasted policy without one.
-- `document` is NULL once the draft was discarded; `at` is when a draft was saved last.
CREATE TABLE drafts (
    profile  TEXT NOT NULL REFERENCES profiles (id) ON DELETE CASCADE,
    role     TEXT NOT NULL,
    at       TEXT,
    document TEXT,
    goals    TEXT,
    PRIMARY KEY (profile, role),
    CHECK (document IS NULL OR at IS NOT NULL)
) WITHOUT ROWID;

-- What is known of each secret, never its value. `kept` is where the value is.
CREATE TABLE secrets (
    profile TEXT NOT NULL REFERENCES profiles (id) ON DELETE CASCADE,
    kind    TEXT NOT NULL,
    host    TEXT NOT NULL,
    kept    TEXT NOT NULL,
    at      TEXT NOT NULL,
    expires TEXT,
    PRIMARY KEY (profile, kind, host)
) WITHOUT ROWID;

-- Work that was asked for. `about`, `progress`, `result` and `error` are `app`'s own records.
CREATE TABLE jobs (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    id       TEXT NOT NULL UNIQUE,
    profile  TEXT NOT NULL,
    kind     TEXT NOT NULL,
    actor    TEXT NOT NULL,
    lane     TEXT NOT NULL,
    state    TEXT NOT NULL CHECK (state IN
        ('queued', 'running', 'succeeded', 'partial', 'failed', 'cancelled', 'interrupted')),
    owner    TEXT NOT NULL,
    run      TEXT,
    about    TEXT,
    progress TEXT,
    result   TEXT,
    error    TEXT,
    queued   TEXT NOT NULL,
    started  TEXT,
    ended    TEXT,
    CHECK ((ended IS NULL) = (state IN ('queued', 'running')))
);
CREATE INDEX jobs_open ON jobs (state) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_by_profile ON jobs (profile);

-- The journal outlives the profiles that it names.
ALTER TABLE journal ADD COLUMN profile TEXT NOT NULL DEFAULT 'default';
ALTER TABLE journal ADD COLUMN kind TEXT NOT NULL DEFAULT 'trust_policy';
DROP INDEX journal_by_time;
CREATE INDEX journal_by_time ON journal (profile, at);
CREATE INDEX journal_by_object ON journal (profile, object, at);

ALTER TABLE plans ADD COLUMN profile TEXT NOT NULL DEFAULT 'default';
ALTER TABLE plans ADD COLUMN kind TEXT NOT NULL DEFAULT 'trust_policy';

-- The settings that get tables of their own. Those of another shape than they were written in stay.
-- CASE, because it looks into a text only after it is known to be JSON.
CREATE TABLE moving AS SELECT name, value FROM settings WHERE CASE
    WHEN typeof(value) <> 'text' OR NOT json_valid(value) THEN 0
    WHEN name = 'writer' THEN
        ifnull(json_type(value, '$.external_id') = 'text', 0)
        AND ifnull(json_type(value, '$.principal'), 'null') IN ('text', 'null')
    WHEN name = 'lakes' THEN
        json_type(value) = 'array'
        AND NOT EXISTS (SELECT 1 FROM json_each(settings.value) WHERE type <> 'text')
    WHEN name = 'policy_draft' THEN
        ifnull(json_type(value, '$.base') = 'text', 0)
        AND ifnull(json_type(value, '$.text') = 'text', 0)
        AND ifnull(json_type(value, '$.goals') = 'array', 0)
        AND ifnull(json_type(value, '$.form') = 'text', 0)
        AND ifnull(json_type(value, '$.access') = 'object', 0)
        AND ifnull(json_type(value, '$.role'), 'null') IN ('text', 'null')
        AND (ifnull(json_type(value, '$.read'), 'null') = 'null'
             OR ifnull(json_type(value, '$.read.role.arn') = 'text', 0))
    WHEN name GLOB 'goals of *' THEN
        json_type(value) = 'array'
        AND NOT EXISTS (SELECT 1 FROM json_each(settings.value) WHERE type <> 'object')
    ELSE 0
END;

UPDATE profiles SET document = json_set(document, '$.writer', json(moving.value))
FROM moving WHERE moving.name = 'writer';

-- The array has the latest first.
INSERT INTO lakes (profile, url, opened)
SELECT 'default', each.value, max(json_array_length(moving.value) - each.key)
FROM moving, json_each(moving.value) AS each WHERE moving.name = 'lakes' GROUP BY each.value;

INSERT INTO drafts (profile, role, at, document)
SELECT 'default', coalesce(value ->> '$.read.role.arn', value ->> '$.role', ''),
       strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), value
FROM moving WHERE name = 'policy_draft';

INSERT INTO drafts (profile, role, goals)
SELECT 'default', substr(name, length('goals of ') + 1), value
FROM moving WHERE name GLOB 'goals of *'
ON CONFLICT DO UPDATE SET goals = excluded.goals;

DELETE FROM settings WHERE name IN (SELECT name FROM moving);
DROP TABLE moving;
