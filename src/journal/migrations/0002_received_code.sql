-- The code as it was received, where that differs from how `code` spells it.
ALTER TABLE op ADD COLUMN came_as TEXT;
-- How often a conversation failed in a row to give a code, so that a person takes over in time.
CREATE TABLE IF NOT EXISTS conversation (
  id         TEXT   NOT NULL PRIMARY KEY,
  failures   BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS conversation_age ON conversation (updated_at);
