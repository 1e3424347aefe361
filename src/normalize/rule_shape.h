/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_NORMALIZE_RULE_SHAPE_H
#define HAPAX_NORMALIZE_RULE_SHAPE_H

/* The simple rules of a rulebase file, matched without the library, with the library's result. */

#include "normalize/lognorm.h"
#include "normalize/rulebase_file.h"

struct rule_shapes;

/* file: borrowed, it must live as long. *ret_shapes is NULL where no rule of the file is simple enough. */
int rule_shapes_new(const struct rulebase_file *file, struct rule_shapes **ret_shapes) _warn_unused_;
struct rule_shapes *rule_shapes_free(struct rule_shapes *s);
DEFINE_CLEANUP(struct rule_shapes *, rule_shapes_free)

enum rule_shape_outcome {
    RULE_SHAPE_NONE,        /* ask the library */
    RULE_SHAPE_MATCHED,     /* what the library would find */
    RULE_SHAPE_UNCONFIRMED, /* the same, but ask it and tell rule_shapes_confirm: it has not matched this rule
                               yet */
};

/* An outcome, or -ENOMEM. The fields' names are borrowed from the file, their values from the line. */
int rule_shapes_match(struct rule_shapes *s, struct slice line, struct arena *arena,
                      struct rule_match *ret_match) _warn_unused_;

/*
 * own: of the last rule_shapes_match, which was RULE_SHAPE_UNCONFIRMED; theirs: what the library made of the
 * same line, NULL where it found no match. Where they differ this rule is the library's from now on.
 */
void rule_shapes_confirm(struct rule_shapes *s, const struct rule_match *own,
                         const struct rule_match *theirs);

/* How many rules may be matched here: those refused since are not counted. */
size_t rule_shapes_count(const struct rule_shapes *s);

#endif
