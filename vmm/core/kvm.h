/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm.h - /dev/kvm: opening it, what it can do by name, thin ioctl wrappers
 *
 * Every wrapper returns 0 or a positive result, or -errno.  Nothing here keeps
 * state: descriptors are plain ints that the caller owns.
 */
#ifndef MUSTER_CORE_KVM_H
#define MUSTER_CORE_KVM_H

#include "vmm/base/util.h"

#define KVM_DEVICE "/dev/kvm"

/* One capability that muster uses (KVM API, 4.4 KVM_CHECK_EXTENSION). */
struct kvm_cap {
	int number;
	const char *name;  /* "KVM_CAP_IRQFD" */
	const char *since; /* the Linux release that brought it */
	const char *need;  /* what muster does with it */
	bool required;
};

extern const struct kvm_cap kvm_caps[];
extern const unsigned kvm_caps_count;

/*
 * Open `path` and check the API version (12).  On failure the sentence says
 * which of absent, forbidden, not KVM and too old it is, and what to do.
 */
int kvm_open(const char *path, int *ret_fd);

/* KVM_CHECK_EXTENSION on a /dev/kvm or VM descriptor: 0 when absent. */
int kvm_check(int fd, int cap);

/* 0, or -ENOTSUP with a sentence naming each required capability that is missing. */
int kvm_require_caps(int kvm_fd);

/* ioctl() that returns -errno and repeats on EINTR. */
int kvm_ioctl(int fd, unsigned long request, void *arg);
int kvm_ioctl_val(int fd, unsigned long request, unsigned long value);

/* KVM_CREATE_VM, repeated on EINTR: signals interrupt it under load. */
int kvm_create_vm(int kvm_fd, int *ret_fd);

#endif
