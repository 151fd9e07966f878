/*
 * Who may connect: every way to say who Dray is and whom it trusts, against a server that asks for just that;
 * right, wrong, and together. What is refused says what is wrong, and shows no secret.
 */
#include "fixture.h"

#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static struct certificate trusted, foreign, server_cert, elsewhere_cert, client_cert,
	foreign_client;

static int make_certificates(void **state)
{
	trusted = authority_make("trusted");
	foreign = authority_make("foreign");
	server_cert = certificate_make(&trusted, "server", "DNS:localhost,IP:127.0.0.1", false);
	elsewhere_cert = certificate_make(&trusted, "elsewhere", "DNS:elsewhere.example", false);
	client_cert = certificate_make(&trusted, "client", "DNS:dray", true);
	foreign_client = certificate_make(&foreign, "foreign_client", "DNS:dray", true);
	(void)state;
	return 0;
}

static struct nats_server server_with(const char *name, const char *extra)
{
	struct nats_server server;

	nats_server_start(&server, name, extra);
	return server;
}

static char *config_for(const char *scheme, const struct nats_server *server, const char *settings)
{
	static int made;
	char *path = scratch_path("security_%d.yaml", ++made);

	file_write(path,
		text("nats: { url: \"%s:%d\"%s%s }\n"
		     "streams: [ { name: S, subjects: [\"s.>\"] } ]\n"
		     "relays: [ { name: out, database: \"sqlite:%s\", stream: S } ]\n",
			scheme, server->port, *settings ? ", " : "", settings,
			scratch_path("security.db")));
	return path;
}

/* Makes a stream, or is refused with these words. */
static void connects(const char *scheme, const struct nats_server *server, const char *settings,
	int status, const char *says)
{
	struct result result = dray("migrate", "-c", config_for(scheme, server, settings));

	if (result.status != status)
		give_up("with %s: %d, not %d: %s%s", settings, result.status, status, result.out,
			result.err);
	assert_contains(text("%s%s", result.out, result.err), says);
	assert_lacks(result.err, "hush");
}

#define NATS	      "nats://127.0.0.1"
#define LOCAL_TLS     "tls://localhost"
#define GOOD	      0, "stream S"
#define REFUSED(what) 1, "Violation: the server refuses " what

static void test_user_and_password(void **state)
{
	struct nats_server server = server_with("by_user",
		"authorization { users: [ { user: dray, password: \"hush right\" },"
		" { user: url, password: hush-right },"
		" { user: \"q\\\"uote\", password: \"hush\\\"\\\\quote\" } ] }");

	(void)state;
	connects(NATS, &server, "user: dray, password: hush right", GOOD);
	connects(NATS, &server, "user: 'q\"uote', password: 'hush\"\\quote'", GOOD);
	connects(NATS, &server, "user: dray, password: hush wrong", REFUSED("nats.user"));
	connects(NATS, &server, "user: somebody, password: hush right", REFUSED("nats.user"));
	connects(NATS, &server, "", REFUSED("a client without"));
	connects("nats://url:hush-right@127.0.0.1", &server, "", GOOD);
	connects("nats://url:hush-wrong@127.0.0.1", &server, "", REFUSED("who the URL names"));
	nats_server_kill(&server);
}

static void test_token(void **state)
{
	struct nats_server server =
		server_with("by_token", "authorization { token: \"hush\\\"right\" }");

	(void)state;
	connects(NATS, &server, "token: 'hush\"right'", GOOD);
	connects(NATS, &server, "token: hush wrong", REFUSED("nats.token"));
	nats_server_kill(&server);
}

static char *file_with(const char *name, const char *content)
{
	char *path = scratch_path("%s", name);

	file_write(path, content);
	chmod(path, 0600);
	return path;
}

