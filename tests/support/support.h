#ifndef SUPPORT_SUPPORT_H
#define SUPPORT_SUPPORT_H

/*
 * What the contract and system tests stand on: processes, real servers, both databases, JetStream, and an
 * oracle that counts. It uses nothing of src/, so that a mistake there cannot hide itself here.
 *
 * Whatever goes wrong in here fails the running test with a message; so functions give no errors, unless
 * their name says try. All processes that a test starts end with it, however it ends. Everything listens
 * on the loopback interface or on a socket in the scratch folder.
 */
#include "support/browser.h"
#include "support/common.h"
#include "support/dray.h"
#include "support/http.h"
#include "support/identity.h"
#include "support/jetstream.h"
#include "support/nats_cluster.h"
#include "support/nats_server.h"
#include "support/oracle.h"
#include "support/pg_server.h"
#include "support/proc.h"
#include "support/proxy.h"
#include "support/small_disk.h"
#include "support/testdb.h"

#endif
