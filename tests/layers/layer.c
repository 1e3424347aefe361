/* SPDX-License-Identifier: Apache-2.0 */

/* That this program exists is the test: see meson.build. */
int main(void)
{
    return 0;
}