static void test_nkey(void **state)
{
	struct nkey right = nkey_make('U'), wrong = nkey_make('U'), account = nkey_make('A');
	struct nats_server server = server_with(
		"by_nkey", text("authorization { users: [ { nkey: %s } ] }", right.public));
	char *altered = text("%s\n", right.seed);

	(void)state;
	altered[30] = altered[30] == 'A' ? 'B' : 'A';
	connects(NATS, &server,
		text("nkey_seed_file: %s",
			file_with(
				"right.nk", text("# of dray\n%s\n%s\n", right.seed, right.public))),
		GOOD);
	connects(NATS, &server, text("nkey_seed_file: %s", file_with("wrong.nk", wrong.seed)),
		REFUSED("nats.nkey_seed_file"));
	connects(NATS, &server, text("nkey_seed_file: %s", file_with("altered.nk", altered)), 1,
		"holds no seed of a user");
	connects(NATS, &server, text("nkey_seed_file: %s", file_with("account.nk", account.seed)),
		1, "holds no seed of a user");
	connects(NATS, &server, "nkey_seed_file: /nowhere/x.nk", 1, "No such file");
	nats_server_kill(&server);
}

/* --- accounts by signed claims --- */

#define JETSTREAM ",\"mem_storage\":-1,\"disk_storage\":-1,\"streams\":-1,\"consumer\":-1"
#define NO_LIMITS \
	"\"subs\":-1,\"data\":-1,\"payload\":-1,\"imports\":-1,\"exports\":-1,\"wildcards\":true," \
	"\"conn\":-1,\"leaf\":-1"

static char *creds_file(const char *name, const struct nkey *account)
{
	struct nkey user = nkey_make('U');
	char *jwt = jwt_make(account, user.public,
		"{\"pub\":{},\"sub\":{},\"subs\":-1,\"data\":-1,\"payload\":-1,\"type\":\"user\",\"version\":2}");

	return file_with(name,
		text("-----BEGIN NATS USER JWT-----\n%s\n------END NATS USER JWT------\n\n"
		     "-----BEGIN USER NKEY SEED-----\n%s\n------END USER NKEY SEED------\n",
			jwt, user.seed));
}

static char *account_claims(const struct nkey *root, const struct nkey *account, const char *limits)
{
	return jwt_make(root, account->public,
		text("{\"limits\":{%s},\"default_permissions\":{\"pub\":{},\"sub\":{}},"
		     "\"type\":\"account\",\"version\":2}",
			limits));
}

static char *accounts(const struct nkey *account)
{
	struct nkey root_key = nkey_make('O'), system = nkey_make('A');
	char *root = jwt_make(&root_key, root_key.public, "{\"type\":\"operator\",\"version\":2}");

	return text("operator: \"%s\"\nsystem_account: %s\nresolver: MEMORY\n"
		    "resolver_preload: { %s: \"%s\", %s: \"%s\" }\n",
		root, system.public, system.public, account_claims(&root_key, &system, NO_LIMITS),
		account->public, account_claims(&root_key, account, NO_LIMITS JETSTREAM));
}

static void test_creds(void **state)
{
	struct nkey account = nkey_make('A'), other = nkey_make('A');
	struct nats_server server = server_with("by_creds", accounts(&account));

	(void)state;
	connects(NATS, &server, text("creds: %s", creds_file("right.creds", &account)), GOOD);
	connects(NATS, &server, text("creds: %s", creds_file("wrong.creds", &other)),
		REFUSED("nats.creds"));
	connects(NATS, &server, text("creds: %s", file_with("empty.creds", "")), 1,
		"the server refuses nats.creds");
	connects(NATS, &server, "creds: /nowhere/x.creds", 1, "No such file");
	nats_server_kill(&server);
}

/* --- TLS --- */

static char *tls_of(const struct certificate *own, bool verify)
{
	return text("tls { cert_file: \"%s\", key_file: \"%s\", timeout: 20 %s }", own->cert,
		own->key, verify ? text(", ca_file: \"%s\", verify: true", trusted.cert) : "");
}

