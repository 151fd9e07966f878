-- The columns of a table, with their types.
SELECT name, type FROM pragma_table_info(?1)
