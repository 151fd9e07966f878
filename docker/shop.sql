-- A small web shop at work, for compose.yaml: some visits every second, for ever. Each event is written in the transaction of
-- the business row that it tells of; one visit in ten is rolled back, and so are its events.
CREATE TABLE IF NOT EXISTS clicks (id bigint GENERATED ALWAYS AS IDENTITY, visitor text, page text);
CREATE TABLE IF NOT EXISTS logins (id bigint GENERATED ALWAYS AS IDENTITY, customer text);
CREATE TABLE IF NOT EXISTS purchases (id bigint GENERATED ALWAYS AS IDENTITY, customer text, article text, cents bigint);

CREATE OR REPLACE PROCEDURE visit(who text, what text, price bigint) LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO clicks (visitor, page) VALUES (who, '/' || what);
	PERFORM dray.emit('shop.click', jsonb_build_object('visitor', who, 'page', '/' || what), who);
	INSERT INTO logins (customer) VALUES (who);
	PERFORM dray.emit('shop.login', jsonb_build_object('customer', who), who);
	INSERT INTO purchases (customer, article, cents) VALUES (who, what, price);
	PERFORM dray.emit('shop.purchase', jsonb_build_object('customer', who, 'article', what, 'cents', price), who);
	IF random() < 0.1 THEN
		ROLLBACK; -- the card was refused: nothing of it has ever happened
	ELSE
		COMMIT;
	END IF;
END $$;

CREATE OR REPLACE PROCEDURE shop() LANGUAGE plpgsql AS $$
BEGIN
	LOOP
		FOR n IN 1..5 LOOP
			CALL visit('customer-' || n, 'article-' || floor(random() * 20), 100 + floor(random() * 5000)::bigint);
		END LOOP;
		PERFORM pg_sleep(1);
	END LOOP;
END $$;

CALL shop();
