//! Every statement of the journal, once, for SQLite and PostgreSQL alike.
//!
//! Parameters are `$1 … $n`. A store fills in `{NOW}`, the database's clock in milliseconds since
//! 1970; `{SKIP}`, which lets a worker skip rows that another one has locked; and `{RECORD}`, the
//! columns of a record. Every write of a running cancellation carries its fence and owner and
//! changes exactly one row, or the lease is lost.
//!
//! `'{State::Done}'` and the like are ids of the domain's enums, which `words.rs` puts in.

/// Finds the webhook that carries this key, and the state of its cancellation.
pub(super) const FIND_DELIVERY: &str =
    "SELECT fingerprint, op_id, conversation FROM delivery WHERE channel = $1 AND dedupe_key = $2";

/// Finds the same request of the same conversation, from a platform that sends no idempotency key.
///
/// It counts only while it runs, after it deleted, or when it was left for review because of a
/// deletion: repeating any other request changes nothing, and may get a better answer. The window
/// counts from the end, because a caller that was told to wait may ask long after the start and
/// must not start another one. An end in the future means that the clock was set back since; it
/// counts only once that time has come.
pub(super) const FIND_RECENT: &str = "\
SELECT d.fingerprint, d.op_id, d.conversation FROM op o JOIN delivery d ON d.op_id = o.id \
WHERE o.code = $5 AND d.channel = $1 AND d.conversation = $2 AND d.fingerprint = $3 \
AND (o.state <> '{State::Done}' OR (o.done_at > {NOW} - $4 AND o.done_at <= {NOW} + 2000 AND (o.outcome = '{Outcome::Cancelled}' OR o.reason IN ('{Reason::ReservedAgain}', '{Reason::JoinedLate}')))) ORDER BY CASE WHEN o.state = '{State::Done}' THEN 1 ELSE 0 END, d.received_at DESC LIMIT 1";

/// Accepts a new cancellation, or finds the active one of the same code: the returned id tells
/// which.
pub(super) const ACCEPT_OP: &str = "\
INSERT INTO op (id, protocol, code, dry_run, channel, note, first_name, state, lease_owner, lease_until, fence, attempt, next_at, deadline_at, created_at, updated_at, came_as) \
VALUES ($1,$2,$3,$4,$5,$6,$7,'{State::Accepted}',$8,{NOW}+$9,1,1,{NOW},{NOW}+$10,{NOW},{NOW},$11) \
ON CONFLICT (code, dry_run) WHERE state <> '{State::Done}' DO UPDATE SET updated_at = op.updated_at \
RETURNING id";

/// Whether a protocol number is taken.
pub(super) const FIND_PROTOCOL: &str = "SELECT id FROM op WHERE protocol = $1";

/// Ties a webhook to a cancellation; inserts nothing when another request with this key came first.
/// A webhook that joins after an intent gets a later time than the intent, whatever the clock did.
pub(super) const ACCEPT_DELIVERY: &str = "\
INSERT INTO delivery (channel, dedupe_key, fingerprint, op_id, conversation, locale, received_at) \
VALUES ($1,$2,$3,$4,$5,$6,(SELECT MAX(t) FROM (SELECT {NOW} AS t UNION ALL SELECT at_ms+1 FROM op_event WHERE op_id = $4 AND kind = '{EventKind::Intent}') AS times)) \
ON CONFLICT (channel, dedupe_key) DO NOTHING RETURNING op_id";

/// Moves a webhook to another key, because a new request takes its own.
pub(super) const SET_ASIDE: &str = "\
UPDATE delivery SET dedupe_key = dedupe_key || '#' || op_id WHERE channel = $1 AND dedupe_key = $2 AND op_id = $3";

/// Notes, once, the outcome that a webhook was answered with. A concurrent writer notes the same.
pub(super) const RECORD_REPLY: &str = "\
UPDATE delivery SET told_outcome = $1, told_at = {NOW} WHERE channel = $2 AND dedupe_key = \
(SELECT dedupe_key FROM delivery WHERE channel = $2 AND dedupe_key = $3 AND told_outcome IS NULL {SKIP})";

