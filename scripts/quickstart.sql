-- A small web shop at work, for scripts/quickstart. Every event is written in the transaction of the business
-- row that it tells of, so either both are there or neither is.
.bail on
.timeout 10000

CREATE TABLE clicks (id INTEGER PRIMARY KEY, visitor TEXT, page TEXT);
CREATE TABLE logins (id INTEGER PRIMARY KEY, customer TEXT, device TEXT);
CREATE TABLE purchases (id INTEGER PRIMARY KEY, customer TEXT, article TEXT, cents INTEGER);

-- By hand: the business row, then its event. The key keeps a customer's events in order.
BEGIN;
INSERT INTO purchases (customer, article, cents) VALUES ('customer-1', 'a blue teapot', 2450);
INSERT INTO dray_outbox (subject, key, payload)
VALUES ('shop.purchase', 'customer-1', '{"customer":"customer-1","article":"a blue teapot","cents":2450}');
COMMIT;

-- The card was refused: neither the purchase nor its event has ever happened.
BEGIN;
INSERT INTO purchases (customer, article, cents) VALUES ('customer-2', 'never-happened', 9900);
INSERT INTO dray_outbox (subject, key, payload)
VALUES ('shop.purchase', 'customer-2', '{"customer":"customer-2","article":"never-happened","cents":9900}');
ROLLBACK;

-- By trigger: the application just writes its rows, as it always did.
CREATE TRIGGER clicks_event AFTER INSERT ON clicks BEGIN
	INSERT INTO dray_outbox (subject, key, payload)
	VALUES ('shop.click', new.visitor, json_object('visitor', new.visitor, 'page', new.page));
END;
CREATE TRIGGER logins_event AFTER INSERT ON logins BEGIN
	INSERT INTO dray_outbox (subject, key, headers, payload)
	VALUES ('shop.login', new.customer, json_object('Device', new.device),
		json_object('customer', new.customer));
END;
CREATE TRIGGER purchases_event AFTER INSERT ON purchases BEGIN
	INSERT INTO dray_outbox (subject, key, payload)
	VALUES ('shop.purchase', new.customer,
		json_object('customer', new.customer, 'article', new.article, 'cents', new.cents));
END;

-- A quiet morning.
BEGIN;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
INSERT INTO clicks (visitor, page) SELECT 'visitor-' || (i * 31 % 47), '/article/' || (i * 7 % 23) FROM n;
COMMIT;
BEGIN;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
INSERT INTO logins (customer, device) SELECT 'customer-' || i, iif(i % 3, 'phone', 'desk') FROM n;
COMMIT;

-- A bot's clicks, noticed in time.
BEGIN;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
INSERT INTO clicks (visitor, page) SELECT 'visitor-' || i, '/never-happened' FROM n;
ROLLBACK;

-- The sale begins.
BEGIN;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
INSERT INTO clicks (visitor, page) SELECT 'visitor-' || (i * 17 % 211), '/sale/' || (i % 12) FROM n;
COMMIT;
BEGIN;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250)
INSERT INTO purchases (customer, article, cents)
SELECT 'customer-' || (1 + i * 13 % 60), 'article ' || (i % 12), 100 * (1 + i % 40) FROM n;
COMMIT;

-- The stock of one article was counted wrongly: its purchases are taken back, a part of one transaction.
BEGIN;
INSERT INTO logins (customer, device) VALUES ('customer-61', 'phone');
SAVEPOINT basket;
INSERT INTO purchases (customer, article, cents) VALUES ('customer-61', 'never-happened', 100);
ROLLBACK TO basket;
INSERT INTO purchases (customer, article, cents) VALUES ('customer-61', 'article 3', 400);
COMMIT;

-- The evening.
BEGIN;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
INSERT INTO clicks (visitor, page) SELECT 'visitor-' || (i * 29 % 83), '/article/' || (i % 23) FROM n;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 90)
INSERT INTO logins (customer, device) SELECT 'customer-' || i, iif(i % 4, 'phone', 'desk') FROM n;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120)
INSERT INTO purchases (customer, article, cents)
SELECT 'customer-' || (1 + i * 7 % 90), 'article ' || (i % 23), 100 * (1 + i % 25) FROM n;
COMMIT;
BEGIN;
INSERT INTO purchases (customer, article, cents) VALUES ('customer-5', 'never-happened', 5500);
ROLLBACK;
