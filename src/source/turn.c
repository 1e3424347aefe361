/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A turn is an eventfd that is always readable. sd-event's own means for this, a defer source, is pending
 * without a pause and keeps the age of its first day, so it goes before every other source of its priority,
 * which then never run: signals, timers and other inputs must come in between. A descriptor becomes pending
 * anew at each turn and waits behind what was there before. Cost: it takes part in one epoll_wait a turn.
 */
#include "source/turn.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

int turn_new(sd_event *event, sd_event_io_handler_t callback, void *userdata, sd_event_source **ret_turn)
{
    _cleanup_(sd_event_source_unrefp) sd_event_source *turn = NULL;
    _cleanup_(closep) int fd = -1;
    int r;

    fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return -errno;
    r = sd_event_add_io(event, &turn, fd, EPOLLIN, callback, userdata);
    if (r < 0)
        return r;
    r = sd_event_source_set_io_fd_own(turn, 1);
    if (r < 0)
        return r;
    (void)TAKE_FD(fd);
    r = sd_event_source_set_enabled(turn, SD_EVENT_OFF);
    if (r < 0)
        return r;
    *ret_turn = TAKE_PTR(turn);
    return 0;
}
