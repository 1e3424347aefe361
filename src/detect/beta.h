/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_DETECT_BETA_H
#define HAPAX_DETECT_BETA_H

/* The beta distribution. Relative accuracy about 1e-10 for a and b up to 1e6. a, b > 0 is asserted. */

/* The regularised incomplete beta function I_x(a, b): the probability that a Beta(a, b) variate is at most x.
 */
double beta_cdf(double x, double a, double b);

/*
 * The x with beta_cdf(x, a, b) = p; p is clamped to [0, 1]. For a small a the answer may be smaller than any
 * double: 0 then. One to three evaluations of beta_cdf.
 */
double beta_quantile(double p, double a, double b);

/*
 * How much of the mean of a Beta(a, b) variate lies below that quantile, as a share: beta_cdf of it for (a +
 * 1, b), which differs from p by one power product (DLMF 8.17.20). To some 1e-15 in absolute terms.
 */
double beta_share_below(double p, double a, double b);

#endif
