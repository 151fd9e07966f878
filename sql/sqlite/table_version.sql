-- Changes with every change of a table's columns.
PRAGMA schema_version
