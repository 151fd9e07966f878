-- The newest message that was marked delivered: a stream that lost it, or holds another in its place, lost its end.
ALTER TABLE dray.relay_position ADD COLUMN marked_seq bigint NOT NULL DEFAULT 0;
ALTER TABLE dray.relay_position ADD COLUMN marked_id text NOT NULL DEFAULT ''; -- its Nats-Msg-Id
