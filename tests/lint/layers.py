#!/usr/bin/env python3
"""Checks the #include lines against the picture of ARCHITECTURE.md: layers.py [ROOT] | --self-test."""
import pathlib
import re
import sys
import tempfile

# Who may include whom, next to itself.
ALLOWED = {
    "base": set(),
    "kube": {"base"},
    "manifest": {"base"},
    "status": {"base"},
    "render": {"base"},
    "op": {"base", "kube"},
    "transfer": {"base", "kube"},
    "commands": {"base", "kube", "manifest", "op", "render", "status", "transfer"},
    "cmd": {"base", "commands"},
    "sandbox": {"base"},
}
# Libraries that one layer keeps to itself. Tests may compare with them.
OWNERS = {"CLI": "commands", "yaml.h": "kube", "curl": "kube", "date": "base", "utf8proc.h": "base", "re2": "manifest"}
GENERATED = {"wukong_version.h"}

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
# Put together here, so that this file passes its own check.
LEFTOVER = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3]) + r")\b")
SEARCHED = ["src", "cmd", "sandbox", "tests", "cmake", "scripts", "completions", "man", "packaging", ".ci"]
RECORDED = {"data", "golden"}  # below tests: what a cluster said, not what we wrote


def layer_of(path):
    """'kube' for src/kube/loop.cpp, 'cmd', 'sandbox' or 'tests' for files below these."""
    return path.parts[1] if path.parts[0] == "src" else path.parts[0]


def include_problem(root, path, target):
    """What is wrong with `path` including `target`; None when nothing is."""
    layer, first = layer_of(path), target.split("/")[0]
    if layer == "tests":
        known = first in ALLOWED and any((root / top / target).is_file() for top in ("src", ".", "tests"))
        known = known or (root / "tests" / target).is_file()
        own = first in ALLOWED or first == "support"
        return f"there is no {target}" if own and not known else None
    if first in OWNERS and OWNERS[first] != layer:
        return f"only {OWNERS[first]} may include <{target}>"
    if first == layer or target in GENERATED:
        return None
    if first in ALLOWED and first not in ALLOWED[layer]:
        return f"{layer} may not include {first} ({target})"
    return None


def sources(root):
    for top in ["src", "cmd", "sandbox", "tests"]:
        for path in sorted((root / top).rglob("*")):
            if path.suffix in (".h", ".cpp"):
                yield path.relative_to(root)


def check_source(root, path):
    lines = (root / path).read_text().splitlines()
    if layer_of(path) not in ALLOWED and layer_of(path) != "tests":
        yield f"{path}: no such layer: {layer_of(path)}"
        return
    for number, line in enumerate(lines, 1):
        found = INCLUDE.match(line)
        problem = found and include_problem(root, path, found.group(1))
        if problem:
            yield f"{path}:{number}: {problem}"
    if path.suffix == ".h" and path.parts[0] == "src":
        if "#pragma once" not in lines:
            yield f"{path}: no #pragma once"
        if not lines or not lines[0].startswith("//"):
            yield f"{path}:1: the first line is no comment that says what the header is for"


def written_files(root):
    for top in SEARCHED:
        for path in sorted((root / top).rglob("*")):
            parts = path.relative_to(root).parts
            if path.is_file() and path.suffix != ".pyc" and not (parts[0] == "tests" and parts[1] in RECORDED):
                yield path
    for pattern in ("*.md", "CMake*"):
        yield from sorted(root.glob(pattern))


def check_leftovers(root):
    for path in written_files(root):
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            found = LEFTOVER.search(line)
            if found:
                yield f"{path.relative_to(root)}:{number}: {found.group(1)}: finish it, or make it an issue"


def check(root):
    problems = [problem for path in sources(root) for problem in check_source(root, path)]
    return problems + list(check_leftovers(root))


def self_test():
    """Each bad line is reported, and nothing else is."""
    good = "// What it is for.\n#pragma once\n"
    cases = {
        "src/base/fine.h": (good + '#include <string>\n#include "base/other.h"\n', None),
        "src/base/other.h": (good, None),
        "src/commands/fine.cpp": ('#include <CLI/CLI.hpp>\n#include "op/runner.h"\n#include "wukong_version.h"\n', None),
        "src/kube/fine.cpp": ('#include <curl/curl.h>\n#include <yaml.h>\n', None),
        "tests/unit/fine_test.cpp": ('#include <yaml-cpp/yaml.h>\n#include "base/other.h"\n', None),
        "tests/data/recorded.json": ("X" * 3, None),
        "src/base/up.cpp": ('#include "kube/api.h"\n', "base may not include kube"),
        "src/status/side.cpp": ('\n#  include "op/operation.h"\n', "side.cpp:2: status may not include op"),
        "src/render/angle.cpp": ("#include <kube/api.h>\n", "render may not include kube"),
        "src/op/up.cpp": ('#include "commands/context.h"\n', "op may not include commands"),
        "cmd/tool/main.cpp": ('#include "kube/api.h"\n', "cmd may not include kube"),
        "sandbox/store.cpp": ('#include "kube/api.h"\n', "sandbox may not include kube"),
        "src/op/parse.cpp": ("#include <CLI/CLI.hpp>\n", "only commands may include <CLI/CLI.hpp>"),
        "src/render/yaml.cpp": ("#include <yaml.h>\n", "only kube may include <yaml.h>"),
        "src/commands/talk.cpp": ("#include <curl/curl.h>\n", "only kube may include <curl/curl.h>"),
        "src/base/twice.h": ("// What it is for.\n", "no #pragma once"),
        "src/base/silent.h": ("#pragma once\n", "silent.h:1: the first line"),
        "src/extra/new.cpp": ("", "no such layer: extra"),
        "tests/unit/gone_test.cpp": ('#include "base/gone.h"\n', "there is no base/gone.h"),
        "scripts/later": ("# " + "TO" + "DO: this\n", "scripts/later:1"),
    }
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, (content, _) in cases.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content)
        problems = check(root)
    wrong = []
    for name, (_, expected) in cases.items():
        said = [problem for problem in problems if problem.startswith(name + ":")]
        if expected is None and said:
            wrong.append(f"{name}: reported without reason: {said}")
        if expected is not None and not (len(said) == 1 and expected in said[0]):
            wrong.append(f"{name}: expected one report of {expected!r}, got {said}")
    return wrong


def main(words):
    if words == ["--self-test"]:
        problems = self_test()
    else:
        problems = check(pathlib.Path(words[0] if words else __file__ + "/../../..").resolve())
    print("\n".join(problems) or "fine")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
