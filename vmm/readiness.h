/* SPDX-License-Identifier: Apache-2.0 */
/* readiness.h - tell whoever started this process that it serves */
#ifndef MUSTER_VMM_READINESS_H
#define MUSTER_VMM_READINESS_H

/* 0, or -errno with a sentence if nothing can be written to `fd`. */
int readiness_check(int fd);

/*
 * Write a line to `fd` and close it, unless it is 0; and tell the service manager
 * that $NOTIFY_SOCKET names, if there is one.  What fails is logged: who does not
 * listen any more keeps no VM from running.
 */
void readiness_tell(int fd);

#endif
