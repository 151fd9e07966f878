#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

#include <stdint.h>

/*
 * What systemd wants to know of a service of Type=notify, by its protocol (sd_notify(3)): "READY=1",
 * "STOPPING=1", "WATCHDOG=1". Nothing is sent where NOTIFY_SOCKET is not set.
 */
void notify_systemd(const char *state);

/* "RELOADING=1" and since when, as Type=notify-reload wants it; "READY=1" ends it. */
void notify_systemd_reloading(void);

/* How often the watchdog wants to hear of this process, in ms (half its limit); -1: there is none. */
int64_t notify_watchdog_ms(void);

#endif
