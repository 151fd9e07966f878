-- The second database of compose.yaml, where the events arrive; run once by PostgreSQL's image.
CREATE DATABASE reports;
\connect reports
CREATE TABLE purchases (customer text, article text, cents bigint, at timestamptz);
