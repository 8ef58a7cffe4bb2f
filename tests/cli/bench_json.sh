#!/bin/sh
# bench_json.sh PROGRAM: the JSON of `fovea bench` has its fields and its sums, what it prints fits a terminal, and the
# instruction set can be forced.
set -eu
. "$(dirname "$0")/../scratch.sh"
unset FOVEA_ISA

json() { # FILE EXPRESSION: fails where the expression over the parsed file (r) is not true
    node -e '
        const r = JSON.parse(require("fs").readFileSync(process.argv[1]));
        const near = (a, b, part) => Math.abs(a - b) <= part * Math.abs(b);
        if (!eval(process.argv[2])) { console.log("not true:", process.argv[2], JSON.stringify(r)); process.exit(1); }
    ' "$1" "$2"
}

"$fovea" bench --model convnet --threads 2 --batch 32 --json >convnet.json
json convnet.json 'r.machine.threads === 2 && r.machine.core_flops > 1e6 && r.machine.all_copy_bytes_per_s > 1e6'
json convnet.json 'r.training.name === "convnet" && r.training.batch === 32 && r.training.threads === 2'
json convnet.json 'r.training.input.join() === "1,28,28" && r.training.model.startsWith("conv 8 3x3, relu")'
json convnet.json 'r.training.step.multiply_adds === 32 * 296064'
json convnet.json 'near(r.training.images_per_s, 32 / r.training.step.time_s, 1e-6)'
json convnet.json 'near(r.training.flops, 2 * 32 * 296064 / r.training.step.time_s, 1e-6)'
json convnet.json 'near(r.training.step.of_peak, r.training.flops / 2 / r.training.peak_core_flops, 1e-6)'
json convnet.json 'r.training.operations.length === 4 && r.training.operations[1].out.join() === "8,5,5"'
json convnet.json 'const t = r.training, sum = t.operations.reduce((s, o) => s + o.forward.time_s + o.backward.time_s,
    t.feed_s + t.loss_s + t.update_s + t.pack_s + t.wait_s + t.rest_s); near(sum, t.step.time_s, 1e-6)'
json convnet.json 'r.training.inference.latency_s > 0 && r.training.inference.batch === 1024
    && r.training.inference.images_per_s > 0'

FOVEA_ISA=generic "$fovea" bench --model 'maxpool 4, dense classes' --classes 3 --threads 1 >generic.txt
grep -q 'dense 3 -> 3' generic.txt
grep -q '1 thread · generic' generic.txt
if grep -Eq '.{82}' generic.txt; then # in bytes: a middle dot has two
    echo "wider than 80 columns:"
    grep -E '.{82}' generic.txt
    exit 1
fi

"$fovea" bench --input 1x9x9 --threads 1 --json >all.json
json all.json 'r.models.length >= 5 && r.models.every(m => m.threads === 1 && m.images_per_s > 0 && m.step.of_peak > 0)'
json all.json 'r.models.some(m => m.name === "convnet") && r.models.every(m => m.input.join() === "1,9,9")'
