#ifndef HTTP_ASSETS_H
#define HTTP_ASSETS_H

#include <stddef.h>

/* What src/http/page/ becomes at build (cmake/embed_page.cmake). Ends with path NULL. */
struct asset {
	const char *path; /* "/" */
	const char *type; /* its content type */
	const void *data;
	size_t size;
};

extern const struct asset assets[];

/* The Content-Security-Policy under which the page runs: its own style and script, by their hashes. */
extern const char page_policy[];

#endif
