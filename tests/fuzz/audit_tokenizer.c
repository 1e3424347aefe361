/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Any bytes as the body of an audit record. Beyond "does not crash": tokens lie in the body, in order and
 * apart from each other, enrichment never ends once begun, and decoding never makes a value longer.
 */
#include <assert.h>
#include <stdint.h>

#include "normalize/audit_tokenizer.h"
#include "util/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct slice body = slice_new(n > 0 ? (const char *)bytes : "", n);
    struct audit_tokenizer t = {.rest = body};
    _cleanup_(buffer_done) struct buffer out = BUFFER_INIT;
    enum audit_token_outcome outcome;
    struct audit_token token;
    const char *at = body.data;
    bool is_enriched = false;

    while ((outcome = audit_tokenizer_next(&t, &token)) == AUDIT_TOKEN_READ) {
        assert(token.name.len > 0);
        assert(token.name.data >= at);
        assert(token.value.data > token.name.data + token.name.len);
        at = token.value.data + token.value.len;
        assert(at <= body.data + body.len);
        assert(token.is_enriched || !is_enriched);
        is_enriched = token.is_enriched;
        buffer_clear(&out);
        if (audit_token_decode(&token, &out) < 0)
            return 0;
        assert(out.len == token.value.len || (!token.is_quoted && out.len == token.value.len / 2));
    }
    assert(t.rest.len == 0);
    assert(audit_tokenizer_next(&t, &token) == AUDIT_TOKEN_END);
    return 0;
}
