/* SPDX-License-Identifier: Apache-2.0 */
/* state_msr.c - save and load MSRs, in batches that KVM takes */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/x86_64/model.h"
#include "cpu/x86_64/vcpu_state.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"
#include "vmm/core/kvm.h"

#define MSR_SMBASE 0x9e

/* KVM takes fewer than MAX_IO_MSRS, which is 256, at once. */
#define BATCH      255

struct raw_msrs {
	struct kvm_msrs head;
	struct kvm_msr_entry entry[BATCH];
};

/* ---- save ---- */

/* What cannot be read now cannot be read from the next vCPU either. */
static void drop(struct msr_wishes *w, unsigned i)
{
	log_debug("MSR %#x cannot be read, and is not saved", w->wish[i].index);
	w->count--;
	memmove(&w->wish[i], &w->wish[i + 1],
		(w->count - i) * sizeof(w->wish[0]));
}

/* KVM stops at the first that it cannot read, and says how many it read. */
static int read_all(int fd, struct msr_wishes *w, uint64_t *ret_values)
{
	unsigned done = 0;

	while (done < w->count) {
		unsigned asked = MIN(w->count - done, BATCH);
		struct raw_msrs raw = { .head.nmsrs = asked };
		int n;

		for (unsigned i = 0; i < asked; i++)
			raw.entry[i].index = w->wish[done + i].index;
		n = kvm_ioctl(fd, KVM_GET_MSRS, &raw);
		if (n < 0)
			return err_set(n, "KVM_GET_MSRS: %s", strerror(-n));
		for (int i = 0; i < n; i++)
			ret_values[done++] = raw.entry[i].data;
		if (n < (int)asked)
			drop(w, done);
	}
	return 0;
}

/* Of those that no table knows: a KVM without SMM has no SMBASE. */
static uint64_t at_reset(uint32_t msr)
{
	return msr == MSR_SMBASE ? 0x30000 : 0;
}

int msrs_save(const struct vcpu_target *t, struct cpu_vcpu_state *ret)
{
	uint64_t values[STATE_MSRS_MAX];
	struct msr_wishes *w;
	int rc = msr_wish(t->model);

	if (rc)
		return rc;
	w = t->model->wishes;
	rc = read_all(t->fd, w, values);
	if (rc)
		return rc;
	ret->msrs = calloc(w->count + 1, sizeof(ret->msrs[0]));
	if (!ret->msrs)
		return err_set(-ENOMEM, "no memory for the MSRs");
	for (unsigned i = 0; i < w->count; i++)
		if (!w->wish[i].maybe ||
			values[i] != at_reset(w->wish[i].index))
			ret->msrs[ret->msr_count++] = (struct msr_state){
				w->wish[i].index, values[i]
			};
	return 0;
}

/* ---- load ---- */

#define MSR_WALL_CLOCK     0x11
#define MSR_WALL_CLOCK_NEW 0x4b564d00

/*
 * KVM answers a write with the time of boot, in guest memory; guests write it each
 * time before they read that.
 */
static bool is_command(uint32_t msr)
{
	return msr == MSR_WALL_CLOCK || msr == MSR_WALL_CLOCK_NEW;
}

#define MSR_SYSENTER_ESP 0x175
#define MSR_SYSENTER_EIP 0x176

/*
 * On AMD a guest may write 64 bits into these, of which no instruction there uses
 * more than 32, and KVM sets that many (APM vol. 2, 6.1.2).
 */
static bool is_kept(const struct kvm_msr_entry *e, uint64_t now)
{
	bool sysenter = e->index == MSR_SYSENTER_ESP ||
			e->index == MSR_SYSENTER_EIP;

	return now == e->data || (sysenter && now == (uint32_t)e->data);
}

static int refused(const struct kvm_msr_entry *e, uint64_t now)
{
	return err_set(-ENOTSUP,
		"KVM on this host refuses MSR %#x = %#" PRIx64
		" and stays at %#" PRIx64,
		e->index, (uint64_t)e->data, now);
}

/* Where KVM refuses to write what is there already, nothing is lost. */
static int check_refused(int fd, const struct kvm_msr_entry *e)
{
	uint64_t now;

	if (msr_read(fd, e->index, &now))
		return err_set(-ENOTSUP,
			"KVM on this host has no MSR %#x, which is to be "
			"%#" PRIx64,
			e->index, (uint64_t)e->data);
	return is_kept(e, now) ? 0 : refused(e, now);
}

static int write_batch(
	int fd, const struct kvm_msr_entry *entry, unsigned count)
{
	struct raw_msrs raw = { .head.nmsrs = count };
	int n, rc;

	memcpy(raw.entry, entry, count * sizeof(*entry));
	n = kvm_ioctl(fd, KVM_SET_MSRS, &raw);
	if (n < 0)
		return err_set(n, "KVM_SET_MSRS: %s", strerror(-n));
	if (n == (int)count)
		return n;
	rc = check_refused(fd, &entry[n]);
	return rc ? rc : n + 1;
}

/* KVM drops bits of some without a word, and the guest would run without them. */
static int check_batch(
	int fd, const struct kvm_msr_entry *entry, unsigned count)
{
	struct raw_msrs now = { .head.nmsrs = count };
	int n;

	memcpy(now.entry, entry, count * sizeof(*entry));
	n = kvm_ioctl(fd, KVM_GET_MSRS, &now);
	for (int i = 0; i < n; i++)
		if (!is_kept(&entry[i], now.entry[i].data))
			return refused(&entry[i], now.entry[i].data);
	if (n < 0)
		return err_set(n, "KVM_GET_MSRS: %s", strerror(-n));
	return n < (int)count ? n + 1 : n; /* one that can only be written */
}

/* One of the two for all entries; they return how many they did. */
static int in_batches(int fd, const struct kvm_msr_entry *entry, unsigned count,
	int (*batch)(int, const struct kvm_msr_entry *, unsigned))
{
	int n;

	for (unsigned done = 0; done < count; done += (unsigned)n) {
		n = batch(fd, entry + done, MIN(count - done, BATCH));
		if (n < 0)
			return n;
	}
	return 0;
}

int msrs_load(const struct vcpu_target *t, const struct cpu_vcpu_state *s)
{
	struct kvm_msr_entry entry[STATE_MSRS_MAX];
	unsigned count = 0;
	int rc;

	for (unsigned i = 0; i < s->msr_count; i++) {
		const struct msr_state *m = &s->msrs[i];

		if (msr_is_elsewhere(m->index))
			return err_set(-EBADMSG,
				"MSR %#x is listed, and is not this list's to "
				"set",
				m->index);
		if (!is_command(m->index))
			entry[count++] = (struct kvm_msr_entry){
				.index = m->index, .data = m->value
			};
	}
	rc = in_batches(t->fd, entry, count, write_batch);
	return rc ? rc : in_batches(t->fd, entry, count, check_batch);
}
