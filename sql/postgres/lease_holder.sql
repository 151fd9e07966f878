-- Who holds a lease.
SELECT holder FROM dray.lease WHERE resource = $1
