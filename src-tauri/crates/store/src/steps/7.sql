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
