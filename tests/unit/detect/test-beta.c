/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/beta.h"

#include <math.h>

#include "support.h"

Test(beta, the_distribution_function_is_that_of_scipy)
{
    /* scipy 1.17.1, scipy.special.betainc(a, b, x) */
    static const struct {
        double x, a, b, expected;
    } rows[] = {
        {0.5, 1, 1, 0.5},
        {0.25, 2, 3, 0.26171875},
        {0.9, 0.5, 0.5, 0.7951672353008665},
        {0.001, 1, 77, 0.07414581624810515},
        {0.01, 1.5, 300.5, 0.8905715741744069},
        {0.0005, 0.9, 1095.1, 0.4725904607306415},
        {0.3, 30, 70, 0.5116251045586087},
        {0.999, 400, 0.5, 0.3711232053194711},
        {1e-12, 0.01, 5000, 0.830731233873968},
        {0.02, 200, 9800, 0.5091190527371204},
        {1e-300, 0.001, 50, 0.5034367806310883},
        {0.5, 10000.0, 10000.0, 0.5},
        {0.505, 10000.0, 10000.0, 0.9213529911183369},
        {0.95, 0.001, 0.001, 0.5014692870808629},
        {2e-07, 3, 990000.0, 0.0011160296142530264},
        {-1, 2, 3, 0},
        {0, 2, 3, 0},
        {1, 2, 3, 1},
        {2, 2, 3, 1},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const double got = beta_cdf(rows[i].x, rows[i].a, rows[i].b);

        cr_expect(fabs(got - rows[i].expected) <= 1e-10 * rows[i].expected,
                  "I_%g(%g, %g): %.17g, expected %.17g", rows[i].x, rows[i].a, rows[i].b, got,
                  rows[i].expected);
    }
}

Test(beta, the_quantile_is_that_of_scipy_down_to_1e_284)
{
    /* scipy 1.17.1, scipy.special.betaincinv(a, b, p) */
    static const struct {
        double p, a, b, expected;
    } rows[] = {
        {1.0 / 7, 1, 76, 0.00202624281157173},
        {6.0 / 7, 1, 76, 0.025279076153345174},
        {0.2, 0.95, 500, 0.0003975874849820403},
        {0.8, 0.95, 500, 0.0030657235458845192},
        {1.0 / 3, 2.5, 9000, 0.0001786567368254625},
        {2.0 / 3, 2.5, 9000, 0.0003182830993861535},
        {1.0 / 7, 0.01, 50, 3.535188836619291e-87},
        {1.0 / 7, 0.003, 50, 2.2720402606063422e-284},
        {6.0 / 7, 0.01, 50, 2.3096049633444456e-09},
        {0.5, 40, 60, 0.3993307426981327},
        {1.0 / 7, 90, 1e-3, 1},
        {6.0 / 7, 90, 1e-3, 1},
        {0.5, 1e-3, 1e-3, 0.5},
        {1.0 / 7, 0.5, 0.5, 0.049515566048790434},
        {1.0 / 3, 5000, 5000, 0.4978463196516207},
        {0.5, 1, 1, 0.5},
        {0.2, 30, 0.9, 0.9524194911573077},
        {0, 2, 3, 0},
        {-1, 2, 3, 0},
        {1, 2, 3, 1},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const double got = beta_quantile(rows[i].p, rows[i].a, rows[i].b);

        cr_expect(fabs(got - rows[i].expected) <= 1e-10 * rows[i].expected,
                  "Q_%g(%g, %g): %.17g, expected %.17g", rows[i].p, rows[i].a, rows[i].b, got,
                  rows[i].expected);
    }
}

Test(beta, a_quantile_smaller_than_any_double_is_zero_and_extreme_shapes_end)
{
    cr_expect_eq(beta_quantile(0.5, 1e-6, 50), 0);
    cr_expect_eq(beta_quantile(1.0 / 7, 1e-250, 1e4), 0);
    cr_expect_eq(beta_quantile(1.0 / 7, 1e4, 1e-250), 1);
    cr_expect(isfinite(beta_quantile(1.0 / 7, 1e-250, 1e-250)));
}

Test(beta, the_quantile_inverts_the_distribution_function)
{
    for (double a = 0.3; a < 1e4; a *= 3.7) {
        for (double b = 0.3; b < 1e4; b *= 5.1) {
            for (int k = 1; k < 7; k++) {
                const double x = beta_quantile(k / 7.0, a, b);

                cr_expect(fabs(beta_cdf(x, a, b) - k / 7.0) < 1e-9, "%d/7 of Beta(%g, %g)", k, a, b);
            }
        }
    }
}
