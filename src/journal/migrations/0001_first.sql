-- One row of `op` is one cancellation. SQLite and PostgreSQL run this text as it is: TEXT and BIGINT only.
CREATE TABLE IF NOT EXISTS op (
  id           TEXT    NOT NULL PRIMARY KEY,
  protocol     TEXT    NOT NULL,
  code         TEXT    NOT NULL,
  dry_run      BIGINT  NOT NULL,
  channel      TEXT    NOT NULL,
  note         TEXT,
  first_name   TEXT,
  state        TEXT    NOT NULL CHECK (state IN ('accepted','intent','acked','done')),
  outcome      TEXT,
  reason       TEXT,
  property_id  TEXT,
  snapshot     TEXT,
  settle_at    BIGINT  NOT NULL DEFAULT 0,
  delete_sent  BIGINT  NOT NULL DEFAULT 0,
  attempt      BIGINT  NOT NULL DEFAULT 0,
  fence        BIGINT  NOT NULL DEFAULT 0,
  lease_owner  TEXT,
  lease_until  BIGINT  NOT NULL DEFAULT 0,
  next_at      BIGINT  NOT NULL,
  deadline_at  BIGINT  NOT NULL,
  needs_human  BIGINT  NOT NULL DEFAULT 0,
  created_at   BIGINT  NOT NULL,
  updated_at   BIGINT  NOT NULL,
  done_at      BIGINT,
  CHECK ((state = 'done') = (outcome IS NOT NULL)),
  CHECK (state NOT IN ('intent','acked') OR property_id IS NOT NULL),
  CHECK (outcome IS NULL OR outcome <> 'cancelled' OR property_id IS NOT NULL)
);
-- Single flight: one active row per code, over all replicas. A rehearsal never holds up the real thing.
CREATE UNIQUE INDEX IF NOT EXISTS op_one_active ON op (code, dry_run) WHERE state <> 'done';
CREATE UNIQUE INDEX IF NOT EXISTS op_protocol ON op (protocol);
CREATE INDEX IF NOT EXISTS op_history ON op (code, done_at);
CREATE INDEX IF NOT EXISTS op_ended ON op (done_at) WHERE state = 'done';
CREATE INDEX IF NOT EXISTS op_for_a_person ON op (needs_human) WHERE needs_human = 1;
CREATE INDEX IF NOT EXISTS op_due ON op (next_at) WHERE state <> 'done';
-- One row per webhook; a retry of the platform finds its row and gets the same outcome.
CREATE TABLE IF NOT EXISTS delivery (
  channel      TEXT   NOT NULL,
  dedupe_key   TEXT   NOT NULL,
  fingerprint  TEXT   NOT NULL,
  op_id        TEXT   NOT NULL REFERENCES op(id) ON DELETE CASCADE,
  conversation TEXT,
  locale       TEXT   NOT NULL,
  received_at  BIGINT NOT NULL,
  told_outcome TEXT,
  told_at      BIGINT,
  PRIMARY KEY (channel, dedupe_key)
);
CREATE INDEX IF NOT EXISTS delivery_op ON delivery (op_id);
CREATE INDEX IF NOT EXISTS delivery_conversation ON delivery (conversation, received_at);
-- Append-only: what happened to a cancellation, in order.
CREATE TABLE IF NOT EXISTS op_event (
  op_id  TEXT   NOT NULL REFERENCES op(id) ON DELETE CASCADE,
  seq    BIGINT NOT NULL,
  at_ms  BIGINT NOT NULL,
  fence  BIGINT NOT NULL,
  kind   TEXT   NOT NULL,
  detail TEXT   NOT NULL,
  PRIMARY KEY (op_id, seq)
);
-- How many deletions an hour has seen, shared by all replicas.
CREATE TABLE IF NOT EXISTS budget (
  name      TEXT   NOT NULL,
  bucket_at BIGINT NOT NULL,
  used      BIGINT NOT NULL,
  PRIMARY KEY (name, bucket_at)
);
-- Which codes a conversation tried, so that guessing stays expensive over restarts and replicas.
CREATE TABLE IF NOT EXISTS attempt (
  conversation TEXT   NOT NULL,
  code         TEXT   NOT NULL,
  at_ms        BIGINT NOT NULL,
  PRIMARY KEY (conversation, code)
);
CREATE INDEX IF NOT EXISTS attempt_age ON attempt (at_ms);
-- One row per replica, written to prove that the journal can be written.
CREATE TABLE IF NOT EXISTS heartbeat (
  owner TEXT   NOT NULL PRIMARY KEY,
  at_ms BIGINT NOT NULL
);
-- One row per writer of a shared journal: the number of its last durable batch.
CREATE TABLE IF NOT EXISTS batch (
  owner  TEXT   NOT NULL PRIMARY KEY,
  number BIGINT NOT NULL,
  at_ms  BIGINT NOT NULL
);
