/* SPDX-License-Identifier: Apache-2.0 */

/* Machines for which nobody wrote a vector version: see gate_scan_x86.c. */
#include "normalize/gate_scan.h"

#include <stddef.h>

gate_scan_fn gate_scan_nth(unsigned n)
{
    return n == 0 ? gate_scan_bytes : NULL;
}
