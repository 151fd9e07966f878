-- The newest message that was marked delivered: a stream that lost it, or holds another in its place, lost its end.
ALTER TABLE dray_relay_position ADD COLUMN marked_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dray_relay_position ADD COLUMN marked_id TEXT NOT NULL DEFAULT ''; -- its Nats-Msg-Id
