/* WebDriver over HTTP. */
#include "support/browser.h"

#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "support/common.h"
#include "support/http.h"
#include "support/nats_server.h"
#include "support/proc.h"

static struct proc *driver;
static int port;
static char *session;

/* The member "value" of the answer, for the caller to free. */
static json_t *command(const char *method, const char *path, json_t *body)
{
	char *sent = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct http_answer answer =
		http_request(port, method, path, "Content-Type: application/json\r\n", sent);
	json_t *whole = json_loads(answer.body, 0, NULL);
	json_t *value = json_incref(json_object_get(whole, "value"));

	if (answer.status != 200)
		give_up("WebDriver %s %s: %d %s", method, path, answer.status, answer.body);
	free(sent);
	json_decref(body);
	json_decref(whole);
	return value;
}

static json_t *of_session(const char *what, json_t *body)
{
	return command("POST", text("/session/%s/%s", session, what), body);
}

/* Its own name service knows no other host than this one. */
static json_t *capabilities(void)
{
	return json_pack("{s{s{ss s{s[sssssss]}}}}", "capabilities", "alwaysMatch", "browserName",
		"chrome", "goog:chromeOptions", "args", "--headless=new", "--no-sandbox",
		"--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
		text("--user-data-dir=%s", scratch_path("chromium")));
}

void browser_start(void)
{
	const char *argv[] = { "chromedriver", text("--port=%d", port = free_port()), NULL };

	driver = proc_start(&(struct launch){ .argv = argv, .end_signal = SIGTERM },
		scratch_path("driver.log"));
	WAIT_UNTIL(30000, http_request(port, "GET", "/status", NULL, NULL).status == 200);
	json_t *value = command("POST", "/session", capabilities());
	session = text("%s", json_string_value(json_object_get(value, "sessionId")));
	json_decref(value);
}

void browser_end(void)
{
	json_decref(command("DELETE", text("/session/%s", session), NULL));
	proc_signal(driver, SIGTERM);
	proc_wait(driver, 20000);
}

void browser_open(const char *url)
{
	json_decref(of_session("url", json_pack("{ss}", "url", url)));
}

void browser_resize(int width, int height)
{
	json_decref(
		of_session("window/rect", json_pack("{si si}", "width", width, "height", height)));
}

json_t *browser_run(const char *script)
{
	return of_session("execute/sync", json_pack("{ss s[]}", "script", script, "args"));
}

void browser_type(const char *keys)
{
	json_t *element = command("GET", text("/session/%s/element/active", session), NULL);
	const char *id = json_string_value(json_object_iter_value(json_object_iter(element)));

	json_decref(of_session(text("element/%s/value", id), json_pack("{ss}", "text", keys)));
	json_decref(element);
}

char *browser_text(const char *script)
{
	json_t *value = browser_run(script);
	char *found = text("%s", json_is_string(value) ? json_string_value(value) : "");

	json_decref(value);
	return found;
}

int64_t browser_number(const char *script)
{
	json_t *value = browser_run(script);
	int64_t found = json_is_number(value) ? (int64_t)json_number_value(value)
		: json_is_boolean(value)      ? json_is_true(value)
					      : -1;

	json_decref(value);
	return found;
}

void browser_picture(const char *name)
{
	const char *folder = getenv("DRAY_SCREENSHOTS");

	if (!folder || !*folder)
		return;
	json_t *value = command("GET", text("/session/%s/screenshot", session), NULL);
	size_t size = strlen(json_string_value(value));
	unsigned char *picture = keep(malloc(size));
	int decoded = EVP_DecodeBlock(
		picture, (const unsigned char *)json_string_value(value), (int)size);
	FILE *file = fopen(text("%s/%s.png", folder, name), "w");

	if (!file || decoded < 0 || fwrite(picture, (size_t)decoded, 1, file) != 1)
		give_up("cannot write a picture into %s", folder);
	fclose(file);
	json_decref(value);
}
