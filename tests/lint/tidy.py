#!/usr/bin/env python3
"""clang-tidy over src, cmd and sandbox: tidy.py [--minutes N] BUILD_FOLDER [FILES]. A file that passed is not looked at again until
it, a header of ours below it, the checks, its compile command or an installed library changes. Those that were committed last come
first; with --minutes none is begun after that time, and how many were left is told."""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "kubectl-wukong/tidy"
TIDY = "clang-tidy-19"
# g++'s own warning names are no findings; and -Werror is the compiler's business.
EXTRA = ["--extra-arg=-Wno-unknown-warning-option", "--extra-arg=-Wno-error"]
INCLUDE = re.compile(rb'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def own_files(path, build, seen):
    """`path` and the files of ours that it includes, with their bytes."""
    if path in seen:
        return
    seen[path] = path.read_bytes()
    for name in INCLUDE.findall(seen[path]):
        for folder in (ROOT / "src", ROOT, build / "generated"):
            target = folder / name.decode()
            if target.is_file():
                own_files(target, build, seen)


def environment():
    """What all files depend on: the checks, the tool, the libraries' versions."""
    run = lambda *words: subprocess.run(words, capture_output=True, check=False).stdout
    libraries = run("dpkg-query", "-W", "-f", "${Package} ${Version}\n", "*-dev", "g++*")
    return (ROOT / ".clang-tidy").read_bytes() + run(TIDY, "--version") + libraries + " ".join(EXTRA).encode()


def key_of(entry, build, common):
    seen = {}
    own_files(pathlib.Path(entry["file"]), build, seen)
    digest = hashlib.sha256(common)
    # Another checkout of the same sources shares the results.
    digest.update(entry["command"].replace(str(build), "").replace(str(ROOT), "").encode())
    for path in sorted(seen):
        digest.update(hashlib.sha256(path.name.encode() + b"\0" + seen[path]).digest())
    return digest.hexdigest()


def tidy(path, build):
    began = time.monotonic()
    run = subprocess.run([TIDY, "--quiet", "-p", str(build), *EXTRA, str(path)], capture_output=True, text=True, check=False)
    lines = [line for line in run.stderr.splitlines() if not re.match(r"\d+ warnings? ", line)]
    return run.returncode, run.stdout + "\n".join(lines), time.monotonic() - began


def committed(path):
    """When, in seconds since 1970; what is not committed, or not known, counts as now."""
    run = subprocess.run(["git", "log", "-1", "--format=%ct", "--", path], capture_output=True, text=True, check=False, cwd=ROOT)
    changed = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", path], check=False, cwd=ROOT).returncode != 0
    return float("inf") if changed or not run.stdout.strip() else int(run.stdout)


def main(words):
    minutes = float("inf")
    if words[:1] == ["--minutes"]:
        minutes, words = float(words[1]), words[2:]
    if not words:
        print(__doc__)
        return 2
    end = time.monotonic() + minutes * 60
    build = pathlib.Path(words[0]).resolve()
    wanted = {pathlib.Path(word).resolve() for word in words[1:]}
    common = environment()
    entries = []
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["file"])
        ours = any(path.is_relative_to(ROOT / top) for top in ("src", "cmd", "sandbox"))
        if ours and (not wanted or path in wanted):
            entries.append((path, CACHE / key_of(entry, build, common)))
    fresh = sorted(((path, mark) for path, mark in entries if not mark.exists()), key=lambda f: -committed(f[0]))
    print(f"{len(entries)} files, {len(entries) - len(fresh)} unchanged since they passed")

    CACHE.mkdir(parents=True, exist_ok=True)
    failed = left = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        running = {pool.submit(lambda p: tidy(p, build) if time.monotonic() < end else None, path): (path, mark) for path, mark in fresh}
        for done in concurrent.futures.as_completed(running):
            path, mark = running[done]
            if done.result() is None:
                left += 1
                continue
            status, text, seconds = done.result()
            print(f"{path.relative_to(ROOT)}: {seconds:.0f} s" + (f", failed\n{text}" if status else ""), flush=True)
            failed += status != 0
            if status == 0:
                mark.touch()
    print(f"{failed} of {len(entries)} files failed" + (f", {left} were left for want of time" if left else ""))
    return 1 if failed or not entries else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
