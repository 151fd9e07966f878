-- A part of borrowed_read: rows with these ids.
{id} IN (SELECT value::{id_type} FROM json_array_elements_text($4::json))
