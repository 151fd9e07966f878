-- Deletes rows that were delivered.
DELETE FROM {table} AS t WHERE {id} IN (SELECT value::{id_type} FROM json_array_elements_text($1::json))
