/*
 * An inbox. The messages are handed over by a callback, since natsSubscription_NextMsg looks into the
 * headers of a message without payload (for "no responders"), which changes them (message.c says why that
 * matters) and hides what looks like that status.
 *
 * cnats' delivery thread runs the two callbacks; it and the reader share `mailbox`, under its lock. It is
 * freed by whichever is done last.
 */
#include "nats/inbox.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <nats/nats.h>

#include "base/memory.h"

struct letter {
	struct letter *next;
	natsMsg *message;
};

struct mailbox {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct letter *first, **end;
	bool waiting;
	int owners;
};

struct inbox {
	struct link *link;
	natsSubscription *subscription;
	struct mailbox *mailbox;
	struct letter *taken; /* what was queued when the reader last looked */
	char subject[64];
};

static struct mailbox *make_mailbox(void)
{
	struct mailbox *mailbox = memory_new(sizeof(*mailbox));

	pthread_mutex_init(&mailbox->lock, NULL);
	pthread_cond_init(&mailbox->filled, NULL);
	mailbox->end = &mailbox->first;
	mailbox->owners = 1;
	return mailbox;
}

static void destroy_letters(struct letter *letter)
{
	while (letter) {
		struct letter *next = letter->next;
		natsMsg_Destroy(letter->message);
		free(letter);
		letter = next;
	}
}

static void leave_mailbox(struct mailbox *mailbox)
{
	pthread_mutex_lock(&mailbox->lock);
	bool last = --mailbox->owners == 0;
	pthread_mutex_unlock(&mailbox->lock);
	if (!last)
		return;
	destroy_letters(mailbox->first);
	pthread_mutex_destroy(&mailbox->lock);
	pthread_cond_destroy(&mailbox->filled);
	free(mailbox);
}

static void on_message(
	natsConnection *connection, natsSubscription *subscription, natsMsg *message, void *context)
{
	struct mailbox *mailbox = context;
	struct letter *letter = memory_new(sizeof(*letter));

	(void)connection;
	(void)subscription;
	letter->message = message;
	pthread_mutex_lock(&mailbox->lock);
	*mailbox->end = letter;
	mailbox->end = &letter->next;
	if (mailbox->waiting)
		pthread_cond_signal(&mailbox->filled);
	pthread_mutex_unlock(&mailbox->lock);
}

static void on_complete(void *context)
{
	leave_mailbox(context);
}

static natsStatus subscribe(struct inbox *inbox, natsConnection *connection)
{
	natsInbox *unique = NULL;
	char wildcard[sizeof(inbox->subject) + 2];

	natsStatus status = natsInbox_Create(&unique);
	if (status != NATS_OK)
		return status;
	snprintf(inbox->subject, sizeof(inbox->subject), "%s", unique);
	snprintf(wildcard, sizeof(wildcard), "%s.*", unique);
	natsInbox_Destroy(unique);
	status = natsConnection_Subscribe(
		&inbox->subscription, connection, wildcard, on_message, inbox->mailbox);
	if (status != NATS_OK)
		return status;
	status = natsSubscription_SetPendingLimits(inbox->subscription, -1, -1);
	inbox->mailbox->owners = 2; /* nothing was asked for yet, so no callback has run */
	natsStatus told =
		natsSubscription_SetOnCompleteCB(inbox->subscription, on_complete, inbox->mailbox);
	if (told != NATS_OK)
		inbox->mailbox->owners = 1;
	return status == NATS_OK ? told : status;
}

struct inbox *inbox_open(struct link *link, struct error *err)
{
	natsConnection *connection = (natsConnection *)link_connection(link);
	struct inbox *inbox = memory_new(sizeof(*inbox));

	inbox->link = link;
	inbox->mailbox = make_mailbox();
	natsStatus status = connection ? subscribe(inbox, connection) : NATS_CONNECTION_CLOSED;
	if (status == NATS_OK)
		return inbox;
	inbox_close(inbox);
	error_set(err, ERROR_UNAVAILABLE, "%s: %s", link_label(link), natsStatus_GetText(status));
	return NULL;
}

/*
 * Before 3.6.1, cnats' reader thread uses a subscription that was freed under it when a message is just
 * coming in. Once unsubscribed and a round trip later the reader has let go of it; where there is no round
 * trip, it has once the connection is closed.
 */
static void unsubscribe(struct inbox *inbox)
{
	natsConnection *connection = (natsConnection *)link_connection(inbox->link);

	natsSubscription_Unsubscribe(inbox->subscription);
	if (connection &&
		natsConnection_FlushTimeout(connection, LINK_WRITE_DEADLINE_MS) != NATS_OK)
		link_close(inbox->link);
	natsSubscription_Destroy(inbox->subscription);
}

void inbox_close(struct inbox *inbox)
{
	if (!inbox)
		return;
	if (inbox->subscription)
		unsubscribe(inbox);
	leave_mailbox(inbox->mailbox);
	destroy_letters(inbox->taken);
	free(inbox);
}

const char *inbox_subject(const struct inbox *inbox)
{
	return inbox->subject;
}

/* Takes over all that is queued; waits for it if need be. */
static struct letter *empty_mailbox(struct mailbox *mailbox, int64_t wait_ms)
{
	struct timespec until;

	pthread_mutex_lock(&mailbox->lock);
	if (!mailbox->first && wait_ms > 0) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += wait_ms % 1000 * 1000000;
		until.tv_sec += wait_ms / 1000 + until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		mailbox->waiting = true;
		while (!mailbox->first &&
			pthread_cond_clockwait(
				&mailbox->filled, &mailbox->lock, CLOCK_MONOTONIC, &until) == 0)
			continue;
		mailbox->waiting = false;
	}
	struct letter *all = mailbox->first;
	mailbox->first = NULL;
	mailbox->end = &mailbox->first;
	pthread_mutex_unlock(&mailbox->lock);
	return all;
}

struct natsMessage *inbox_take(struct inbox *inbox, int64_t wait_ms)
{
	if (!inbox->taken)
		inbox->taken = empty_mailbox(inbox->mailbox, wait_ms);
	struct letter *letter = inbox->taken;
	if (!letter)
		return NULL;
	inbox->taken = letter->next;
	natsMsg *message = letter->message;
	free(letter);
	return (struct natsMessage *)message;
}
