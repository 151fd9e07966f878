-- Readers and a writer at once. Stays with the file; gives the mode that holds now.
PRAGMA journal_mode = WAL
