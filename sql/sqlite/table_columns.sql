-- The columns of a table, with their types; none where there is no such table.
SELECT name, type FROM pragma_table_info(?1)
