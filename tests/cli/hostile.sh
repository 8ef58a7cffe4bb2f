#!/bin/sh
# hostile.sh PROGRAM SOURCE: names from strangers (classes, folders, files, fields of run.json) in every place where they
# are shown: terminal, messages, JSON, CSV, HTML, C source.
set -u
source=$(realpath "$2")
. "$(dirname "$0")/../scratch.sh"
"$python" -c '' 2>/dev/null || skip "no $python"
failures=0

fail() {
    echo "$*"
    failures=$((failures + 1))
}
# No control character but tabs and the ends of lines; U+0080 to U+009F are some, too.
plain() { # sink, file
    ! LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]\|\302[\200-\237]')" "$2" ||
        fail "$1: control characters: $(cat -v "$2")"
}

# A set whose classes are named by somebody who means harm.
mkdir set
i=0
while [ $i -lt 60 ]; do
    echo "$((i % 4)),$((i * 7 % 256)),$((i * 31 % 256)),$((i % 4 * 60)),9"
    i=$((i + 1))
done >set/x.csv
cat >set/classes.txt <<'END'
=cmd|' /C calc'!A0
</script><script>alert(1)</script>
*/ int x = 1; "\", ??/ %s %n {{y}}
@SUM(1,"2")
END
"$fovea" train set/x.csv --model 'dense classes' --epochs 1 --out run >out 2>err || fail "train: $(cat err)"
plain 'train' out

# JSON: the names come back as they were.
"$fovea" eval run --json >eval.json || fail 'eval --json'
"$fovea" data info set/x.csv --json >info.json || fail 'data info --json'
"$python" - <<'END' || fail 'JSON'
import json
names = [line.rstrip('\n') for line in open('set/classes.txt')]
assert json.load(open('run/run.json'))['dataset']['class_names'] == names
assert [c['name'] for c in json.load(open('eval.json'))['classes']] == names
assert [c['name'] for c in json.load(open('info.json'))['classes']] == names
END

# HTML: the page of the run, and the sheet of the data.
"$fovea" report run --quiet || fail 'report'
"$fovea" data info set/x.csv --html sheet.html >/dev/null || fail 'data info --html'
for page in run/report.html sheet.html; do
    ! grep -q '<script>alert\|</\?script&' $page || fail "$page: a name became a script"
    grep -q 'script>alert(1)\|script&gt;alert(1)' $page || fail "$page: the name is not there"
done

# CSV: no cell that a spreadsheet would take for a formula.
"$python" -c 'from PIL import Image; Image.new("L", (2, 2), 90).save("=1.png")' || exit 77
"$fovea" predict run =1.png --csv --top 4 >rows.csv || fail 'predict --csv'
"$python" - <<'END' || fail "predict --csv: $(cat rows.csv)"
import csv
names = [line.rstrip('\n') for line in open('set/classes.txt')]
head, row = csv.reader(open('rows.csv'))
assert not any(cell.startswith(tuple('=+-@\t\r')) for cell in row), row
assert sorted(cell.lstrip("'") for cell in row[1::2]) == sorted(names), row
END
# The page's own CSV.
if command -v node >/dev/null; then
    sed -n '/^const quote/,/^};/p; /^export function csv/,/^}/p' "$source/web/src/save.js" | sed 's/^export //' >quote.mjs
    cat >>quote.mjs <<'END'
const text = csv([{ name: '=1+1', n: -5, other: '@x,"y"' }, { name: '-7', n: 1, other: '<b>' }]);
if (text !== 'name,n,other\n\'=1+1,-5,"\'@x,""y"""\n-7,1,<b>\n') { console.log(text); process.exit(1); }
END
    node quote.mjs || fail 'the CSV of the page'
    sed -n '/^export const most/p' "$source/web/src/dom.js" | sed 's/^export //' >most.mjs
    sed -n '/^function linear/,/^}/p' "$source/web/src/glance.js" >>most.mjs
    cat >>most.mjs <<'END'
const at = linear(Array.from({ length: 1000000 }, (_, i) => i - 7), 0, 999999); // a run of very many epochs
if (at(-7) !== 0 || at(999992) !== 999999 || most([]) !== 0) process.exit(1);
END
    node most.mjs || fail 'the largest of many values'
fi

# C: the export compiles, and the names are its strings.
"$fovea" export run --format c --out net >out 2>err || fail "export: $(cat err)"
plain 'export' out
if command -v cc >/dev/null; then
    cc -std=c99 -Wall -Werror -c net.c -o net.o || fail 'the exported C'
fi

