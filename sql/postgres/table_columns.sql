-- The columns of a table, given as its quoted name; none where there is no such table.
SELECT attname FROM pg_attribute
WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped
