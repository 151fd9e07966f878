/* One request of a connection, in plain HTTP/1.1: as much of it as our own server needs. */
#include "http/client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "http/address.h"

#define LIMIT_SECONDS 3 /* of each step */
#define ANSWER_MAX    ((size_t)1 << 20)

static int connect_to(const struct addrinfo *address)
{
	struct timeval limit = { .tv_sec = LIMIT_SECONDS };
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
		return fd;
	int code = errno;
	close(fd);
	errno = code;
	return -1;
}

static int connect_to_any(const char *listen)
{
	struct addrinfo *found = address_resolve(listen, false);
	int fd = -1;

	errno = EADDRNOTAVAIL;
	for (struct addrinfo *one = found; one && fd < 0; one = one->ai_next)
		fd = connect_to(one);
	int code = errno;
	if (found)
		freeaddrinfo(found);
	errno = code;
	return fd;
}

/* The Host is loopback's, as the server wants it there. */
static bool ask(int fd, const char *path)
{
	char request[256];
	int size = snprintf(request, sizeof(request),
		"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);

	return send(fd, request, (size_t)size, MSG_NOSIGNAL) == size;
}

static bool receive(int fd, struct buf *answer)
{
	char piece[4096];
	ssize_t got;

	while ((got = recv(fd, piece, sizeof(piece), 0)) > 0 && answer->size < ANSWER_MAX)
		buf_add(answer, piece, (size_t)got);
	return got == 0;
}

/* Takes the head off. */
static bool parse(struct buf *answer, int *status, struct buf *body)
{
	const char *end = answer->data ? strstr(answer->data, "\r\n\r\n") : NULL;

	if (!end || sscanf(answer->data, "HTTP/1.%*c %d", status) != 1)
		return false;
	buf_add_text(body, end + 4);
	return true;
}

bool client_get(
	const char *listen, const char *path, int *status, struct buf *body, struct error *err)
{
	struct buf answer = { 0 };
	int fd = connect_to_any(listen);

	if (fd < 0)
		return error_set(err, ERROR_UNAVAILABLE, "nobody answers at %s: %s", listen,
			strerror(errno));
	bool ok = ask(fd, path) && receive(fd, &answer) && parse(&answer, status, body);
	close(fd);
	buf_finish(&answer);
	return ok ||
		error_set(err, ERROR_UNAVAILABLE,
			"what listens at %s does not answer as dray run does", listen);
}
