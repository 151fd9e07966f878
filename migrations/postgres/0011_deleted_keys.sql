-- Deleted keys are looked for to be forgotten. Without changed_at, so that a new version of a row that is there stays
-- on its page.
CREATE INDEX sink_version_deleted ON dray.sink_version (sink, stream, key) WHERE deleted;
