#ifndef HTTP_ASSETS_H
#define HTTP_ASSETS_H

#include <stddef.h>

/* The files of src/http/page/, embedded at build (cmake/embed_page.cmake). Ends with path NULL. */
struct asset {
	const char *path; /* "/page.css" */
	const char *type; /* its content type */
	const void *data;
	size_t size;
};

extern const struct asset assets[];

#endif
