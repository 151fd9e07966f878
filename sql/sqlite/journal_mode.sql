-- wal, or what SQLite begins with: delete.
PRAGMA journal_mode
