#ifndef SUPPORT_BROWSER_H
#define SUPPORT_BROWSER_H

#include <jansson.h>

/* A headless Chromium, driven by chromedriver in the WebDriver protocol (W3C). One at a time. */
void browser_start(void);
void browser_end(void);

void browser_open(const char *url);
void browser_resize(int width, int height);

/* The value of a function's body in the page ("return document.title"). For the caller to free. */
json_t *browser_run(const char *script);
char *browser_text(const char *script); /* "" where it is no text */
int64_t browser_number(const char *script); /* -1 where it is no number; true is 1 */

/* Types into whatever has the focus. The escape key is BROWSER_ESCAPE, the tabulator "\t", enter "\n". */
#define BROWSER_ESCAPE "\xee\x80\x8c"
void browser_type(const char *keys);

/* A picture of the window, into build folders that DRAY_SCREENSHOTS names; without it none is made. */
void browser_picture(const char *name);

#endif