static char *ca(const struct certificate *authority)
{
	return text("tls: { ca: %s }", authority->cert);
}

static char *ca_and(const char *cert, const char *key)
{
	return text("tls: { ca: %s, cert: %s, key: %s }", trusted.cert, cert, key);
}

static void test_tls(void **state)
{
	struct nats_server server = server_with("by_tls", tls_of(&server_cert, false));
	struct nats_server named = server_with("elsewhere", tls_of(&elsewhere_cert, false));
	struct nats_server plain = server_with("without_tls", NULL);

	(void)state;
	connects(LOCAL_TLS, &server, ca(&trusted), GOOD);
	connects("tls://127.0.0.1", &server, ca(&trusted), GOOD);
	connects(NATS, &server, ca(&trusted), GOOD);
	connects(LOCAL_TLS, &server, ca(&foreign), 1, "unable to get local issuer certificate");
	connects(LOCAL_TLS, &server, "", 1, "look at nats.tls.ca");
	connects(NATS, &server, "", 1, "unable to get local issuer certificate");
	connects(LOCAL_TLS, &named, ca(&trusted), 1, "hostname mismatch");
	connects("tls://127.0.0.1", &named, ca(&trusted), 1, "mismatch");
	connects(LOCAL_TLS, &plain, ca(&trusted), 1, "offers no TLS");
	connects("tls://127.0.0.1", &plain, "", 1, "offers no TLS");
	connects(LOCAL_TLS, &server, "tls: { ca: /nowhere/ca.pem }", 1, "No such file");
	connects(LOCAL_TLS, &server, ca(&(struct certificate){ .cert = trusted.key }), 1,
		"holds no certificates");
	nats_server_kill(&server);
	nats_server_kill(&named);
	nats_server_kill(&plain);
}

/* Also where the system trusts its authority, which SSL_CERT_FILE stands for here. */
static void test_a_host_is_compared_without_tls_settings(void **state)
{
	struct nats_server named = server_with("by_system", tls_of(&elsewhere_cert, false));
	struct nats_server good = server_with("by_system_too", tls_of(&server_cert, false));

	(void)state;
	dray_environment("SSL_CERT_FILE", trusted.cert);
	connects(NATS, &named, "", 1, "mismatch");
	connects(LOCAL_TLS, &good, "", GOOD);
	dray_environment("SSL_CERT_FILE", "");
	nats_server_kill(&named);
	nats_server_kill(&good);
}

static void test_mutual_tls(void **state)
{
	struct nats_server server = server_with("by_mtls", tls_of(&server_cert, true));

	(void)state;
	connects(LOCAL_TLS, &server, ca_and(client_cert.cert, client_cert.key), GOOD);
	connects(LOCAL_TLS, &server, ca(&trusted), 3, "nats.tls.cert and key");
	connects(LOCAL_TLS, &server, ca_and(foreign_client.cert, foreign_client.key), 3,
		"nats.tls.cert and key");
	connects(LOCAL_TLS, &server, ca_and(client_cert.cert, foreign_client.key), 1,
		"are not a certificate and its key");
	connects(LOCAL_TLS, &server, ca_and("/nowhere/c.pem", client_cert.key), 1, "No such file");
	connects(LOCAL_TLS, &server, text("tls: { cert: %s }", client_cert.cert), 2,
		"cert and key need each other");
	nats_server_kill(&server);
}

/* One that fails and one that works, in either order; and two that fail for different reasons. */
static void test_several_servers(void **state)
{
	struct nats_server server = server_with("one_of_two", tls_of(&server_cert, false));
	char *dead = text("tls://localhost:%d,tls://localhost", free_port());

	(void)state;
	for (int i = 0; i < 4; i++)
		connects(dead, &server, ca(&trusted), GOOD);
	for (int i = 0; i < 4; i++)
		connects(dead, &server, ca(&foreign), 3, "unable to get local issuer certificate");
	nats_server_kill(&server);
}

