/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot_check.h - can this host go on with a snapshot?  Try, and say what not */
#ifndef MUSTER_VMM_SNAPSHOT_CHECK_H
#define MUSTER_VMM_SNAPSHOT_CHECK_H

#include "vmm/base/buf.h"
#include "vmm/config.h"

/*
 * Do everything that a restore of config->restore does but run the VM, and read
 * all of memory beside.  Appends a sentence and a NUL for each problem; returns how
 * many there are.  Changes nothing; disks are locked for the moment.
 */
unsigned snapshot_check(struct vm_config *config, struct buf *problems);

#endif
