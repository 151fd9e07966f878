-- Who holds a lease.
SELECT holder FROM dray_lease WHERE resource = ?1
