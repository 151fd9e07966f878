-- Who holds a lease, and how often it was renewed; a length of 0 says that it was given back. Whether it is paused.
SELECT holder, epoch, renewals, length_ms, paused_at, paused_by, paused_why FROM dray_lease WHERE resource = ?1
