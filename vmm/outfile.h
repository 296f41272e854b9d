/* SPDX-License-Identifier: Apache-2.0 */
/* outfile.h - open a file that a run writes for its user */
#ifndef MUSTER_VMM_OUTFILE_H
#define MUSTER_VMM_OUTFILE_H

/*
 * Open `path` for writing without blocking, and make it where it is absent; what
 * it holds stays until the caller truncates it.  A FIFO that nobody reads opens
 * too.  The disk, kernel or initrd of a running VM, ours or another's, is refused.
 * `label` stands in front of the path in sentences: "--metrics ".
 */
int outfile_open(const char *label, const char *path, int *ret_fd);

#endif
