/* SPDX-License-Identifier: Apache-2.0 */

/*
 * model: reference against the published detector (HNS of $HAPAX_SHARED/benchmark, in Python): a short stream
 * with scores that were computed with it once, and the beginning of fleet-201 where HAPAX_SHARED is set.
 */
#include <math.h>
#include <stdio.h>

#include "novelty_stream.h"

/* t, host, user, command, family, score of the unit so far: made 2026-11-24 with HNS and its weights */
static const struct row {
    double t;
    const char *host, *user, *command;
    unsigned family;
    double score;
} rows[] = {
    {7000.00, "web1", "bob", "w", 2, 7.57234511575367},
    {7000.25, "web2", "ann", "ss", 0, 8.07497459089714},
    {14000.25, "web2", "ann", "route", 0, 7.36154883787427},
    {14000.50, "web1", "ann", "id", 2, 9.0817367035778},
    {14004.00, "db1", "bob", "sudo", 3, 8.86555880336978},
    {44004.00, "web2", "ann", "ss", 0, 3.46424649037178},
    {44404.00, "web2", "ann", "sudo", 3, 11.2268939048587},
    {74404.00, "db1", "ann", "ss", 0, 3.36680974198218},
    {74465.00, "web1", "root", "route", 0, 6.87360589932536},
    {74468.50, "web2", "root", "w", 2, 8.11881684035169},
    {74529.50, "web2", "ann", "sudo", 3, 4.39357280139506},
    {74929.50, "db1", "root", "sudo", 3, 8.47352845278921},
    {74933.00, "web2", "ann", "route", 0, 5.86138829350729},
    {164933.00, "web1", "10234", "id", 2, 9.60101074846851},
    {254933.00, "web1", "root", "route", 0, 4.59321621073719},
    {254994.00, "db1", "bob", "sudo", 3, 3.75128639946326},
    {256194.00, "web1", "10234", "w", 2, 4.87674195946957},
    {346194.00, "web2", "root", "ss", 0, 4.78078569438266},
    {346197.50, "db1", "10234", "ps", 1, 11.1171963620933},
    {346258.50, "web1", "10234", "ss", 0, 7.50549678928651},
    {346262.00, "web1", "root", "w", 2, 4.51401553494375},
    {353262.00, "web2", "10234", "id", 2, 3.85926227460077},
    {353265.50, "web1", "ann", "id", 2, 4.95916196177762},
    {353269.00, "web2", "ann", "w", 2, 6.2779263370566},
    {354469.00, "web1", "10234", "w", 2, 2.76124801402701},
    {384469.00, "db1", "root", "id", 2, 6.91808861813438},
    {391469.00, "web2", "bob", "ss", 0, 7.53325076790752},
    {481469.00, "db1", "ann", "ps", 1, 14.1251560688351},
    {481530.00, "web1", "bob", "id", 2, 6.90480861307937},
    {571530.00, "db1", "ann", "id", 2, 3.01066601060444},
    {601530.00, "web1", "eve", "route", 0, 8.54368718421057},
    {631530.00, "web1", "eve", "w", 2, 7.95941241053352},
    {661530.00, "web2", "root", "id", 2, 5.29299177602029},
    {661930.00, "db1", "bob", "route", 0, 7.65962936971287},
    {661991.00, "web2", "bob", "route", 0, 4.38015924126269},
    {661991.25, "web2", "10234", "route", 0, 6.43320584855164},
    {663191.25, "db1", "root", "route", 0, 2.58291788879992},
    {693191.25, "web1", "eve", "sudo", 3, 7.90127824506544},
    {700191.25, "web2", "bob", "sudo", 3, 2.54570185500677},
    {700191.50, "web2", "10234", "sudo", 3, 8.73815038205712},
    {730191.50, "web2", "eve", "id", 2, 7.21151807514578},
    {730211.50, "web2", "eve", "id", 2, 7.21151807514578},
    {730231.50, "web2", "eve", "route", 0, 11.7104069246379},
    {730251.50, "web2", "eve", "ps", 1, 19.4763706338959},
    {730271.50, "web2", "eve", "sudo", 3, 20.8263706338959},
    {730291.50, "web2", "eve", "ps", 1, 20.8263706338959},
    {730311.50, "web2", "eve", "sudo", 3, 20.8263706338959},
    {730331.50, "web2", "eve", "ps", 1, 20.8263706338959},
};

