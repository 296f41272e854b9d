/* SPDX-License-Identifier: Apache-2.0 */
/* cmdline.h - the line that the kernel gets */
#ifndef MUSTER_BOOT_CMDLINE_H
#define MUSTER_BOOT_CMDLINE_H

#include "vmm/base/buf.h"
#include "vmm/core/machine.h"

/*
 * Append to `out` the user's line with its NUL.  A kernel told acpi=off cannot
 * find virtio devices by itself: then each is added as virtio_mmio.device=, in
 * front of a "--" so that the arguments of init stay last.  `max` is in bytes
 * without the NUL.  -EINVAL, -E2BIG, -ENOMEM with a sentence.
 */
int cmdline_build(struct buf *out, const char *line,
	const struct machine *machine, uint64_t max);

#endif
