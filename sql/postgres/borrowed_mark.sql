-- Marks rows as delivered, or as given up.
UPDATE {table} AS t SET {set} WHERE {id} IN (SELECT value::{id_type} FROM json_array_elements_text($1::json))
