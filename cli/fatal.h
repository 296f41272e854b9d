/* SPDX-License-Identifier: Apache-2.0 */
/* fatal.h - the exit statuses of signals that end a process at once */
#ifndef MUSTER_CLI_FATAL_H
#define MUSTER_CLI_FATAL_H

/*
 * From now on, a signal by which the kernel ends a process (a fault, a limit that
 * is reached) has one line printed and Firecracker's status in the place of a
 * death that leaves a core file.  A file's limit of size that is reached remains an
 * error of the write: the guest's disk or the client's snapshot fails, not the VM.
 */
void fatal_catch(void);

#endif
