-- The columns of a table: name, type, kind, default, whether NULL is refused, whether the database makes the
-- values, whether it fills in missing ones, and the type again, which no cast needs. The kind follows SQLite's rules of affinity, and where they say NUMERIC the words that people
-- use. The one integer column of a primary key gets a value where it has none.
SELECT name, type,
	CASE
		WHEN upper(type) LIKE '%INT%' THEN 'integer'
		WHEN upper(type) LIKE '%CHAR%' OR upper(type) LIKE '%CLOB%' OR upper(type) LIKE '%TEXT%' THEN 'text'
		WHEN upper(type) LIKE '%BLOB%' THEN 'bytes'
		WHEN upper(type) LIKE '%REAL%' OR upper(type) LIKE '%FLOA%' OR upper(type) LIKE '%DOUB%' THEN 'real'
		WHEN upper(type) LIKE '%BOOL%' THEN 'boolean'
		WHEN upper(type) LIKE '%JSON%' THEN 'json'
		WHEN upper(type) LIKE '%DATE%' OR upper(type) LIKE '%TIMESTAMP%' THEN 'time'
		WHEN upper(type) LIKE '%NUM%' OR upper(type) LIKE '%DEC%' THEN 'number'
		ELSE 'other'
	END,
	dflt_value,
	CASE WHEN "notnull" THEN 't' ELSE 'f' END,
	CASE WHEN hidden IN (1, 2, 3) THEN 't' ELSE 'f' END,
	CASE WHEN pk = 1 AND upper(type) = 'INTEGER'
		AND (SELECT count(*) FROM pragma_table_xinfo(?1) WHERE pk > 0) = 1 THEN 't' ELSE 'f' END,
	type
FROM pragma_table_xinfo(?1)
ORDER BY cid
