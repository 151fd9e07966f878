-- Watermill's default tables, as its InitializeSchema makes them.
CREATE TABLE watermill_events (
	"offset"         BIGSERIAL,
	"uuid"           VARCHAR(36) NOT NULL,
	"created_at"     TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
	"payload"        JSON DEFAULT NULL,
	"metadata"       JSON DEFAULT NULL,
	"transaction_id" xid8 NOT NULL,
	PRIMARY KEY ("transaction_id", "offset")
);
CREATE TABLE watermill_offsets_events (
	consumer_group                VARCHAR(255) NOT NULL,
	offset_acked                  BIGINT,
	last_processed_transaction_id xid8 NOT NULL,
	PRIMARY KEY (consumer_group)
);
