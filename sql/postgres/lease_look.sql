-- Who holds a lease, and how often it was renewed; a length of 0 says that it was given back.
SELECT holder, epoch, renewals, length_ms FROM dray.lease WHERE resource = $1
