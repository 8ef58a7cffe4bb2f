#include "fovea/report.h"

#include "formats/files.h"
#include "report/page.h"
#include "report/payload.h"

extern const unsigned char fv_page_script[];
extern const unsigned long fv_page_script_size;

enum { MAX_IMAGES = 10000, MAX_BYTES = 9800000 };

static fv_status check(const fv_report *report, fv_error *error) {
    if (report->n > MAX_IMAGES)
        return fv_fail(error, FV_E_ARGUMENT, "a report shows at most %d test images, not %zu", MAX_IMAGES, report->n);
    for (size_t i = 0; i < report->n; i++)
        if (report->predictions[i].index >= report->images->n)
            return fv_fail(error, FV_E_ARGUMENT, "prediction %zu is of test image %u, but there are %zu", i,
                           report->predictions[i].index, report->images->n);
    return FV_OK;
}

static fv_status make_page(const fv_context *context, fv_buffer *out) {
    fv_page_write(context, out);
    const size_t used = (size_t)fv_page_script_size + out->n;
    FV_TRY(fv_payload_write(context, used < MAX_BYTES ? MAX_BYTES - used : 0, out));
    fv_put(out, "<script>");
    fv_put_bytes(out, fv_page_script, (size_t)fv_page_script_size);
    fv_put(out, "</script>\n</body>\n</html>\n");
    return out->failed ? FV_E_MEMORY : FV_OK;
}

fv_status fv_report_write(const fv_report *report, const char *path, fv_error *error) {
    fv_facts facts;
    FV_TRY(check(report, error));
    FV_TRY(fv_facts_read(report->study_json, &facts, error));
    bool failed = false;
    fv_context context = {report, &facts, &failed};
    fv_buffer page = {0};
    fv_status status = make_page(&context, &page);
    if (status == FV_OK)
        status = fv_file_write(path, page.data, page.n, error);
    else
        (void)fv_fail(error, status, "%s: %s", path, fv_status_text(status));
    fv_buffer_deinit(&page);
    fv_facts_deinit(&facts);
    return status;
}
