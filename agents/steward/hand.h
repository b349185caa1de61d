/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hand: takes orders from the front, one JSON object a line, and holds
 * each against the rows of the tools again.  It has the user's privilege, no
 * network, and reads no text that a model or another client wrote.
 *
 *   {"do":"run","n":1,"tool":…,"client":…,"arguments":{…}[,"words":HEX]
 *    [,"agreed":true]}
 *       {"n":1,"job":HEX}, {"n":1,"code":"ABCD-EFGH"} (a person has to agree)
 *       or {"n":1,"error":"EACCES","text":…}; later {"ended":HEX}
 *   {"do":"cancel","job":HEX,"client":…}
 *   {"do":"note","client":…,"what":WORD[,"name":NAME],"allowed":BOOL}
 *       for the log alone: a call that the front answers by itself
 *
 * "agreed": a person said so to the client; believed only of clients whose
 * approval is "elicit".
 */
#ifndef SCHEDKIT_AGENTS_STEWARD_HAND_H
#define SCHEDKIT_AGENTS_STEWARD_HAND_H

#include <stdbool.h>

#include "agents/steward/config.h"

#define STEWARD_MAX_ORDER (64u << 10)

/* What may stand in the log: a name of letters, digits and _-./: */
bool steward_is_noted(const char *name);

/*
 * Serves fd, where only the client `only` can be at the other end (NULL: all
 * but "stdio"), until the front closes it, or SIGTERM, SIGINT or SIGHUP comes;
 * jobs go on.  Returns 0 or, after a signal, 1; -errno where nothing could be
 * begun.
 */
int steward_hand(int fd, const struct steward_config *cfg, const char *only);

#endif