/* --- together, at work --- */

static void works(const char *name, const char *scheme, const struct nats_server *server,
	const char *settings)
{
	char *url = text("sqlite:%s", scratch_path("%s.db", name)),
	     *path = scratch_path("%s.yaml", name);

	file_write(path,
		text("nats: { url: \"%s:%d\", %s }\n"
		     "streams: [ { name: S, subjects: [\"s.>\"] } ]\n"
		     "relays: [ { name: out, database: \"%s\", stream: S } ]\n"
		     "sinks: [ { name: in, database: \"%s\", stream: S } ]\n",
			scheme, server->port, settings, url, url));
	dray_expect(0, "migrate", "-c", path);
	struct proc *daemon = dray_start(name, NULL, "run", "-c", path);
	struct testdb *db = testdb_open(url);
	fixture_bulk(db, "'s.' || key", 1, 2000, 50);
	WAIT_UNTIL(40000, testdb_int(db, "SELECT count(*) FROM dray_events") == 2000);
	WAIT_UNTIL(10000, testdb_in_state(db, "pending") == 0);
	testdb_close(db);
	dray_stop(daemon);
}

static void test_together(void **state)
{
	struct nkey account = nkey_make('A'), user = nkey_make('U');
	char *mutual = tls_of(&server_cert, true), *own = ca_and(client_cert.cert, client_cert.key);
	struct nats_server by_creds =
		server_with("tls_creds", text("%s\n%s", mutual, accounts(&account)));
	struct nats_server by_nkey = server_with("tls_nkey",
		text("%s\nauthorization { users: [ { nkey: %s } ] }", mutual, user.public));
	struct nats_server by_user = server_with(
		"tls_user", text("%s\nauthorization { user: dray, password: hush }", mutual));

	(void)state;
	works("mtls_creds", LOCAL_TLS, &by_creds,
		text("%s, creds: %s", own, creds_file("both.creds", &account)));
	works("mtls_nkey", LOCAL_TLS, &by_nkey,
		text("%s, nkey_seed_file: %s", own, file_with("both.nk", user.seed)));
	works("mtls_user", LOCAL_TLS, &by_user, text("%s, user: dray, password: hush", own));
	connects(LOCAL_TLS, &by_user, text("%s, user: dray, password: hush wrong", own),
		REFUSED("nats.user"));
	connects(LOCAL_TLS, &by_user, text("%s, user: dray, password: hush", ca(&trusted)), 3,
		"nats.tls.cert and key");
	nats_server_kill(&by_creds);
	nats_server_kill(&by_nkey);
	nats_server_kill(&by_user);
}

/* --- files that everybody may read --- */

static void warns_of(const char *path, const char *settings)
{
	struct nats_server away = { .port = free_port() };
	char *config = config_for(NATS, &away, settings);

	chmod(config, 0600);
	chmod(path, 0644);
	struct result result = dray("check", "-c", config);
	assert_contains(result.out, text("%s holds a secret and everybody may read it", path));
	struct proc *daemon = dray_start("warns", NULL, "run", "-c", config);
	WAIT_UNTIL(10000, occurrences(proc_log(daemon), text("%s holds a secret", path)) > 0);
	dray_stop(daemon);
	chmod(path, 0600);
	assert_lacks(dray("check", "-c", config).out, "everybody may read");
}

static void test_files_that_everybody_may_read(void **state)
{
	char *nkey = file_with("open.nk", nkey_make('U').seed),
	     *creds = file_with("open.creds", "x");

	(void)state;
	warns_of(nkey, text("nkey_seed_file: %s", nkey));
	warns_of(creds, text("creds: %s", creds));
	warns_of(client_cert.key, ca_and(client_cert.cert, client_cert.key));
}

/* --- PostgreSQL --- */

