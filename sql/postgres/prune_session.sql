-- A deletion that a crash takes back is made again; and each goes by the primary key, whatever the statistics say.
SELECT set_config('synchronous_commit', 'off', false), set_config('enable_seqscan', 'off', false)
