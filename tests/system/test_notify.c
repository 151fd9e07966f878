/* What systemd hears of a service of Type=notify. */
#include "stage.h"

#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int socket_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = 1 };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		give_up("cannot bind %s", path);
	return fd;
}

/* Whether the next thing that is said is this, what is said in between aside. */
static bool hears(int fd, const char *what, const char *aside)
{
	char said[64];
	int64_t end = now_ms() + patience(20000);

	while (now_ms() < end) {
		ssize_t size = recv(fd, said, sizeof(said) - 1, 0);
		if (size < 0)
			continue;
		said[size] = '\0';
		if (strncmp(said, what, strlen(what)) == 0)
			return true;
		if (strcmp(said, aside) != 0)
			give_up("it said %s, not %s", said, what);
	}
	return false;
}

/* SIGHUP, with a config that is good and with one that is not: reloading, and ready. */
static void test_reloading(void **state)
{
	struct stage s = stage_set("sqlite", "reloading", NULL, true);
	char *path = scratch_path("reload.socket");
	int fd = socket_at(path);

	(void)state;
	dray_environment("NOTIFY_SOCKET", path);
	dray_environment("WATCHDOG_USEC", "");
	stage_run(&s, NULL);
	assert_true(hears(fd, "READY=1", "WATCHDOG=1"));
	for (int i = 0; i < 2; i++) {
		proc_signal(s.daemon, SIGHUP);
		assert_true(hears(fd, "RELOADING=1\nMONOTONIC_USEC=", "WATCHDOG=1"));
		assert_true(hears(fd, "READY=1", "WATCHDOG=1"));
		file_write(s.config, "nonsense\n");
	}
	proc_signal(s.daemon, SIGTERM);
	assert_true(hears(fd, "STOPPING=1", "WATCHDOG=1"));
	assert_int_equal(proc_wait(s.daemon, 30000), 0);
	dray_environment("NOTIFY_SOCKET", "");
	stage_end(&s);
	close(fd);
}

static void test_ready_alive_stopping(void **state)
{
	struct stage s = stage_set("sqlite", "notify", NULL, true);
	char *path = scratch_path("notify.socket");
	int fd = socket_at(path);

	(void)state;
	dray_environment("NOTIFY_SOCKET", path);
	dray_environment("WATCHDOG_USEC", "1000000");
	stage_run(&s, NULL);
	assert_true(hears(fd, "READY=1", ""));
	int64_t began = now_ms();
	for (int i = 0; i < 4; i++)
		assert_true(hears(fd, "WATCHDOG=1", ""));
	assert_in_range(now_ms() - began, 1500, patience(4000));
	proc_signal(s.daemon, SIGTERM);
	assert_true(hears(fd, "STOPPING=1", "WATCHDOG=1"));
	assert_int_equal(proc_wait(s.daemon, 30000), 0);
	dray_environment("NOTIFY_SOCKET", "");
	stage_run(&s, NULL); /* nobody wants to know */
	stage_emit(&s, 1, 5, 2);
	stage_exact(&s);
	stage_end(&s);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ready_alive_stopping),
		cmocka_unit_test(test_reloading),
	};

	return cmocka_run_group_tests_name("notify", tests, fixture_start_nats, NULL);
}
