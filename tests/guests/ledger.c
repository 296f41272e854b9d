// SPDX-License-Identifier: Apache-2.0
/*
 * ledger.c - counts in a register and in memory, for ever, and ends with a failed
 * check if the two are not of the same moment
 *
 * Each step writes its number into the next of many pages, and compares them all.
 * The number lives in a register while the guest waits for its next step, which is
 * when a snapshot finds it.
 */
#include "tests/guests/rt/rt.h"

#define PAGE  4096
#define PAGES 256   /* more than a few steps can dirty again */
#define WAIT  80000 /* some milliseconds: a lap takes half a second */
#define TOLD  4

static struct {
	volatile uint64_t number;
	uint8_t pad[PAGE - sizeof(uint64_t)];
} pages[PAGES] ALIGNED(PAGE);

/* What page i holds after step n: the last step that came by. */
static uint64_t expected(uint64_t i, uint64_t n)
{
	uint64_t back = (n - i) % PAGES;

	return back < n ? n - back : 0;
}

static uint64_t wait(uint64_t n)
{
	uint64_t left = WAIT;

	__asm__ volatile("1: pause; dec %0; jnz 1b" : "+r"(left), "+r"(n));
	return n;
}

static void check(uint64_t n)
{
	for (uint64_t i = 0; i < PAGES; i++)
		CHECK(pages[i].number == expected(i, n));
}

void payload(void)
{
	verdict_ok();
	for (uint64_t n = 1;; n = wait(n) + 1) {
		pages[n % PAGES].number = n;
		check(n);
		if (n % TOLD == 0)
			print("entry %lu\n", n);
	}
}