/// Takes the lease of one cancellation that is due and not leased; only of those past their
/// deadline when `$3` is 1.
///
/// If its owner was killed or froze, it was interrupted and did not fail: that counts as no attempt
/// and adds no backoff. The condition is repeated in the outer WHERE on purpose: PostgreSQL
/// re-checks only that one.
pub(super) const TAKE_DUE: &str = "UPDATE op SET lease_owner = $1, lease_until = {NOW}+$2, fence = fence+1, attempt = attempt + CASE WHEN lease_owner IS NULL THEN 1 ELSE 0 END, updated_at = {NOW} \
     WHERE id = (SELECT id FROM op WHERE state <> '{State::Done}' AND next_at <= {NOW} AND lease_until < {NOW} AND (CAST($3 AS BIGINT) = 0 OR deadline_at <= {NOW}) ORDER BY next_at LIMIT 1 {SKIP}) \
     AND state <> '{State::Done}' AND lease_until < {NOW} RETURNING {RECORD}";

/// When the next cancellation will be due, if any is waiting.
pub(super) const NEXT_DUE: &str = "SELECT MIN(CASE WHEN lease_until > next_at THEN lease_until ELSE next_at END) - {NOW} AS wait_ms FROM op WHERE state <> '{State::Done}'";

/// Renews a lease that has not expired.
pub(super) const RENEW: &str = "\
UPDATE op SET lease_until = {NOW}+$1, updated_at = {NOW} \
WHERE id = $2 AND fence = $3 AND lease_owner = $4 AND state <> '{State::Done}' AND lease_until > {NOW}";

/// Writes the target before it is deleted. A cancellation keeps its target for ever: another id
/// changes no row.
pub(super) const INTENT: &str = "\
UPDATE op SET state = '{State::Intent}', property_id = $1, snapshot = $2, first_name = COALESCE(first_name, $3), delete_sent = delete_sent+1, \
settle_at = {NOW}+$4, lease_until = {NOW}+$5, updated_at = {NOW} \
WHERE id = $6 AND fence = $7 AND lease_owner = $8 AND lease_until > {NOW} \
AND (state = '{State::Accepted}' OR (state IN ('{State::Intent}','{State::Acked}') AND property_id = $1))";

/// Notes that OZmap confirmed the deletion.
pub(super) const ACKED: &str = "\
UPDATE op SET state = '{State::Acked}', updated_at = {NOW} WHERE id = $1 AND fence = $2 AND lease_owner = $3 AND state = '{State::Intent}'";

/// Notes that OZmap refused the deletion. If it was the only one sent, it has settled with that.
pub(super) const REFUSED: &str = "\
UPDATE op SET settle_at = CASE WHEN delete_sent = 1 THEN {NOW} ELSE settle_at END, updated_at = {NOW} \
WHERE id = $1 AND fence = $2 AND lease_owner = $3 AND state IN ('{State::Intent}','{State::Acked}')";

/// Releases the lease until a later time, or until the deadline if that comes first; `$2` is 1 when
/// this was not an attempt.
pub(super) const BACKOFF: &str = "\
UPDATE op SET next_at = CASE WHEN deadline_at > {NOW} AND deadline_at < {NOW}+$1 THEN deadline_at ELSE {NOW}+$1 END, \
attempt = attempt-$2, lease_owner = NULL, lease_until = 0, reason = $3, updated_at = {NOW} \
WHERE id = $4 AND fence = $5 AND lease_owner = $6 AND state <> '{State::Done}'";

/// Ends a cancellation. While a deletion may still take effect, only `cancelled` is accepted.
pub(super) const DONE: &str = "\
UPDATE op SET state = '{State::Done}', outcome = $1, reason = $2, \
needs_human = CASE WHEN needs_human = 1 THEN 1 ELSE $3 END, first_name = COALESCE(first_name, $4), \
done_at = {NOW}, updated_at = {NOW}, lease_owner = NULL, lease_until = 0 \
WHERE id = $5 AND fence = $6 AND lease_owner = $7 AND lease_until > {NOW} AND state <> '{State::Done}' \
AND ($1 = '{Outcome::Cancelled}' OR settle_at <= {NOW})";

