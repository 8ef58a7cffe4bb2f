/* Everything. To read it, begin with status.h, data.h, net.h and train.h. */
#ifndef FOVEA_H
#define FOVEA_H
#include "fovea/audit.h"
#include "fovea/augment.h"
#include "fovea/bench.h"
#include "fovea/data.h"
#include "fovea/explain.h"
#include "fovea/export.h"
#include "fovea/fetch.h"
#include "fovea/image.h"
#include "fovea/machine.h"
#include "fovea/net.h"
#include "fovea/report.h"
#include "fovea/run.h"
#include "fovea/statistics.h"
#include "fovea/status.h"
#include "fovea/study.h"
#include "fovea/train.h"
#endif
