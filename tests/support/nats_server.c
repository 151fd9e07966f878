/* A real nats-server for a test. */
#include "support/nats_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/common.h"

#define PORT_FIRST 15000
#define PORTS	   17000

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static bool port_is_free(int port)
{
	struct sockaddr_in address = loopback(port);
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	bool is_free = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	close(fd);
	return is_free;
}

int free_port(void)
{
	static unsigned next;

	if (!next)
		next = (unsigned)getpid() * 7919u;
	for (int tries = 0; tries < PORTS; tries++) {
		int port = PORT_FIRST + (int)(next++ * 31u % PORTS);
		if (port_is_free(port))
			return port;
	}
	give_up("no free port");
}

bool port_answers(int port)
{
	struct sockaddr_in address = loopback(port);
	struct timeval limit = { .tv_sec = 1 };
	char first = 0;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	bool answers = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
		recv(fd, &first, 1, 0) == 1; /* INFO comes unasked */
	close(fd);
	return answers;
}

static const char *usual_program(void)
{
	const char *named = getenv("DRAY_NATS_SERVER");

	if (named && *named)
		return named;
	return access("/usr/sbin/nats-server", X_OK) == 0 ? "/usr/sbin/nats-server" : "nats-server";
}

static int version_of(const char *program)
{
	static const char *asked;
	static int version;

	if (asked && strcmp(asked, program) == 0)
		return version;
	const char *argv[] = { program, "--version", NULL };
	struct result result = command_run(&(struct launch){ .argv = argv }, 10000);
	int major = 0, minor = 0, patch = 0;
	const char *digits = strpbrk(result.out, "0123456789");

	if (!digits || sscanf(digits, "%d.%d.%d", &major, &minor, &patch) < 2)
		give_up("%s --version says: %s%s", program, result.out, result.err);
	asked = program;
	return version = major * 10000 + minor * 100 + patch;
}

static void launch(struct nats_server *server)
{
	const char *argv[] = { server->program, "-c", server->config, NULL };

	server->proc = proc_start(&(struct launch){ .argv = argv, .folder = server->folder },
		scratch_path("%s.log", server->name));
}

/* False where the process ended at once, as it does when somebody else took the port. */
static bool comes_up(struct nats_server *server)
{
	int64_t end = now_ms() + patience(20000);

	while (proc_running(server->proc) && now_ms() < end) {
		if (port_answers(server->port) && proc_running(server->proc))
			return true;
		nap(10);
	}
	proc_kill(server->proc);
	return false;
}

static void configure(struct nats_server *server, const char *extra)
{
	server->port = free_port();
	server->url = text("nats://127.0.0.1:%d", server->port);
	file_write(server->config,
		text("listen: 127.0.0.1:%d\n"
		     "server_name: %s\n"
		     "jetstream { store_dir: \"%s\", max_mem: 256M, max_file: 8G }\n"
		     "%s\n",
			server->port, server->name, server->folder, extra ? extra : ""));
}

void nats_server_start(struct nats_server *server, const char *name, const char *extra)
{
	nats_server_start_as(server, name, &(struct nats_server_setup){ .extra = extra });
}

void nats_server_start_as(
	struct nats_server *server, const char *name, const struct nats_server_setup *setup)
{
	*server = (struct nats_server){ .name = text("%s", name) };
	server->program = setup->program ? setup->program : usual_program();
	server->version = version_of(server->program);
	server->folder = setup->folder ? text("%s", setup->folder) : scratch_path("%s", name);
	server->config = scratch_path("%s.conf", name);
	mkdir(server->folder, 0755);
	for (int tries = 0; tries < 5; tries++) {
		configure(server, setup->extra);
		launch(server);
		if (comes_up(server))
			return;
	}
	give_up("nats-server does not start:\n%s", proc_log(server->proc));
}

void nats_server_again(struct nats_server *server)
{
	launch(server);
	if (!comes_up(server))
		give_up("nats-server does not start again:\n%s", proc_log(server->proc));
}

void nats_server_end(struct nats_server *server)
{
	if (!server->proc || !proc_running(server->proc))
		return;
	proc_signal(server->proc, SIGTERM);
	proc_wait(server->proc, 20000);
}

void nats_server_kill(struct nats_server *server)
{
	proc_kill(server->proc);
}

void nats_server_pause(struct nats_server *server)
{
	proc_signal(server->proc, SIGSTOP);
}

void nats_server_resume(struct nats_server *server)
{
	proc_signal(server->proc, SIGCONT);
}
