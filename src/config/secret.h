/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_CONFIG_SECRET_H
#define HAPAX_CONFIG_SECRET_H

/* A password or key that the configuration names and does not hold. */

#include "util/cleanup.h"

/* chosen: a private key with its chain of certificates in PEM is a few KB */
#define SECRET_BYTES_MAX 65536U

enum {
    SECRET_IS_EXPOSED = 1, /* loaded, but every user of the machine may read the file, too */
};

/*
 * Reads the secret that where names: a path (it holds a slash), or a systemd credential, which is looked up
 * in credentials_dir ($CREDENTIALS_DIRECTORY; NULL: there is none). One line end at its end is not part of
 * it.
 *
 * 0 or SECRET_IS_EXPOSED; a negative errno and what is wrong in *reterr_message (caller frees; NULL where
 * memory is out). No message quotes the secret. Release it with secret_free, which wipes it.
 */
int secret_load(const char *where, const char *credentials_dir, char **ret_secret,
                char **reterr_message) _warn_unused_;
char *secret_free(char *secret);
DEFINE_CLEANUP(char *, secret_free)

#endif