/// Flags a cancellation for review, whatever its outcome.
pub(super) const CALL_A_PERSON: &str = "\
UPDATE op SET needs_human = 1, updated_at = {NOW} WHERE id = $1 AND fence = $2 AND lease_owner = $3 AND state <> '{State::Done}'";

/// Leaves an unreadable record for review, until a later time; `$2` is its id as stored.
pub(super) const LEAVE_UNREADABLE: &str = "\
UPDATE op SET needs_human = 1, reason = '{Reason::UnreadableRecord}', lease_owner = NULL, lease_until = 0, \
next_at = CASE WHEN deadline_at > {NOW} AND deadline_at < {NOW}+$1 THEN deadline_at ELSE {NOW}+$1 END, \
updated_at = {NOW} WHERE id = $2 AND state <> '{State::Done}'";

/// Ends an unreadable record after its deadline. All that is known of it is whether a DELETE was
/// written, and whether that has settled.
pub(super) const GIVE_UP_UNREADABLE: &str = "\
UPDATE op SET state = '{State::Done}', outcome = CASE WHEN delete_sent = 0 THEN '{Outcome::Expired}' ELSE '{Outcome::Unknown}' END, \
done_at = {NOW}, updated_at = {NOW}, lease_owner = NULL, lease_until = 0 \
WHERE id = $1 AND state <> '{State::Done}' AND deadline_at <= {NOW} AND settle_at <= {NOW}";

/// Appends to the history of a cancellation.
pub(super) const EVENT: &str = "\
INSERT INTO op_event (op_id, seq, at_ms, fence, kind, detail) \
SELECT $1, COALESCE(MAX(seq),0)+1, {NOW}, $2, $3, $4 FROM op_event WHERE op_id = $1";

/// Appends an intent with the time `$4`, or the time of the first webhook if that is later: the
/// first webhook never counts as late.
pub(super) const INTENT_EVENT: &str = "\
INSERT INTO op_event (op_id, seq, at_ms, fence, kind, detail) \
SELECT $1, COALESCE(MAX(seq),0)+1, (SELECT MAX(t) FROM (SELECT CAST($4 AS BIGINT) AS t UNION ALL SELECT MIN(d.received_at) FROM delivery d JOIN op o ON o.id = d.op_id WHERE o.id = $1 AND d.received_at >= o.created_at) AS times), \
$2, '{EventKind::Intent}', $3 FROM op_event WHERE op_id = $1";

/// How many webhooks a cancellation answers.
pub(super) const JOINED: &str = "SELECT COUNT(*) AS joined FROM delivery WHERE op_id = $1";

/// Whether webhooks joined a cancellation after its deletion was decided, and its protocol number.
pub(super) const LATE_DELIVERIES: &str = "\
SELECT o.protocol FROM op o WHERE o.id = $1 AND EXISTS (SELECT 1 FROM delivery d WHERE d.op_id = o.id AND d.received_at > \
(SELECT e.at_ms FROM op_event e WHERE e.op_id = o.id AND e.kind = '{EventKind::Intent}' ORDER BY e.seq LIMIT 1))";

/// Inserts an ended record for late webhooks, for review: whatever they meant, something was
/// deleted. It keeps the deadline of the record that they joined, so that it does not look expired.
pub(super) const SPLIT_LATE_JOINERS: &str = "\
INSERT INTO op (id, protocol, code, dry_run, channel, state, outcome, reason, needs_human, next_at, deadline_at, created_at, updated_at, done_at, came_as) \
SELECT $1, $2, code, dry_run, channel, '{State::Done}', '{Outcome::Unknown}', $4, 1, {NOW}, deadline_at, {NOW}, {NOW}, {NOW}, came_as FROM op WHERE id = $3";

/// Moves the late webhooks to it.
pub(super) const MOVE_LATE_DELIVERIES: &str = "\
UPDATE delivery SET op_id = $1 WHERE op_id = $2 AND received_at > \
(SELECT at_ms FROM op_event WHERE op_id = $2 AND kind = '{EventKind::Intent}' ORDER BY seq LIMIT 1)";

