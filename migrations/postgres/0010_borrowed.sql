-- What Dray notes of rows in tables that it did not make: those that failed.
CREATE TABLE dray.borrowed_row (
	relay      text NOT NULL,             -- as in lease.resource
	row_id     text NOT NULL,
	attempts   int NOT NULL,
	retry_at   timestamptz,
	last_error text NOT NULL,
	dead       boolean NOT NULL,
	PRIMARY KEY (relay, row_id)
);
