/* SPDX-License-Identifier: Apache-2.0 */
/* tty.c - the two halves of a console's terminal, and its raw mode */
#include "devices/backend/tty.h"

#include <errno.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "devices/backend/tty_in.h"
#include "devices/backend/tty_out.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"

struct tty {
	struct tty_out out;
	struct tty_in in;
	int in_fd; /* borrowed */
	bool raw;
	struct termios saved;
};

/*
 * A background job must leave the terminal to the shell that put it there.  For
 * a terminal that controls no session of ours there is no group to ask about.
 */
static bool in_background(int fd)
{
	pid_t group = tcgetpgrp(fd);

	return group > 0 && group != getpgrp();
}

/* Every key goes to the guest, Ctrl-C included; the escape key is for us. */
static bool enter_raw_mode(int fd, struct termios *ret_saved)
{
	struct termios raw;

	if (fd < 0 || tcgetattr(fd, ret_saved) < 0 || in_background(fd))
		return false;
	raw = *ret_saved;
	cfmakeraw(&raw);
	return tcsetattr(fd, TCSANOW, &raw) == 0;
}

static void set_raw(struct tty *tty)
{
	tty->raw = enter_raw_mode(tty->in_fd, &tty->saved);
	log_set_raw_terminal(tty->raw);
}

void tty_restore(const struct tty *tty)
{
	if (!tty || !tty->raw)
		return;
	tcsetattr(tty->in_fd, TCSANOW, &tty->saved);
	log_set_raw_terminal(false);
}

int tty_new(struct loop *loop, int in_fd, int out_fd, struct tty **ret)
{
	CLEANUP_FREE struct tty *tty = calloc(1, sizeof(*tty));
	int rc;

	if (!tty)
		return err_set(-ENOMEM, "console: out of memory");
	rc = tty_out_init(&tty->out, loop, out_fd);
	if (rc < 0)
		return err_wrap(rc, "console output");
	tty->in_fd = in_fd;
	set_raw(tty);
	rc = tty_in_init(&tty->in, loop, in_fd, tty->raw);
	if (rc < 0) {
		tty_restore(tty);
		tty_out_fini(&tty->out);
		return err_wrap(rc, "console input");
	}
	*ret = steal_ptr(&tty);
	return 0;
}

void tty_limit(struct tty *tty, const struct rate *rate)
{
	tty_out_limit(&tty->out, rate);
}

void tty_attach(struct tty *tty, const struct tty_events *events, void *model,
	void *owner)
{
	tty_in_attach(&tty->in, events, model, owner);
}

void tty_write(struct tty *tty, const uint8_t *data, size_t len)
{
	tty_out_write(&tty->out, data, len);
}

void tty_want(struct tty *tty)
{
	tty_in_want(&tty->in);
}

void tty_pause(struct tty *tty)
{
	tty_in_pause(&tty->in, true);
}

void tty_resume(struct tty *tty)
{
	tty_in_pause(&tty->in, false);
}

bool tty_is_raw(const struct tty *tty)
{
	return tty->raw;
}

struct tty *tty_free(struct tty *tty)
{
	if (!tty)
		return NULL;
	tty_in_fini(&tty->in);
	tty_out_fini(&tty->out);
	tty_restore(tty);
	free(tty);
	return NULL;
}
