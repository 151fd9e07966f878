-- How the file is set to give pages back (2: step by step), its free pages, and all of its pages.
SELECT (SELECT auto_vacuum FROM pragma_auto_vacuum), (SELECT freelist_count FROM pragma_freelist_count),
	(SELECT page_count FROM pragma_page_count)
