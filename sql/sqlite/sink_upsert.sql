-- Stores one event as the row of its key.
INSERT INTO {table} AS t ({columns}) VALUES ({values})
ON CONFLICT ({key_columns}) DO UPDATE SET {set} WHERE {newer_than_t}
