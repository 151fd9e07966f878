/* The clocks. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

int64_t clock_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_now_ms(void)
{
	return clock_now_us() / 1000;
}

int64_t clock_wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void clock_sleep_ms(int64_t ms)
{
	struct timespec wait = { ms / 1000, ms % 1000 * 1000000 };

	if (ms > 0)
		nanosleep(&wait, NULL);
}

void clock_format(int64_t wall_ms, char text[32])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm parts;

	gmtime_r(&seconds, &parts);
	snprintf(text, 32, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
		(unsigned)(parts.tm_year + 1900) % 10000, (unsigned)(parts.tm_mon + 1) % 100,
		(unsigned)parts.tm_mday % 100, (unsigned)parts.tm_hour % 100,
		(unsigned)parts.tm_min % 100, (unsigned)parts.tm_sec % 100,
		(unsigned)(wall_ms % 1000) % 1000);
}

int64_t clock_parse(const char *text)
{
	struct tm parts = { 0 };
	double fraction = 0;

	if (sscanf(text, "%d-%d-%dT%d:%d:%d%lf", &parts.tm_year, &parts.tm_mon, &parts.tm_mday,
		    &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &fraction) < 6)
		return 0;
	parts.tm_year -= 1900;
	parts.tm_mon -= 1;
	return (int64_t)timegm(&parts) * 1000 + (int64_t)(fraction * 1000);
}
