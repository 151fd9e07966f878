#ifndef HTTP_GUARD_H
#define HTTP_GUARD_H

#include <stdbool.h>

/*
 * Who may do what over HTTP. Pure.
 *
 * Numbers and states are for everybody who reaches the address. What events hold is for whoever brings the
 * token; without one in the config for everybody on loopback, and elsewhere for nobody. To change something
 * takes the token. A browser sends both only from the page of this very address: nothing here knows cookies,
 * and a request that another site made it send is refused.
 */
enum guard_right { GUARD_NUMBERS, GUARD_EVENTS, GUARD_CHANGE };

/* What a request says of itself; each may be NULL. */
struct guard_request {
	const char *host; /* HOST or HOST:PORT, in brackets where it is IPv6 */
	const char *origin, *fetch_site; /* Origin, Sec-Fetch-Site: a browser's */
	const char *content_type, *authorization;
	bool has_content;
};

struct guard {
	const char *token; /* of the config; NULL: none */
	bool loopback; /* it listens there and nowhere else */
};

/* Why a request is refused. */
struct guard_refusal {
	unsigned status; /* HTTP's; 0: it is not refused */
	bool wrong_token;
	const char *text;
};

struct guard_refusal guard_check(
	const struct guard *guard, enum guard_right right, const struct guard_request *request);

/* What somebody without and with a token gets of a right: "open", "token" or "refused". */
const char *guard_access(const struct guard *guard, enum guard_right right);

#endif