/// How often something happened to a cancellation.
pub(super) const COUNT_EVENTS: &str =
    "SELECT COUNT(*) AS events FROM op_event WHERE op_id = $1 AND kind = $2";

/// The last time that this service cancelled a code, or gave up after it had sent the deletion: the
/// explanation when OZmap no longer shows anything. Also how often that happened, which does not
/// depend on the clock.
pub(super) const EARLIER_CANCEL: &str = "\
SELECT protocol, done_at, COUNT(*) OVER () AS cancellations FROM op WHERE code = $1 AND state = '{State::Done}' \
AND (outcome = '{Outcome::Cancelled}' OR (outcome = '{Outcome::Unknown}' AND delete_sent > 0)) \
ORDER BY done_at DESC LIMIT 1";

/// Locks the live cancellation of this code, so that concurrent writers serialize with us.
pub(super) const LOCK_LIVE: &str = "UPDATE op SET updated_at = updated_at WHERE code = $1 AND dry_run = 0 AND state <> '{State::Done}'";

/// The properties of a code whose absence this service confirmed within a time in milliseconds.
pub(super) const SEEN_GONE: &str = "\
SELECT property_id FROM op WHERE code = $1 AND state = '{State::Done}' AND outcome = '{Outcome::Cancelled}' AND property_id IS NOT NULL AND done_at > {NOW} - $2";

/// Spends one of an hour's deletions; no row means that the hour is spent.
pub(super) const SPEND: &str = "\
INSERT INTO budget (name, bucket_at, used) VALUES ($1, ({NOW} / $2) * $2, 1) \
ON CONFLICT (name, bucket_at) DO UPDATE SET used = budget.used + 1 WHERE budget.used < $3 RETURNING used";

/// Purges expired hours.
pub(super) const FORGET_BUDGET: &str = "DELETE FROM budget WHERE bucket_at < {NOW} - $1";

/// Locks the attempts of this conversation until the commit. The row has an empty code, which no
/// attempt has.
pub(super) const HOLD_CONVERSATION: &str = "\
INSERT INTO attempt (conversation, code, at_ms) VALUES ($1, '', {NOW}) \
ON CONFLICT (conversation, code) DO UPDATE SET at_ms = {NOW}";

/// Notes a code that a conversation tries.
pub(super) const TRY_CODE: &str = "\
INSERT INTO attempt (conversation, code, at_ms) VALUES ($1, $2, {NOW}) \
ON CONFLICT (conversation, code) DO UPDATE SET at_ms = {NOW}";

/// How many codes a conversation has tried lately, beside this one.
pub(super) const TRIED_CODES: &str = "SELECT COUNT(*) AS tried FROM attempt WHERE conversation = $1 AND code NOT IN ($2, '') AND at_ms > {NOW} - $3";

/// Purges expired attempts.
pub(super) const FORGET_ATTEMPTS: &str = "DELETE FROM attempt WHERE at_ms < {NOW} - $1";

/// Adds `$3` to the failures of a conversation, which count from zero again when the last one is
/// longer ago than `$2`.
pub(super) const CONVERSATION_FAILED: &str = "\
INSERT INTO conversation (id, failures, updated_at) VALUES ($1, $3, {NOW}) \
ON CONFLICT (id) DO UPDATE SET failures = CASE WHEN conversation.updated_at > {NOW} - $2 THEN conversation.failures + $3 ELSE $3 END, \
asked_at = CASE WHEN conversation.updated_at - conversation.asked_at BETWEEN -100 AND 100 THEN {NOW} ELSE NULL END, \
updated_at = {NOW} RETURNING failures";

/// Notes the question that a conversation was asked, or the request that it was answered with. A
/// question resets the failures: the service understood the customer. A request leaves them, unless
/// they are too old to count.
pub(super) const REMEMBER_QUESTION: &str = "\
INSERT INTO conversation (id, failures, updated_at, asked_code, asked_mode, asked_by, asked_at, answered, answered_key) \
VALUES ($1, 0, {NOW}, $2, $3, $4, {NOW}, $5, $6) \
ON CONFLICT (id) DO UPDATE SET \
failures = CASE WHEN $5 = 1 AND conversation.updated_at > {NOW} - $7 THEN conversation.failures ELSE 0 END, \
updated_at = {NOW}, asked_code = $2, asked_mode = $3, asked_by = $4, asked_at = {NOW}, answered = $5, answered_key = $6";

