-- Deleted keys are looked for to be forgotten.
CREATE INDEX dray_sink_version_deleted ON dray_sink_version (sink, stream, key) WHERE deleted;
