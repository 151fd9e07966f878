/* HTTP/1.1 by hand: as much of it as a test needs. */
#include "support/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/common.h"

static int connect_to(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval limit = { .tv_sec = patience(60000) / 1000 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void send_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
		if (sent <= 0)
			return; /* the server has answered already, or the answer tells */
		data += sent;
		size -= (size_t)sent;
	}
}

/* Not everybody ends the connection when asked to. */
static bool is_whole(const char *data, size_t size)
{
	const char *end = strstr(data, "\r\n\r\n"),
		   *length = strcasestr(data, "\r\nContent-Length:");

	return end && length && length < end &&
		size >= (size_t)(end + 4 - data) + (size_t)atol(length + 17);
}

static char *receive_all(int fd)
{
	size_t room = 65536, size = 0;
	char *data = malloc(room + 1);
	ssize_t got;

	data[0] = '\0';
	while (!is_whole(data, size) && (got = recv(fd, data + size, room - size, 0)) > 0) {
		size += (size_t)got;
		data[size] = '\0';
		if (size == room)
			data = realloc(data, (room *= 2) + 1);
	}
	return keep(data);
}

static int send_request(
	int port, const char *method, const char *path, const char *lines, const char *body)
{
	int fd = connect_to(port);
	bool host = lines && strcasestr(lines, "Host:");
	char *length = body ? text("Content-Length: %zu\r\n", strlen(body)) : "";
	char *request = text("%s %s HTTP/1.1\r\n%sConnection: close\r\n%s%s\r\n%s", method, path,
		host ? "" : text("Host: 127.0.0.1:%d\r\n", port), length, lines ? lines : "",
		body ? body : "");

	if (fd >= 0)
		send_all(fd, request, strlen(request));
	return fd;
}

struct http_answer http_receive(int fd)
{
	struct http_answer answer = { .head = "", .body = "" };

	if (fd < 0)
		return answer;
	answer.head = receive_all(fd);
	close(fd);
	sscanf(answer.head, "HTTP/1.1 %d", &answer.status);
	char *end = strstr(answer.head, "\r\n\r\n");
	if (end) {
		end[2] = '\0';
		answer.body = end + 4;
	}
	return answer;
}

int http_send(int port, const char *method, const char *path, const char *lines)
{
	return send_request(port, method, path, lines, NULL);
}

struct http_answer http_request(
	int port, const char *method, const char *path, const char *lines, const char *body)
{
	return http_receive(send_request(port, method, path, lines, body));
}

char *http_get(int port, const char *path, int status)
{
	struct http_answer answer = http_request(port, "GET", path, NULL, NULL);

	if (answer.status != status)
		give_up("GET %s gave %d, not %d: %s", path, answer.status, status, answer.body);
	return answer.body;
}

json_t *http_get_json(int port, const char *path, int status)
{
	char *body = http_get(port, path, status);
	json_error_t why;
	json_t *value = json_loads(body, 0, &why);

	if (!value)
		give_up("GET %s gave no JSON: %s: %s", path, why.text, body);
	return value;
}
