/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_LOG_LOG_H
#define HAPAX_LOG_LOG_H

/*
 * What the program tells its operator: to the journal, structured, where stderr is the journal's; as text on
 * stderr otherwise. Libraries do not log; the program logs once, where it decides.
 */

#include <syslog.h>

#include "util/cleanup.h"
#include "util/slice.h"

/* Message ids (sd-id128(3)), drawn with systemd-id128 new; integrations/systemd/hapax.catalog explains each.
 */
#define LOG_ID_STARTED       "6097975f39fd44ce93bc10cfafecfb46"
#define LOG_ID_STOPPED       "69e1993a06c842d09e598cb94db8f991"
#define LOG_ID_SOURCE_FAILED "69501473f98146d29a3b549278a5bb18"
#define LOG_ID_STORE_FAILED  "2fd2957a05c14a7e9934ae7742c1fc74"
#define LOG_ID_STORE_BACK    "a9289b2c98194da3a23136222603bee8"
#define LOG_ID_OUTBOX_FULL   "d9ef49c499204847a66b0cf603a7271b"
#define LOG_ID_OUTBOX_OLD    "4721345aee1c4d5eb25faf71a8fee06e"
#define LOG_ID_DEAD_LETTER   "cd3c358e2f5a499fa2dca1fff5c9dba3"
#define LOG_ID_STORE_DAMAGED "50f534dae7b543949f14bfe6b32ed0ea"
#define LOG_ID_RELOADED      "eb5f26ead39d4a07b19cf7e76deacce3"
#define LOG_ID_RELOAD_FAILED "3bd3d36d7e11449fa61dc75ca4803431"

/* Messages less urgent than level (as in syslog(3)) are dropped from here on. Looks at stderr once. */
void log_init(int level);

/*
 * One message: level as in syslog(3), lower case, without a full stop. id: one of LOG_ID_*, or NULL. Bytes
 * that came from outside go through log_quote first. Never fails.
 */
void log_message(int level, const char *id, const char *format, ...) _printf_(3, 4);

/* The longest text log_quote makes, its NUL included. */
#define LOG_QUOTE_SIZE 256

/* s for a message: control bytes, quotes, backslashes and bytes above 0x7e as \xNN, cut with "…" where it is
 * too long. */
const char *log_quote(struct slice s, char ret_text[LOG_QUOTE_SIZE]);

#endif
