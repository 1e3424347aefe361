/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The incomplete beta function and its inverse. Why our own: GSL and Rmath are GPL, Boost's are C++, and libm
 * stops at lgamma. What is needed here is narrow (a from 1e-260 to some thousand, b up to about 1e4) and fits
 * in a page.
 *
 * I_x(a, b) = x^a (1-x)^b / (a B(a, b)) times a continued fraction (DLMF 8.17.22), evaluated by the modified
 * Lentz method. It converges fast below x = (a+1)/(a+b+2); above that the symmetry I_x(a, b) =
 * 1 - I_(1-x)(b, a) (DLMF 8.17.4) moves the work to the other tail. Steps grow with sqrt(max(a, b)).
 *
 * The quantile is found in u = ln x on the function ln I - ln p: for small a the answer may be 1e-300, and in
 * these coordinates the curve is almost a straight line of slope a there. It is concave (the distribution of
 * ln x is log-concave for b >= 1), so Newton's method comes from the left without overshooting; a bracket
 * that bisects catches the rest. Probabilities above that of the mean are solved in the other tail, so that
 * nothing is lost next to 1. lgamma_r, not lgamma: the latter writes the global signgam.
 */
#include "detect/beta.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>

/* chosen: a = b = 1e6 needs some hundred */
#define MAX_FRACTION_STEPS 5000
/* chosen: Newton needs four or five, bisection alone about 60 */
#define MAX_NEWTON_STEPS 200
/* Lentz: what stands for a zero denominator */
#define TINY 1e-300
/* from here on six terms of Stirling's series (DLMF 5.11.1) are exact to 1e-16 */
#define STIRLING_FROM 20.0

/* ln Gamma(z) less (z - 1/2) ln z - z + ln(2 pi)/2; DLMF 5.11.1, coefficients B_2k / (2k (2k-1)) */
static double stirling_rest(double z)
{
    const double w = 1 / (z * z);

    return (1.0 / 12 - w * (1.0 / 360 - w * (1.0 / 1260 - w * (1.0 / 1680 - w * (1.0 / 1188))))) / z;
}

static double log_gamma(double z)
{
    int sign;

    return lgamma_r(z, &sign);
}

/*
 * ln B(a, b). The plain sum of three lgamma loses digits where b is large: lgamma(b) and lgamma(a + b) are
 * nearly equal and big. Their difference is taken by Stirling's formula instead.
 */
static double log_beta(double a, double b)
{
    if (a > b)
        return log_beta(b, a);
    if (b < STIRLING_FROM)
        return log_gamma(a) + log_gamma(b) - log_gamma(a + b);
    return log_gamma(a) - (b - 0.5) * log1p(a / b) - a * log(a + b) + a + stirling_rest(b) -
           stirling_rest(a + b);
}

/* The continued fraction 8.17.22 at x, its leading 1 included: 1/(1 + d1/(1 + d2/(1 + ...))). */
static double fraction(double x, double a, double b)
{
    double c = 1, d = 1 - (a + b) * x / (a + 1), f;

    if (fabs(d) < TINY)
        d = TINY;
    d = 1 / d;
    f = d;
    for (int m = 1; m <= MAX_FRACTION_STEPS; m++) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double step;

        d = 1 + even * d;
        c = 1 + even / c;
        if (fabs(d) < TINY)
            d = TINY;
        if (fabs(c) < TINY)
            c = TINY;
        d = 1 / d;
        f *= d * c;
        d = 1 + odd * d;
        c = 1 + odd / c;
        if (fabs(d) < TINY)
            d = TINY;
        if (fabs(c) < TINY)
            c = TINY;
        d = 1 / d;
        step = d * c;
        f *= step;
        if (fabs(step - 1) < 2 * DBL_EPSILON)
            break;
    }
    return f;
}

/* A place in (0, 1) that is exact next to both ends. */
struct place {
    double x, y;         /* y = 1 - x */
    double log_x, log_y; /* log_x may stand for an x below DBL_MIN */
};

static struct place place_from_log(double u)
{
    const double x = exp(u), y = -expm1(u);

    return (struct place){x, y, u, log(y)};
}

/* ln I_x(a, b) */
static double log_cdf(struct place at, double a, double b, double log_norm)
{
    const double log_front = a * at.log_x + b * at.log_y - log_norm;

    if (at.x < (a + 1) / (a + b + 2))
        return fmin(0, log_front - log(a) + log(fraction(at.x, a, b)));
    return log1p(-fmin(1, exp(log_front - log(b)) * fraction(at.y, b, a)));
}

double beta_cdf(double x, double a, double b)
{
    assert(a > 0 && b > 0);
    if (!(x > 0))
        return 0;
    if (x >= 1)
        return 1;
    return exp(log_cdf((struct place){x, 1 - x, log(x), log1p(-x)}, a, b, log_beta(a, b)));
}

/* The u below high with ln I_exp(u)(a, b) = log_p. */
static double solve_log(double log_p, double a, double b, double log_norm, double high)
{
    double low = -INFINITY, u = high;
    /* where the root would be if the density were the pure power law x^(a-1) */
    const double power = (log_p + log(a) + log_norm) / a;

    if (power < high)
        u = power;
    for (int i = 0; i < MAX_NEWTON_STEPS; i++) {
        const struct place at = place_from_log(u);
        const double log_i = log_cdf(at, a, b, log_norm);
        const double slope = exp(a * u + (b - 1) * at.log_y - log_norm - log_i);
        double next;

        if (log_i > log_p)
            high = fmin(high, u);
        else
            low = fmax(low, u);
        next = u - (log_i - log_p) / slope;
        if (!isfinite(next) || next > high || next < low)
            next = isinf(low) ? 2 * u - 1 : (low + high) / 2;
        if (fabs(next - u) <= 1e-12 + 4 * DBL_EPSILON * fabs(u))
            return next;
        u = next;
    }
    return u;
}

double beta_quantile(double p, double a, double b)
{
    const double log_norm = log_beta(a, b);
    struct place mean;

    assert(a > 0 && b > 0);
    if (!(p > 0))
        return 0;
    if (p >= 1)
        return 1;
    mean = (struct place){a / (a + b), b / (a + b), log(a / (a + b)), log(b / (a + b))};
    if (log(p) <= log_cdf(mean, a, b, log_norm))
        return exp(solve_log(log(p), a, b, log_norm, mean.log_x));
    return -expm1(solve_log(log1p(-p), b, a, log_norm, mean.log_y));
}
