/* SPDX-License-Identifier: Apache-2.0 */
/* ucode_select.c - which update of an image a processor would take, and why */
#include "firmware/ucode.h"

bool ucode_is_newer(enum ucode_vendor vendor, uint32_t a, uint32_t b)
{
	return vendor == UCODE_INTEL ? (int32_t)a > (int32_t)b : a > b;
}

static bool has_signature(
	const struct ucode_update *u, const struct ucode_cpu *cpu)
{
	for (unsigned i = 0; i < u->sig_count; i++)
		if (u->sigs[i].signature == cpu->signature)
			return u->vendor == cpu->vendor;
	return false;
}

/* By signature and platform. */
static bool fits(const struct ucode_update *u, const struct ucode_cpu *cpu)
{
	for (unsigned i = 0; i < u->sig_count; i++) {
		const struct ucode_sig *sig = &u->sigs[i];

		if (sig->signature == cpu->signature &&
			(!sig->platforms || sig->platforms & cpu->platforms))
			return u->vendor == cpu->vendor;
	}
	return false;
}

static bool may_follow(const struct ucode_update *u,
	const struct ucode_cpu *cpu, enum ucode_moment moment)
{
	if (!u->min_revision ||
		(u->vendor == UCODE_INTEL && moment == UCODE_AT_BOOT))
		return true;
	return !ucode_is_newer(u->vendor, u->min_revision, cpu->revision);
}

static void keep_newest(
	const struct ucode_update **best, const struct ucode_update *u)
{
	if (!*best || ucode_is_newer(u->vendor, u->revision, (*best)->revision))
		*best = u;
}

static enum ucode_verdict judge(
	const struct ucode_update *u, const struct ucode_cpu *cpu)
{
	if (u->revision == cpu->revision)
		return UCODE_SAME;
	return ucode_is_newer(u->vendor, u->revision, cpu->revision)
		       ? UCODE_NEWER
		       : UCODE_OLDER;
}

struct ucode_choice ucode_select(const struct ucode_list *list,
	const struct ucode_cpu *cpu, enum ucode_moment moment)
{
	const struct ucode_update *best = NULL, *blocked = NULL, *near = NULL;

	for (unsigned i = 0; i < list->count; i++) {
		const struct ucode_update *u = &list->updates[i];

		if (*u->fault)
			continue;
		if (fits(u, cpu))
			keep_newest(
				may_follow(u, cpu, moment) ? &best : &blocked,
				u);
		else if (has_signature(u, cpu))
			keep_newest(&near, u);
	}
	if (best && blocked &&
		!ucode_is_newer(
			best->vendor, blocked->revision, best->revision))
		blocked = NULL;
	if (best)
		return (struct ucode_choice){ judge(best, cpu), best, blocked };
	if (blocked)
		return (struct ucode_choice){ UCODE_TOO_FAR, blocked, NULL };
	return (struct ucode_choice){ near ? UCODE_PLATFORM : UCODE_NO_MATCH,
		near, NULL };
}

/* ---- words ---- */

const char *ucode_vendor_name(enum ucode_vendor vendor)
{
	return vendor == UCODE_INTEL ? "Intel" : "AMD";
}

const char *ucode_verdict_name(enum ucode_verdict verdict)
{
	static const char *const names[] = {
		[UCODE_NEWER] = "newer",
		[UCODE_SAME] = "same",
		[UCODE_OLDER] = "older",
		[UCODE_TOO_FAR] = "too-far",
		[UCODE_PLATFORM] = "platform",
		[UCODE_NO_MATCH] = "no-match",
	};

	return names[verdict];
}

static void put_reason(const struct ucode_choice *choice,
	const struct ucode_cpu *cpu, struct buf *out)
{
	const struct ucode_update *u = choice->update;

	switch (choice->verdict) {
	case UCODE_NEWER:
		buf_printf(out, "0x%08x is newer than 0x%08x", u->revision,
			cpu->revision);
		break;
	case UCODE_SAME:
		buf_printf(out, "0x%08x runs already", u->revision);
		break;
	case UCODE_OLDER:
		buf_printf(out, "0x%08x is older than 0x%08x", u->revision,
			cpu->revision);
		break;
	case UCODE_TOO_FAR:
		buf_printf(out,
			"0x%08x wants 0x%08x to run before it, not "
			"0x%08x",
			u->revision, u->min_revision, cpu->revision);
		break;
	case UCODE_PLATFORM:
		buf_printf(out,
			cpu->platforms ? "0x%08x is for other platforms"
				       : "0x%08x is for some platforms, and "
					 "this one is not known",
			u->revision);
		break;
	case UCODE_NO_MATCH:
		buf_printf(out, "nothing for signature 0x%08x", cpu->signature);
		break;
	}
}

void ucode_put_choice(const struct ucode_choice *choice,
	const struct ucode_cpu *cpu, struct buf *out)
{
	const struct ucode_update *blocked = choice->blocked;

	put_reason(choice, cpu, out);
	if (blocked)
		buf_printf(out, "; 0x%08x wants 0x%08x to run before it",
			blocked->revision, blocked->min_revision);
}

void ucode_put_date(uint32_t date, struct buf *out)
{
	buf_printf(out, "%04x-%02x-%02x", date & 0xffff, date >> 24,
		date >> 16 & 0xff);
}
