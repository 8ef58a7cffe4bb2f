/* Everything: simple things first. */
#ifndef FOVEA_H
#define FOVEA_H
#include "fovea/status.h"
#include "fovea/machine.h"
#include "fovea/data.h"
#include "fovea/augment.h"
#include "fovea/net.h"
#include "fovea/train.h"
#include "fovea/statistics.h"
#include "fovea/explain.h"
#include "fovea/run.h"
#include "fovea/image.h"
#include "fovea/report.h"
#include "fovea/study.h"
#endif