static struct novelty_options reference_options(void)
{
    struct novelty_options options = novelty_defaults();

    options.model = NOVELTY_REFERENCE;
    return options;
}

Test(novelty_reference, a_short_stream_has_the_published_scores)
{
    struct detector *d = new_novelty(reference_options());
    struct heard heard = {0};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct row *row = &rows[i];
        const struct verdict v = say(d, &heard, row->t, row->user, row->host, row->command, row->family);

        cr_assert(fabs(v.score - row->score) < 1e-9, "row %zu: %.15g, expected %.15g", i, v.score,
                  row->score);
        cr_assert_eq(v.score, v.raw_score);
    }
    detector_free(d);
}

/* Writes one line an event: seconds, host, user, command, family's number, unit score. */
static const char script[] =
    "import sys, gzip, csv, json\n"
    "sys.path.insert(0, sys.argv[1])\n"
    "from reference_detectors import HNS\n"
    "fams = json.load(open(sys.argv[1] + '/families.json'))\n"
    "number = {c: i for i, f in enumerate(fams) for c in fams[f]}\n"
    "w, d, units, n = [1, .675, 1.35, .75, 1.35, 0, 0, 1.35], HNS(), {}, 0\n"
    "for r in csv.DictReader(gzip.open(sys.argv[1] + '/streams/fleet-201.csv.gz', 'rt', newline='')):\n"
    "    t, h, u, c = float(r['epoch_seconds']), r['host'], r['user'], r['process_name']\n"
    "    m = units.setdefault((u, h, int(t // 900)), [0.0] * 8)\n"
    "    for j, x in enumerate(d.event(t, h, u, c, list(fams)[number[c]])): m[j] = max(m[j], x)\n"
    "    print(r['epoch_seconds'], h, u, c, number[c], repr(sum(a * b for a, b in zip(w, m))))\n"
    "    n += 1\n"
    "    if n == 60000: break\n";

Test(novelty_reference, a_fleet_has_the_published_scores, .timeout = 100)
{
    const char *shared = getenv("HAPAX_SHARED");
    static const char *const families[] = {"0", "1", "2", "3", "4", "5", "6"};
    const struct novelty_options options = reference_options();
    struct detector *d = NULL;
    struct heard heard = {0};
    const struct detector_callbacks callbacks = {.provisional = hear, .userdata = &heard};
    char command[8192], line[512];
    double worst = 0;
    size_t n = 0;
    FILE *f;

    if (!shared || !*shared)
        cr_skip_test("HAPAX_SHARED is not set");
    cr_assert_eq(setenv("HAPAX_TEST_SCRIPT", script, 1), 0);
    snprintf(command, sizeof(command), "python3 -c \"$HAPAX_TEST_SCRIPT\" '%s/benchmark'", shared);
    f = popen(command, "r");
    cr_assert(f);
    cr_assert_eq(detector_new(&novelty_driver,
                              &(struct detector_options){
                                  .job = "suite", .options = &options, .families = families, .n_families = 7},
                              &d),
                 0);
    while (fgets(line, sizeof(line), f)) {
        char *rest = line, *seconds = strsep(&rest, " "), *host = strsep(&rest, " ");
        char *user = strsep(&rest, " "), *name = strsep(&rest, " "), *family = strsep(&rest, " ");
        struct event event = EVENT_INIT;

        event.time_usec = (int64_t)llround(strtod(seconds, NULL) * 1e6);
        cr_assert_not_null(rest);
        event.host = slice_from_string(host);
        event.process_name = slice_from_string(name);
        cr_assert_eq(detector_feed_family(d, &event, slice_from_string(user),
                                          (unsigned)strtoul(family, NULL, 10), &callbacks),
                     0);
        worst = fmax(worst, fabs(heard.last.score - strtod(rest, NULL)));
        n++;
    }
    pclose(f);
    cr_assert(n == 60000, "python gave %zu events", n);
    cr_assert(worst < 1e-9, "greatest difference %g", worst);
    detector_free(d);
}
