#!/usr/bin/python3
"""complete.py PROGRAM COMPLETIONS SHELL: types into a real interactive shell, presses the tab key and looks at what is
run. In place of fovea stands a script that passes `help --complete` on and writes everything else down."""
import os, pty, select, shutil, stat, sys, tempfile, time

program, completions, shell = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3]
if not shutil.which(shell):
    print(f"{shell} is not on this machine")
    sys.exit(77)

CASES = [  # typed, then the tab key; what is run
    ("fovea tra", "train"),
    ("fovea help verif", "help verify"),
    ("fovea data prev", "data preview"),
    ("fovea train --optim", "train --optimizer"),
    ("fovea train --optimizer adad", "train --optimizer adadelta"),
    ("fovea train --schedule=cos", "train --schedule=cosine"),
    ("fovea eval x --model=resn", "eval x --model=resnet-small"),
    ("fovea predict r --fit st", "predict r --fit stretch"),
    ("fovea study dig", "study digits"),
    ("fovea export x --format=saf", "export x --format=safetensors"),
    ("fovea report onlyd", "report onlydirectory/"),
    ("fovea train --config reco", "train --config record.json"),
]
folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
os.chdir(folder.name)
os.mkdir("onlydirectory")
for name in ("record.json", "onlyfile", "bin"):
    os.mkdir(name) if name == "bin" else open(name, "w").close()
with open("bin/fovea", "w") as script:
    script.write(f'#!/bin/sh\n[ "$1 $2" != "help --complete" ] || exec {program} "$@"\necho "$*" >>{folder.name}/ran\n')
os.chmod("bin/fovea", stat.S_IRWXU)

START = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], f". {completions}/fovea.bash"),
    "zsh": (["zsh", "-f", "-i"], f"fpath=({completions} $fpath); autoload -U compinit; compinit -u -D"),
    "fish": (["fish", "--no-config", "-i"], f"source {completions}/fovea.fish"),
}
words, setup = START[shell]
pid, terminal = pty.fork()
if pid == 0:
    os.environ.update(PATH=f"{folder.name}/bin:" + os.environ["PATH"], HOME=folder.name, TERM="xterm", PS1="> ",
                      XDG_CONFIG_HOME=folder.name, XDG_DATA_HOME=folder.name)
    os.execvp(words[0], words)


def quiet(seconds):
    """Reads until nothing has come for so long."""
    while select.select([terminal], [], [], seconds)[0]:
        try:
            if not os.read(terminal, 65536):
                return
        except OSError:
            return


def ran():
    return open("ran").read().splitlines() if os.path.exists("ran") else []


quiet(1.5)
os.write(terminal, setup.encode() + b"\r")
quiet(1.0)
status = 0
for i, (typed, expected) in enumerate(CASES):
    os.write(terminal, typed.encode() + b"\t")
    quiet(0.4)
    os.write(terminal, b"\r")
    end = time.time() + 20
    while len(ran()) <= i and time.time() < end:
        quiet(0.1)
    got = ran()[i].rstrip() if len(ran()) > i else "(nothing)"
    if got.rstrip("/") != expected.rstrip("/"):  # zsh takes it away again
        print(f"{shell}: `{typed}` and the tab key: {got}, not {expected}")
        status = 1
        break
os.close(terminal)
sys.exit(status)
