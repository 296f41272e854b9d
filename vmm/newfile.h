/* SPDX-License-Identifier: Apache-2.0 */
/*
 * newfile.h - a file that takes the place of another whole, or not at all
 *
 * PATH.new is written and synced, then renamed to PATH.  Until the rename the old
 * file is untouched; a PATH.new that a killed run left is replaced by the next.
 *
 *	newfile_create()  newfile_write()…  newfile_sync()  newfile_commit()
 *
 * and newfile_fini() in any case.  PATH.new is removed on failure, and the sentence is
 * "--memory PATH: not written: REASON; the old file is whole".
 *
 * Control thread only: every call may wait for the disk.
 */
#ifndef MUSTER_VMM_NEWFILE_H
#define MUSTER_VMM_NEWFILE_H

#include <limits.h>

#include "vmm/base/iov.h"

#define NEWFILE_SUFFIX ".new"

struct newfile {
	const char *label; /* in front of the path in sentences: "--memory " */
	const char *path;  /* both are the caller's, and stay */
	int fd;            /* of PATH.new, or -1 */
	/* PATH as it was, or -1: held so that its room is given back at the end. */
	int old;
	uint64_t started; /* up to here the disk is at work already */
	char temporary[PATH_MAX];
};

/* What newfile_fini() takes before newfile_create() was called. */
#define NEWFILE_INIT                 \
	{                            \
		.fd = -1, .old = -1, \
	}

/*
 * Open an empty PATH.new, for this user only.  Refused, by name: a PATH or PATH.new
 * that is not a regular file (nothing is followed), and a PATH.new that another
 * process is writing.
 */
int newfile_create(struct newfile *file, const char *label, const char *path);

/* Write all of `list`, whose elements it changes, at `offset`. */
int newfile_write(struct newfile *file, struct iov_list list, uint64_t offset);

/* The length; what is never written reads as zeros and takes no room. */
int newfile_truncate(struct newfile *file, uint64_t size);

/* Everything is on the disk when this returns 0. */
int newfile_sync(struct newfile *file);

/*
 * Take PATH's place.  0: the name is on the disk too.  1: PATH is the new file, but
 * its folder could not be synced, of which a warning was logged: a power loss may
 * bring the old one back, so that what depends on the name must not go on.  After
 * -errno PATH.new is still there, to be kept or removed.
 */
int newfile_commit(struct newfile *file);

/*
 * Close and keep PATH.new: for a file that a committed one names already, when its
 * own rename failed.
 */
void newfile_keep(struct newfile *file);

/* Rename a whole PATH.new that was kept, or left by a kill, to PATH; as above. */
int newfile_finish(const char *label, const char *path);

/*
 * Close and remove PATH.new, unless it was committed or kept.  The host may take
 * long to give the old file's room back (seconds, for one of many pieces): a held
 * machine is let go before.
 */
void newfile_fini(struct newfile *file);

#endif
