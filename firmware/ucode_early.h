/* SPDX-License-Identifier: Apache-2.0 */
/* ucode_early.h - put microcode in front of an initrd, for Linux to load at boot */
#ifndef MUSTER_FIRMWARE_UCODE_EARLY_H
#define MUSTER_FIRMWARE_UCODE_EARLY_H

#include "firmware/ucode.h"

/*
 * Append a cpio archive of valid updates, of one vendor or both, to the empty `out`.
 * An update that is there twice is put once.  0, or with a sentence -EBADMSG when
 * two AMD containers contradict each other, -ENOMEM for more than a buf takes.
 */
int ucode_put_early(const struct ucode_update *const *updates, unsigned count,
	struct buf *out);

#endif
