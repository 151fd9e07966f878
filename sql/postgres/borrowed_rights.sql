-- What we may do with a table: read it; delete from it; and the columns ($2) that we may not update.
SELECT has_table_privilege($1, 'SELECT'), has_table_privilege($1, 'DELETE'),
	(SELECT string_agg(value, ', ') FROM json_array_elements_text($2::json)
		WHERE NOT has_column_privilege($1::regclass, value, 'UPDATE')), current_user
