/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot.h - the commands of `muster snapshot` */
#ifndef MUSTER_CLI_SNAPSHOT_H
#define MUSTER_CLI_SNAPSHOT_H

#include "cli/verb.h"

extern const struct verb snapshot_check_verb, snapshot_info, snapshot_merge;

#endif
