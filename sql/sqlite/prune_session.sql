-- A deletion that a power cut takes back is made again.
PRAGMA synchronous = NORMAL
