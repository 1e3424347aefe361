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
 * ln x is log-concave for b >= 1), and its second derivative costs nothing once the first is known: Halley's
 * method needs two evaluations from a guess by normal deviates, one where a and b are large. A bracket that
 * bisects catches the rest. Probabilities above that of the mean are solved in the other tail, so that
 * nothing is lost next to 1. lgamma_r, not lgamma: the latter writes the global signgam.
 */
#include "detect/beta.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>

/* chosen: a = b = 1e6 needs some hundred */
#define MAX_FRACTION_STEPS 5000
/* chosen: two or three are needed, bisection alone about 60 */
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

/*
 * A first guess of ln x for a, b of at least 1: Abramowitz and Stegun 26.5.22, with 26.2.23 for the normal
 * deviate. Good to some thousandths of the standard deviation.
 */
static double guess_log(double p, double a, double b)
{
    const double tail = fmin(p, 1 - p), t = sqrt(-2 * log(tail));
    const double deviate =
        t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    const double y = p < 0.5 ? deviate : -deviate;
    const double lambda = (y * y - 3) / 6, ra = 1 / (2 * a - 1), rb = 1 / (2 * b - 1), h = 2 / (ra + rb);
    const double w = y * sqrt(h + lambda) / h - (rb - ra) * (lambda + 5.0 / 6 - 2 / (3 * h));

    return -log1p(b / a * exp(2 * w));
}

/*
 * The u below high with ln I_exp(u)(a, b) = log_p, from a start. Halley's method: the error of a step is the
 * third power of the step, so a small one is the last.
 */
static double solve_log(double log_p, double a, double b, double log_norm, double high, double u)
{
    double low = -INFINITY;

    for (int i = 0; i < MAX_NEWTON_STEPS; i++) {
        const struct place at = place_from_log(u);
        const double log_i = log_cdf(at, a, b, log_norm);
        const double slope = exp(a * u + (b - 1) * at.log_y - log_norm - log_i);
        const double newton = (log_i - log_p) / slope;
        const double bend = newton * (a - (b - 1) * at.x / at.y - slope) / 2;
        double next;

        if (log_i > log_p)
            high = fmin(high, u);
        else
            low = fmax(low, u);
        next = u - (bend < 0.5 ? newton / (1 - bend) : newton);
        if (!isfinite(next) || next > high || next < low)
            next = isinf(low) ? 2 * u - 1 : (low + high) / 2;
        /* in standard deviations of u, or nearly so */
        if (fabs(next - u) * sqrt(1 + a) <= 2e-5 || fabs(next - u) <= 1e-12 + 4 * DBL_EPSILON * fabs(u))
            return next;
        u = next;
    }
    return u;
}

/* The u below that of the mean; where the root would be if the density were the pure power law x^(a-1). */
static double solve_from_power(double log_p, double a, double b, double log_norm, double log_mean)
{
    return solve_log(log_p, a, b, log_norm, log_mean, fmin(log_mean, (log_p + log(a) + log_norm) / a));
}

static struct place swap(struct place at)
{
    return (struct place){at.y, at.x, at.log_y, at.log_x};
}

/* Where beta_cdf is p, in (0, 1). */
static struct place find_place(double p, double a, double b, double log_norm)
{
    const double log_p = log(p), log_q = log1p(-p);
    struct place mean;

    /* such a guess finds the smaller tail at once; next to an end, and for a or b below 1, it is none */
    if (a >= 1 && b >= 1 && p > 1e-6 && p < 1 - 1e-6) {
        if (p <= 0.5)
            return place_from_log(solve_log(log_p, a, b, log_norm, 0, guess_log(p, a, b)));
        return swap(place_from_log(solve_log(log_q, b, a, log_norm, 0, guess_log(1 - p, b, a))));
    }
    mean = (struct place){a / (a + b), b / (a + b), log(a / (a + b)), log(b / (a + b))};
    if (log_p <= log_cdf(mean, a, b, log_norm))
        return place_from_log(solve_from_power(log_p, a, b, log_norm, mean.log_x));
    return swap(place_from_log(solve_from_power(log_q, b, a, log_norm, mean.log_y)));
}

double beta_quantile(double p, double a, double b)
{
    assert(a > 0 && b > 0);
    if (!(p > 0))
        return 0;
    if (p >= 1)
        return 1;
    return find_place(p, a, b, log_beta(a, b)).x;
}

double beta_share_below(double p, double a, double b)
{
    const double log_norm = log_beta(a, b);
    struct place at;

    assert(a > 0 && b > 0);
    if (!(p > 0))
        return 0;
    if (p >= 1)
        return 1;
    at = find_place(p, a, b, log_norm);
    return fmax(0, p - exp(a * at.log_x + b * at.log_y - log_norm) / a);
}
