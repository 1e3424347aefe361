/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The report's way to the disk: a new file next to the one that is wanted, made before the first record is
 * read, so that a folder that cannot be written is no surprise at the end of an hour; filled and renamed over
 * it at the end, so that whoever looks finds a whole report, the old or the new one. A path that is no
 * ordinary file (a pipe, /dev/stdout) is written as it is. A report can be made again: it is not synced.
 */
#include "cli/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "files/files.h"

struct report_file {
    const char *path;
    char *temporary; /* NULL: path itself is written */
    int fd;
    struct report *report;
};

static int open_file(struct report_file *file)
{
    mode_t mask = umask(0);
    struct stat status;

    (void)umask(mask);
    if (stat(file->path, &status) == 0 && S_ISDIR(status.st_mode))
        return -EISDIR;
    if (stat(file->path, &status) == 0 && !S_ISREG(status.st_mode)) {
        file->fd = open(file->path, O_WRONLY | O_CLOEXEC);
        return file->fd < 0 ? -errno : 0;
    }
    if (asprintf(&file->temporary, "%s.XXXXXX", file->path) < 0) {
        file->temporary = NULL;
        return -ENOMEM;
    }
    file->fd = mkostemp(file->temporary, O_CLOEXEC);
    if (file->fd < 0) {
        int r = -errno;

        free(TAKE_PTR(file->temporary));
        return r;
    }
    return fchmod(file->fd, 0666 & ~mask) < 0 ? -errno : 0;
}

static int add_exceptions(struct report *report, const struct exception_set *set)
{
    int r = 0;

    for (size_t i = 0; set && r >= 0 && i < exception_set_count(set); i++) {
        const struct exception *e = exception_set_at(set, i);

        r = report_add_exception(report,
                                 &(struct report_exception){.id = e->id,
                                                            .effect = exception_effect_names[e->effect],
                                                            .reason = e->reason,
                                                            .owner = e->owner,
                                                            .ticket = e->ticket,
                                                            .match = e->match_text,
                                                            .expires_usec = e->expires_usec});
    }
    return r;
}

int report_file_new(const char *path, const struct exception_set *exceptions, struct report_file **ret_file)
{
    _cleanup_(report_file_freep) struct report_file *file = calloc(1, sizeof(*file));
    int r;

    if (!file)
        return -ENOMEM;
    file->path = path;
    file->fd = -1;
    r = report_new(&file->report);
    if (r >= 0)
        r = add_exceptions(file->report, exceptions);
    if (r >= 0)
        r = open_file(file);
    if (r < 0)
        return r;
    *ret_file = TAKE_PTR(file);
    return 0;
}

struct report_file *report_file_free(struct report_file *file)
{
    if (!file)
        return NULL;
    if (file->temporary)
        (void)unlink(file->temporary);
    free(file->temporary);
    closep(&file->fd);
    report_free(file->report);
    free(file);
    return NULL;
}

struct report *report_file_report(struct report_file *file)
{
    return file->report;
}

static int add_inputs(struct report *report, const struct input_set *set)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < set->n_inputs; i++) {
        const struct input *input = &set->inputs[i];
        const struct normalizer_stats *s = normalizer_stats(input->normalizer);

        r = report_add_input(report, &(struct report_input){.path = input->path,
                                                            .n_bytes = (uint64_t)input->read_bytes,
                                                            .n_records = s->n_records,
                                                            .n_events = s->n_events,
                                                            .n_gated = s->n_gated,
                                                            .n_ignored = s->n_ignored,
                                                            .n_unknown = s->n_unknown,
                                                            .n_quarantined = s->n_quarantined});
    }
    return r;
}

int report_file_commit(struct report_file *file, const struct input_set *set)
{
    _cleanup_(buffer_done) struct buffer page = BUFFER_INIT;
    int r = add_inputs(file->report, set);

    if (r >= 0)
        r = report_render(file->report, HAPAX_VERSION, &page);
    if (r >= 0)
        r = file_write_all(file->fd, buffer_slice(&page));
    if (r >= 0 && file->temporary) {
        if (rename(file->temporary, file->path) < 0)
            return -errno;
        free(TAKE_PTR(file->temporary));
    }
    return r;
}
