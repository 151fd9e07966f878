-- The columns of a table, given as its quoted name: name, type, kind, default, whether NULL is refused,
-- whether the database makes the values, whether it fills in missing ones, and the type for a cast. A domain is
-- of the kind of what it is made of. A cast to a text or bits of a length would cut without a word.
SELECT a.attname, format_type(a.atttypid, a.atttypmod),
	CASE
		WHEN b.oid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) THEN 'integer'
		WHEN b.oid IN ('json'::regtype, 'jsonb'::regtype) THEN 'json'
		WHEN b.oid = 'bytea'::regtype THEN 'bytes'
		WHEN b.oid IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype) THEN 'time'
		WHEN b.typcategory = 'N' THEN 'number'
		WHEN b.typcategory = 'B' THEN 'boolean'
		WHEN b.typcategory = 'S' THEN 'text'
		ELSE 'other'
	END,
	CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
	a.attnotnull OR t.typnotnull,
	a.attgenerated <> '' OR a.attidentity = 'a',
	a.attidentity <> '',
	CASE WHEN b.oid IN ('varchar'::regtype, 'bpchar'::regtype, 'bit'::regtype, 'varbit'::regtype)
			OR t.typtype = 'd' THEN format_type(b.oid, -1)
		ELSE format_type(a.atttypid, a.atttypmod) END
FROM pg_attribute a
	JOIN pg_type t ON t.oid = a.atttypid
	JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
	LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
