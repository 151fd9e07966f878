-- Stores one event as a row.
INSERT INTO {table} ({columns}) VALUES ({values})
