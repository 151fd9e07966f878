-- The columns of a table; none where there is no such table.
SELECT name FROM pragma_table_info(?1)
