#ifndef NATS_LIBRARY_H
#define NATS_LIBRARY_H

/*
 * cnats itself, with the threads of its own that serve all connections. To be opened before a connection is made;
 * again does nothing. Any thread. Where it fails, making a connection says so.
 */
void library_open(void);

/*
 * Ends those threads, before the process ends: what exit() takes down is still in use by them. To be called
 * when every link is destroyed; does nothing where it was not opened.
 */
void library_close(void);

const char *library_version(void);

#endif
