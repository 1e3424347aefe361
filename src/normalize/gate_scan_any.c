/* SPDX-License-Identifier: Apache-2.0 */

/* Machines for which nobody wrote a vector version: see gate_scan_x86.c. */
#include "normalize/gate_scan.h"

gate_scan_fn gate_scan_best(void)
{
    return gate_scan_bytes;
}
