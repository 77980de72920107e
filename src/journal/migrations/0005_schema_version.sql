-- One row per upgrade; the highest version counts. Journals without this table are older than version 5.
CREATE TABLE IF NOT EXISTS schema_version (
  version BIGINT NOT NULL PRIMARY KEY,
  at_ms   BIGINT NOT NULL
);
