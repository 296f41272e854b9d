/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk.h - a raw disk image or block device, served by a loop
 *
 * A request owns everything that the kernel looks at until its done() runs; the
 * memory that its iovecs name must stay as long.  Short transfers are continued
 * here, so that a request either succeeds as a whole or fails.
 */
#ifndef MUSTER_DEVICES_BACKEND_DISK_H
#define MUSTER_DEVICES_BACKEND_DISK_H

#include "vmm/base/iov.h"
#include "vmm/core/loop.h"

#define DISK_SECTOR_BYTES 512

struct disk; /* opaque */

struct disk_options {
	const char *path;
	bool readonly;
	bool direct;       /* O_DIRECT */
	const char *label; /* in front of the path in sentences, or NULL */
	/* A disk that is closed next, of the same modes: it may be the same file. */
	const struct disk *instead_of;
};

enum disk_verb {
	DISK_READ,
	DISK_WRITE,
	DISK_FLUSH,   /* all completed writes are durable when it is done */
	DISK_DISCARD, /* give the range's blocks back; it reads as zeroes */
	DISK_ZERO,    /* the range reads as zeroes and stays allocated */
};

struct disk_request {
	enum disk_verb verb;
	bool durable; /* of a change: done means on stable storage */
	uint64_t offset;
	uint64_t len;         /* DISCARD and ZERO */
	struct iov_list data; /* READ and WRITE; consumed */
	void (*done)(struct disk_request *request, int rc); /* on the loop */

	struct disk *disk; /* the backend's, while submitted */
	struct loop *loop;
	struct loop_op op;
};

/*
 * Open and lock (F_OFD_SETLK: one writer, or any number of readers).  0 or -errno
 * with a sentence that begins with the label, else with "--disk path=".  The file is
 * not changed.
 */
int disk_open(const struct disk_options *options, struct disk **ret);

/* When no request is in flight.  NULL is fine. */
struct disk *disk_close(struct disk *disk);

/* Whole sectors: what is left of the last one is not shown to the guest. */
uint64_t disk_sectors(const struct disk *disk);

bool disk_is_readonly(const struct disk *disk);

/*
 * Start a request; the range lies inside the disk.  done() gets 0 or -errno, and
 * -EOPNOTSUPP from DISCARD or ZERO means that the host file cannot do it.
 */
void disk_submit(struct disk *disk, struct loop *loop,
	struct disk_request *request) ON_LOOP;

#endif
