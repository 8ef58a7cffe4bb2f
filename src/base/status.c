#include "fovea/status.h"

#include <stdarg.h>
#include <stdio.h>

fv_status(fv_fail)(fv_error *error, fv_status code, const char *format, ...) {
    if (!error) return code;
    error->code = code;
    va_list args;
    va_start(args, format);
    vsnprintf(error->message, sizeof error->message, format, args);
    va_end(args);
    return code;
}

const char *fv_status_text(fv_status status) {
    switch (status) {
    case FV_OK:
        return "done";
    case FV_E_MEMORY:
        return "out of memory";
    case FV_E_ARGUMENT:
        return "argument out of range";
    case FV_E_NAME:
        return "unknown name";
    case FV_E_EXISTS:
        return "output exists";
    case FV_E_TEXT:
        return "text does not parse";
    case FV_E_SHAPE:
        return "shapes do not fit";
    case FV_E_DATA:
        return "bad data";
    case FV_E_IO:
        return "could not read or write";
    case FV_E_DIVERGED:
        return "a loss, an output or a weight is not a finite number";
    case FV_E_INTERRUPTED:
        return "interrupted";
    case FV_E_UNSUPPORTED:
        return "not supported here";
    }
    return "unknown status";
}