/// Notes the answer to a question, if that question is still open.
pub(super) const ANSWER_QUESTION: &str = "\
UPDATE conversation SET answered = 1, answered_key = $4, asked_by = $5, asked_at = {NOW}, updated_at = {NOW} \
WHERE id = $1 AND answered = 0 AND asked_code = $2 AND asked_by = $3 AND updated_at - asked_at BETWEEN -100 AND 100";

/// The last question of a conversation, unless it is older than `$2`, and when this message was
/// first seen, if it was. An older version does not know questions: if it wrote to the row since,
/// the question is void. (PostgreSQL reads its clock twice for the two times of one statement, so
/// they may differ a little.)
pub(super) const QUESTION: &str = "\
SELECT asked_code, asked_mode, asked_by, answered, answered_key, asked_at, \
(SELECT h.at_ms FROM heard h WHERE h.conversation = $1 AND h.message = $3) AS first_seen_at FROM conversation \
WHERE id = $1 AND asked_code IS NOT NULL AND updated_at - asked_at BETWEEN -100 AND 100 AND asked_at > {NOW} - $2";

/// Notes when a message that may be an answer was first seen.
pub(super) const HEAR: &str = "\
INSERT INTO heard (conversation, message, at_ms) VALUES ($1, $2, {NOW}) ON CONFLICT (conversation, message) DO NOTHING";

/// Forgets this question of a conversation, if it is still the last one and has no answer.
pub(super) const DROP_THIS_QUESTION: &str = "\
UPDATE conversation SET asked_code = NULL, asked_mode = NULL, asked_by = NULL, asked_at = NULL, answered = NULL, answered_key = NULL \
WHERE id = $1 AND asked_code = $2 AND answered = $3";

/// Forgets the question of a conversation, whatever it is.
pub(super) const DROP_QUESTION: &str = "\
UPDATE conversation SET asked_code = NULL, asked_mode = NULL, asked_by = NULL, asked_at = NULL, answered = NULL, answered_key = NULL \
WHERE id = $1";

/// Forgets the failures of a conversation.
pub(super) const CONVERSATION_SUCCEEDED: &str =
    "UPDATE conversation SET failures = 0 WHERE id = $1";

/// Purges conversations that were silent for a time.
pub(super) const FORGET_CONVERSATIONS: &str =
    "DELETE FROM conversation WHERE updated_at < {NOW} - $1";

/// Purges messages that were seen long ago.
pub(super) const FORGET_HEARD: &str = "DELETE FROM heard WHERE at_ms < {NOW} - $1";

/// At the start of an embedded journal: no other process uses it, so every lease in it is of a dead
/// process.
pub(crate) const FREE_LEASES: &str = "UPDATE op SET attempt = attempt - CASE WHEN lease_owner IS NULL THEN 0 ELSE 1 END, lease_owner = NULL, lease_until = 0, next_at = {NOW} WHERE state <> '{State::Done}'";

/// At the start of an incomplete embedded journal: notes in the history of each cancellation that
/// had not begun why it ends.
pub(super) const NOTE_INCOMPLETE: &str = "\
INSERT INTO op_event (op_id, seq, at_ms, fence, kind, detail) \
SELECT o.id, COALESCE((SELECT MAX(e.seq) FROM op_event e WHERE e.op_id = o.id), 0) + 1, {NOW}, o.fence, '{EventKind::Done}', '{Outcome::Unknown} ' || $1 \
FROM op o WHERE o.state = '{State::Accepted}' AND o.dry_run = 0";

/// And ends it for review: the missing part may have recorded that it was carried out.
pub(super) const LEAVE_INCOMPLETE: &str = "\
UPDATE op SET state = '{State::Done}', outcome = '{Outcome::Unknown}', reason = $1, needs_human = 1, done_at = {NOW}, updated_at = {NOW}, \
lease_owner = NULL, lease_until = 0 WHERE state = '{State::Accepted}' AND dry_run = 0";

