/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Secrets come from files. A configuration is copied into tickets, diffed, and kept in version control; an
 * argument stands in the process list, an environment variable in /proc. So the configuration holds where a
 * secret is: a path, or the name of a systemd credential (LoadCredential=, LoadCredentialEncrypted= in the
 * unit; systemd.exec(5)), which the service manager puts into a folder that only this service can read.
 *
 * A name without a slash is a credential. Nothing is guessed: a name that is no credential is not tried as a
 * file of the working directory.
 *
 * Only a regular file is read, and at most SECRET_BYTES_MAX of it: a FIFO would block the start, a device
 * never end. A file that everybody may read is taken, and that is said: containers mount secrets so (Docker
 * with 0444, Kubernetes with 0644), where nobody else is on the machine.
 *
 * The bytes are wiped when they are released. What a library copies of them is the library's.
 */
#include "config/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

char *secret_free(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
    return NULL;
}

/* Forwards error, with a message that memory may be too short for. */
__attribute__((format(printf, 3, 4))) static int refuse(char **reterr_message, int error, const char *format,
                                                        ...)
{
    va_list ap;

    va_start(ap, format);
    if (vasprintf(reterr_message, format, ap) < 0)
        *reterr_message = NULL;
    va_end(ap);
    return error;
}

static int find(const char *where, const char *credentials_dir, char **ret_path, char **reterr_message)
{
    int n;

    if (strchr(where, '/')) {
        *ret_path = strdup(where);
        return *ret_path ? 0 : -ENOMEM;
    }
    if (!*where)
        return refuse(reterr_message, -EINVAL,
                      "'' is no path, expected that of a file, or the name of a systemd credential");
    if (!credentials_dir || !*credentials_dir)
        return refuse(reterr_message, -ENOENT,
                      "'%s' names a systemd credential, and there is none ($CREDENTIALS_DIRECTORY is not "
                      "set), expected a path with a slash, or LoadCredential=%s:PATH in the unit",
                      where, where);
    n = asprintf(ret_path, "%s/%s", credentials_dir, where);
    return n < 0 ? -ENOMEM : 0;
}

/* At most size bytes of fd; what was read. */
static int read_all(int fd, char *bytes, size_t size, size_t *ret_len)
{
    size_t len = 0;

    while (len < size) {
        ssize_t n = read(fd, bytes + len, size - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    *ret_len = len;
    return 0;
}

int secret_load(const char *where, const char *credentials_dir, char **ret_secret, char **reterr_message)
{
    _cleanup_(freep) char *path = NULL;
    _cleanup_(secret_freep) char *secret = NULL;
    _cleanup_(closep) int fd = -1;
    struct stat st;
    size_t len = 0;
    int r;

    *reterr_message = NULL;
    r = find(where, credentials_dir, &path, reterr_message);
    if (r < 0)
        return r;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) < 0) {
        int error = -errno;

        return refuse(reterr_message, error, "cannot read '%s': %s", path, strerror(-error));
    }
    if (!S_ISREG(st.st_mode))
        return refuse(reterr_message, -EINVAL, "'%s' is no regular file", path);
    /* zeroed: it is a string however far the reading gets, and is wiped as one */
    secret = calloc(1, SECRET_BYTES_MAX + 2);
    if (!secret)
        return -ENOMEM;
    r = read_all(fd, secret, SECRET_BYTES_MAX + 1, &len);
    if (r < 0)
        return refuse(reterr_message, r, "cannot read '%s': %s", path, strerror(-r));
    if (len > SECRET_BYTES_MAX)
        return refuse(reterr_message, -EFBIG, "'%s' is larger than %u bytes, expected one secret", path,
                      SECRET_BYTES_MAX);
    if (strlen(secret) != len) {
        explicit_bzero(secret, len);
        return refuse(reterr_message, -EINVAL, "'%s' holds a NUL byte, expected text", path);
    }
    if (len > 0 && secret[len - 1] == '\n')
        secret[--len] = '\0';
    if (len > 0 && secret[len - 1] == '\r')
        secret[--len] = '\0';
    if (len == 0)
        return refuse(reterr_message, -EINVAL, "'%s' is empty, expected the secret", path);
    *ret_secret = TAKE_PTR(secret);
    return st.st_mode & S_IROTH ? SECRET_IS_EXPOSED : 0;
}
