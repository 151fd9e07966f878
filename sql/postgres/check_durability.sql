-- What `dray check` asks of a server: settings that weaken a commit, and prepared transactions.
SELECT name, setting FROM pg_settings
WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'max_prepared_transactions')