/// At the start of a shared journal, and with a new API key: everything that waits is due, because
/// the settings may have changed. Leased cancellations stay as they are.
pub(super) const WAKE: &str = "UPDATE op SET next_at = {NOW} WHERE state <> '{State::Done}' AND lease_until < {NOW} AND next_at > {NOW}";

/// Notes the schema that the journal was upgraded to.
pub(super) const SCHEMA_VERSION: &str =
    "INSERT INTO schema_version (version, at_ms) VALUES ($1, {NOW})";

/// Proves that the journal can be written.
pub(super) const HEARTBEAT: &str = "\
INSERT INTO heartbeat (owner, at_ms) VALUES ($1, {NOW}) ON CONFLICT (owner) DO UPDATE SET at_ms = {NOW}";

/// On a shared journal: writes the number of a batch as a part of it, and locks the row of the
/// writer until the batch is committed or rolled back.
pub(super) const MARK_BATCH: &str = "\
INSERT INTO batch (owner, number, at_ms) VALUES ($1, $2, {NOW}) \
ON CONFLICT (owner) DO UPDATE SET number = $2, at_ms = {NOW}";

/// The number of the last durable batch of a writer. It writes too, so that it waits for a commit
/// that is still running.
pub(super) const LAST_BATCH: &str = "\
INSERT INTO batch (owner, number, at_ms) VALUES ($1, 0, {NOW}) \
ON CONFLICT (owner) DO UPDATE SET at_ms = {NOW} RETURNING number";

/// On a shared journal: purges writers that have not written for a time in milliseconds.
pub(super) const FORGET_WRITERS: [&str; 2] = [
    "DELETE FROM batch WHERE at_ms < {NOW} - $1",
    "DELETE FROM heartbeat WHERE at_ms < {NOW} - $1",
];

/// One record by its id.
pub(super) const GET: &str = "SELECT {RECORD} FROM op WHERE id = $1";

/// The records that ended within a time in milliseconds. The subquery reads the clock once: a clock
/// in the condition keeps PostgreSQL from using the index.
pub(super) const ENDED_WITHIN: &str =
    "SELECT {RECORD} FROM op WHERE state = '{State::Done}' AND done_at > (SELECT {NOW} - $1)";

/// The active record of a code.
pub(super) const ACTIVE: &str =
    "SELECT {RECORD} FROM op WHERE code = $1 AND dry_run = 0 AND state <> '{State::Done}'";

/// Records by protocol, id, code or property id, newest first.
pub(super) const FIND: &str = "SELECT {RECORD} FROM op WHERE protocol = $1 OR id = $1 OR code = $1 OR property_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2";

/// The newest records; `$1` and `$2` narrow by state and outcome when they are not empty, `$4` to
/// those for review when it is 1.
pub(super) const LIST: &str = "SELECT {RECORD} FROM op WHERE ($1 = '' OR state = $1) AND ($2 = '' OR outcome = $2) AND (CAST($4 AS BIGINT) = 0 OR needs_human = 1) ORDER BY created_at DESC, id DESC LIMIT $3";

/// How many cancellations are not ended, how long the oldest waits (ms), and how many need review.
pub(super) const STATS: &str = "\
SELECT COUNT(*) AS active, COALESCE({NOW} - MIN(created_at), 0) AS oldest_ms, \
(SELECT COUNT(*) FROM op WHERE needs_human = 1) AS for_a_person, \
(SELECT COALESCE(MAX(used), 0) FROM budget WHERE name = 'deletes' AND bucket_at = ({NOW} / 3600000) * 3600000) AS deletes_this_hour \
FROM op WHERE state <> '{State::Done}'";

/// The raw JSON that was kept before a deletion.
pub(super) const SNAPSHOT: &str = "SELECT snapshot, note FROM op WHERE id = $1";

/// The history of a cancellation.
pub(super) const EVENTS: &str =
    "SELECT seq, at_ms, fence, kind, detail FROM op_event WHERE op_id = $1 ORDER BY seq";

/// The webhooks of a cancellation.
pub(super) const DELIVERIES: &str = "SELECT channel, received_at, told_outcome, told_at FROM delivery WHERE op_id = $1 ORDER BY received_at";
