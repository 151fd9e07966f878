-- What Dray notes of rows in tables that it did not make: those that failed.
CREATE TABLE dray_borrowed_row (
	relay      TEXT NOT NULL,             -- as in lease.resource
	row_id     TEXT NOT NULL,
	attempts   INTEGER NOT NULL,
	retry_at   TEXT,
	last_error TEXT NOT NULL,
	dead       INTEGER NOT NULL,
	PRIMARY KEY (relay, row_id)
) WITHOUT ROWID;
