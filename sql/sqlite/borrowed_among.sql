-- A part of borrowed_read: rows with these ids.
{id} IN (SELECT value FROM json_each(?4))
