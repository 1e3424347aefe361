/* SPDX-License-Identifier: Apache-2.0 */

/* The only list of concrete sources and sinks: a new driver is a file in its room and a line here. */
#include <stddef.h>

#include "sink/driver.h"
#include "source/driver.h"

const struct source_driver *const source_drivers[] = {&journald_source, &stdin_source, &file_source,
                                                      &kafka_source, NULL};

const struct sink_driver *const sink_drivers[] = {&stdout_sink,  &file_sink, &kafka_sink,
                                                  &journal_sink, &null_sink, NULL};
