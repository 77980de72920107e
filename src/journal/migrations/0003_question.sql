-- The last question of a conversation, or the last request that was acted on.
ALTER TABLE conversation ADD COLUMN asked_code TEXT;
ALTER TABLE conversation ADD COLUMN asked_mode TEXT;
ALTER TABLE conversation ADD COLUMN asked_by TEXT;
ALTER TABLE conversation ADD COLUMN asked_at BIGINT;
ALTER TABLE conversation ADD COLUMN answered BIGINT;
ALTER TABLE conversation ADD COLUMN answered_key TEXT;