# The terminal: names of folders, of files, of a model file and of its record, words of the command line.
esc=$(printf '\033')
bad=$(printf 'bad\033[2J\302\2332Jx')
on_screen() { # verb, its words...: it does its work, and shows no name as it is
    "$fovea" "$@" >out 2>err || fail "$*: $(cat -v err)"
    plain "$1" out
    plain "$1" err
}
mkdir "$bad" && cp set/* "$bad" && cp =1.png "$bad/$bad.png"
on_screen data info "$bad/x.csv"
on_screen data preview "$bad/x.csv" --augment 'rotation 30' -o "$bad/sheet.png"
on_screen predict run "$bad/$bad.png"
for verb in train study; do # whose run.json could not be read again
    "$fovea" $verb "$bad/x.csv" --epochs 1 --out refused >out 2>err
    [ $? -eq 2 ] && grep -q 'DATA: holds a control character (code 27)' err && [ ! -e refused ] ||
        fail "$verb: $(cat -v out err)"
done
data=$(printf 'data\302\2332Jx') from=$(printf 'from\302\2332J')
cp -r set "$data" && cp run/model.safetensors "$from"
on_screen train "$data/x.csv" --model 'dense classes' --epochs 1 --init "$from" --out "$bad/run"
on_screen train --resume "$bad/run"
on_screen eval "$bad/run"
on_screen verify "$bad/run"
on_screen report "$bad/run"
on_screen compare "$bad/run" run
on_screen export "$bad/run" -o "$bad/x.onnx"
on_screen export "$bad/run" -o "$bad/x.npz"
on_screen study digits --epochs 1 --seeds 1 --parts architecture,kernels --out "$bad/study"
on_screen study --resume "$bad/study"
on_screen report "$bad/study"
if [ "$(script -qec 'echo there' /dev/null </dev/null 2>/dev/null | tr -d '\r')" = there ]; then # CSV, too, on a terminal
    SHELL=/bin/sh script -qec "stty -onlcr; '$fovea' predict run '$bad/$bad.png' --csv" /dev/null </dev/null >out
    grep -qF 'bad?[2J??2Jx/' out || fail "predict --csv on a terminal: $(cat -v out)"
    plain 'predict --csv' out
fi
"$fovea" predict run "$bad/$bad.png" --csv >out
grep -qF "$bad/$bad.png," out || fail "predict --csv: another name than the file's: $(cat -v out)"
for line in "$(printf '\302\2332J')" "${esc}[2J"; do # as names of classes they are refused
    mkdir named && cp set/x.csv named && { printf 'a\nb\nc\n%s\n' "$line"; } >named/classes.txt
    "$fovea" data info named/x.csv >out 2>err
    [ $? -eq 3 ] && grep -q 'classes.txt: line 4 holds a control character' err || fail "a class's name: $(cat -v out err)"
    plain 'classes.txt' err
    rm -r named
    mkdir -p named/train/a "named/train/b$line" && cp =1.png named/train/a && cp =1.png "named/train/b$line"
    "$fovea" data info ./named >out 2>err
    [ $? -eq 3 ] && grep -q 'is no class name' err || fail "a folder's name: $(cat -v out err)"
    plain 'folder' err
    rm -r named
done
"$fovea" predict run "none${esc}]0;title" >out 2>err && fail 'predict of nothing'
plain 'predict' err
"$fovea" train digits --model "dense${esc}[31m" --out run3 >out 2>err && fail 'train of no model'
plain 'model' err
"$fovea" "verb${esc}[31m" 2>err && fail 'no verb'
plain 'verb' err
"$fovea" train --"opt${esc}[31m" 2>err && fail 'no option'
plain 'option' err
"$python" - <<'END'
import json, os, shutil
run = json.load(open('run/run.json'))
for where, key in (('machine', 'compiler'), ('machine', 'isa'), ('result', 'status'), (None, 'fovea'), ('config', 'dataset'),
                   ('config', 'model')):
    out = 'record-' + key
    shutil.copytree('run', out)
    other = json.loads(json.dumps(run))
    (other[where] if where else other)[key] += '\033[2J\x9b\x07'
    json.dump(other, open(out + '/run.json', 'w'))
shutil.copytree('run', 'names')
data = open('run/model.safetensors', 'rb').read()
at = data.index(b'=cmd|')
open('names/model.safetensors', 'wb').write(data[:at] + b'\\u0007' + data[at + 6:])
END
for record in record-*; do
    "$fovea" verify "$record" >out 2>err
    plain "verify $record" out
    plain "verify $record" err
    "$fovea" compare "$record" run >out 2>err
    plain "compare $record" out
    plain "compare $record" err
done
"$python" - <<'END' # comments are no part of a text, but of its field
import json
run = json.load(open('run/run.json'))
for key in 'optimizer', 'schedule', 'augment':
    run['config'][key] += ' # \x9b2J\rx'
json.dump(run, open('texts.json', 'w'))
END
on_screen train --config texts.json --out texts
"$fovea" predict names =1.png >out 2>err
[ $? -eq 3 ] || fail "a model file with a control character among its class names: $(cat out err)"
plain 'predict' err
[ $failures -eq 0 ]
