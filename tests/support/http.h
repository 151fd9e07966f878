#ifndef SUPPORT_HTTP_H
#define SUPPORT_HTTP_H

#include <jansson.h>

/* An HTTP client on loopback: one request a connection. */
struct http_answer {
	int status; /* 0: no answer */
	char *head, *body;
};

/* lines: further header lines, each ended by "\r\n"; a Host among them stands in place of the usual one. */
struct http_answer http_request(
	int port, const char *method, const char *path, const char *lines, const char *body);

/* The same in two steps: in between the server works. */
int http_send(int port, const char *method, const char *path, const char *lines);
struct http_answer http_receive(int fd);

/* GET; fails the test unless the status is this one. */
char *http_get(int port, const char *path, int status);
json_t *http_get_json(int port, const char *path, int status);

#endif
