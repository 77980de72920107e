-- When a message that may be an answer was first seen. A repeated message is no answer to a newer question.
CREATE TABLE IF NOT EXISTS heard (
  conversation TEXT   NOT NULL,
  message      TEXT   NOT NULL,
  at_ms        BIGINT NOT NULL,
  PRIMARY KEY (conversation, message)
);
CREATE INDEX IF NOT EXISTS heard_age ON heard (at_ms);
