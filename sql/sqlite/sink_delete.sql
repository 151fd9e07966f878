-- Deletes the row of a key.
DELETE FROM {table} AS t WHERE {same_key} AND {newer_than_row}
