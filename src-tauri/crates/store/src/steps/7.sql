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