/* PostgreSQL takes a key that belongs to its user, or to root with rights for the group. */
static char *postgres_key(void)
{
	char *copy = scratch_path("postgres.key");
	struct passwd *owner = getpwnam("postgres");

	file_write(copy, file_read(server_cert.key));
	chmod(copy, 0600);
	if (geteuid() == 0 && (!owner || chown(copy, owner->pw_uid, owner->pw_gid) != 0))
		give_up("cannot give %s to postgres", copy);
	chmod(scratch(), 0755);
	return copy;
}

static void reaches(const char *url, const char *password, int status, const char *says)
{
	dray_environment("PGPASSWORD", password);
	struct result result = dray("migrate", url);

	if (result.status != status)
		give_up("%s: %d, not %d: %s%s", url, result.status, status, result.out, result.err);
	assert_contains(text("%s%s", result.out, result.err), says);
	assert_lacks(result.err, "hush");
}

static void hba(const char *lines)
{
	file_write(text("%s/pg_hba.conf", pg.data), text("local all all trust\n%s", lines));
	proc_signal(pg.proc, 1);
}

static void test_postgres(void **state)
{
	const char *options[] = { "ssl=on", text("ssl_cert_file=%s", server_cert.cert),
		text("ssl_key_file=%s", postgres_key()), text("ssl_ca_file=%s", trusted.cert),
		NULL };
	char *at, *ca_of = text("&sslrootcert=%s", trusted.cert);

	(void)state;
	pg_server_start(&pg, "pg_tls", options);
	struct testdb *db = testdb_open(pg_server_url(&pg, "postgres"));
	testdb_exec(db, "CREATE ROLE dray LOGIN SUPERUSER PASSWORD 'hush'");
	testdb_exec(db, "CREATE ROLE client LOGIN SUPERUSER");
	hba("hostssl all dray all scram-sha-256\nhostssl all client all cert\n");
	WAIT_UNTIL(10000, occurrences(proc_log(pg.proc), "reloading configuration") > 0);
	at = text(":%d/postgres?connect_timeout=5", pg.port);
	reaches(text("postgresql://dray@localhost%s&sslmode=verify-full%s", at, ca_of), "hush", 0,
		"dray.outbox");
	reaches(text("postgresql://dray@localhost%s&sslmode=verify-full%s&channel_binding=require",
			at, ca_of),
		"hush", 0, "dray.outbox");
	reaches(text("postgresql://dray@localhost%s&sslmode=verify-full%s", at, ca_of),
		"hush wrong", 1, "password authentication failed");
	reaches(text("postgresql://dray@localhost%s&sslmode=verify-full&sslrootcert=%s", at,
			foreign.cert),
		"hush", 3, "certificate verify failed");
	reaches(text("postgresql://dray@ip6-localhost%s&sslmode=verify-full%s&hostaddr=127.0.0.1",
			at, ca_of),
		"hush", 3, "does not match host name");
	reaches(text("postgresql://dray@localhost%s&sslmode=disable", at), "hush", 1,
		"no encryption");
	reaches(text("postgresql://client@localhost%s&sslmode=verify-full%s&sslcert=%s&sslkey=%s",
			at, ca_of, client_cert.cert, client_cert.key),
		"", 0, "dray.outbox");
	reaches(text("postgresql://client@localhost%s&sslmode=verify-full%s&sslcert=none", at,
			ca_of),
		"", 3, "valid client certificate");
	testdb_close(db);
	pg_server_end(&pg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_user_and_password),
		cmocka_unit_test(test_token),
		cmocka_unit_test(test_nkey),
		cmocka_unit_test(test_creds),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_a_host_is_compared_without_tls_settings),
		cmocka_unit_test(test_mutual_tls),
		cmocka_unit_test(test_several_servers),
		cmocka_unit_test(test_together),
		cmocka_unit_test(test_files_that_everybody_may_read),
		cmocka_unit_test(test_postgres),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("security", tests, make_certificates, NULL);
}
