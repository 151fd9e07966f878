-- The columns of each unique index of a table that ON CONFLICT can use: of no expression, over all rows; and
-- of the primary key, which need not have an index.
SELECT i.name, c.name
FROM pragma_index_list(?1) AS i, pragma_index_info(i.name) AS c
WHERE i."unique" AND NOT i.partial
	AND NOT EXISTS (SELECT 1 FROM pragma_index_info(i.name) WHERE name IS NULL)
UNION ALL
SELECT ' primary key', name FROM pragma_table_info(?1) WHERE pk > 0
ORDER BY 1
