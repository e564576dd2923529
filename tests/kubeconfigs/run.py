#!/usr/bin/python3
"""Runs kubeconfigs through kubectl-wukong and compares what arrives at a server with what kubectl sent.

run.py BINARY [-k SUBSTRING]               compares with tests/data/kubeconfigs/expected.json
run.py BINARY --kubectl KUBECTL [-k ...]   compares with a live kubectl
run.py --accept --kubectl KUBECTL          writes expected.json
run.py --seeds FOLDER                      writes the kubeconfigs and the plugins' answers, for tests/fuzz
"""
import argparse
import base64
import concurrent.futures
import difflib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading

import cases
import recorder

EXPECTED = pathlib.Path(__file__).parent.parent / "data/kubeconfigs/expected.json"
SERVICE_ACCOUNT = pathlib.Path("/var/run/secrets/kubernetes.io/serviceaccount")
SECRETS = re.compile(r"SECRET[-\w]*")
# Runs "$@" where the service account's folder $0 holds the files of $1: mounts are this process' own.
IN_POD = 'mount -t tmpfs none /run && mkdir -p "$0" && cp -rP "$1"/. "$0" && shift && exec "$@"'


class Lab:
    """One case at a time: its files, its servers."""

    def __init__(self):
        self.rig = recorder.Rig()
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="kubeconfigs-"))

    def fill(self, text):
        """Placeholders of a case: {{TLS}} and other ports, {{HOME}}, {{data:ca.crt}}, {{pki:ca.crt}}, {{text:…}}."""
        for name, port in self.rig.ports.items():
            text = text.replace("{{%s}}" % name, str(port))
        text = text.replace("{{HOME}}", str(self.home))
        text = re.sub(r"\{\{data:([\w.-]+)\}\}", lambda m: recorder.data_of(m[1]), text)
        text = re.sub(r"\{\{pki:([\w.-]+)\}\}", lambda m: str(recorder.PKI / m[1]), text)
        return re.sub(r"\{\{text:([\w.-]+)\}\}", lambda m: (recorder.PKI / m[1]).read_text(), text)

    def generic(self, value):
        """`value` without what differs from run to run."""
        if isinstance(value, str):
            for name, port in self.rig.ports.items():
                value = value.replace(f":{port}", ":{{%s}}" % name)
            value = value.replace(recorder.data_of("ca.crt"), "{{data:ca.crt}}")
            return value.replace(str(self.home), "{{HOME}}").replace(str(recorder.PKI), "{{PKI}}")
        if isinstance(value, list):
            return [self.generic(item) for item in value]
        if isinstance(value, dict):
            return {key: self.generic(item) for key, item in value.items()}
        return value

    def write(self, case):
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        for path, content in case.files.items():
            target = self.home / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, cases.Link):
                target.symlink_to(content)
            elif isinstance(content, bytes):
                target.write_bytes(content)
            else:
                target.write_text(self.fill(content), encoding="utf-8")
            if target.parent.name == "bin" and not target.is_symlink():
                target.chmod(0o755)
        for path in case.folders:
            (self.home / path).mkdir(parents=True, exist_ok=True)

    def run(self, program, case):
        """What arrived, and what the program said."""
        self.write(case)
        self.rig.clear(json.loads(self.fill(json.dumps(case.issuer))))
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.home),
                       **{name: self.fill(value) for name, value in case.env.items()}}
        for name in [name for name, value in environment.items() if value == cases.UNSET]:
            del environment[name]
        command = [program, "version", *map(self.fill, case.args)]
        if case.pod:
            command = ["unshare", "-m", "sh", "-c", IN_POD, str(SERVICE_ACCOUNT), str(self.home / case.pod), *command]
        done = subprocess.run(command, cwd=self.home, env=environment, stdin=subprocess.DEVNULL, timeout=60,
                              capture_output=True, check=False)
        said = (done.stdout + done.stderr).decode("utf-8", "replace")
        return self.outcome(case, said), done.returncode, said

    def outcome(self, case, said):
        seen = self.rig.seen()
        requests = [entry for entry in seen if entry.pop("kind", None) == "request"]
        out = {}
        versions = [request for request in requests if "/apis/" not in request["path"]]
        if versions:
            out["request"] = self.generic(versions[0])
            out["request"]["sni"] = out["request"]["sni"] and out["request"]["sni"].lower()
            # Whatever else is asked for, it is asked in the same way.
            differing = [request for request in requests if any(
                request[key] != versions[0][key] for key in ("identity", "tls", "sni", "certificate"))]
            if differing:
                out["differing"] = differing
        elif "localhost:8080" in said:
            out["refused"] = "dials localhost:8080"
        else:
            out["refused"] = "yes"
        proxied = [entry for entry in seen if "target" in entry and "/apis/" not in entry["target"]]
        if proxied:
            out["proxy"] = self.generic(proxied[0])
        issuer = [entry for entry in seen if "identity" not in entry and "target" not in entry]
        if issuer:
            out["issuer"] = issuer
        if (self.home / "told.json").exists():
            out["plugin"] = self.generic(json.loads((self.home / "told.json").read_text()))
        for name in case.kept:
            out.setdefault("kept", {})[name] = self.generic(kept(self.home / name))
        return out


def kept(path):
    """A kubeconfig as data, without what kubectl adds when it writes one."""
    import yaml
    content = yaml.safe_load(path.read_text())
    for name in ("preferences", "apiVersion", "kind"):
        content.pop(name, None)
    for entries in ("clusters", "users", "contexts"):
        content[entries] = sorted(content.get(entries) or [], key=lambda entry: entry["name"])
    return {"mode": oct(path.stat().st_mode & 0o777), "content": content}


def same(case, wanted, got):
    """Compares outcomes; a program may always ask for less compression."""
    wanted, got = json.loads(json.dumps(wanted)), json.loads(json.dumps(got))
    for outcome in (wanted, got):
        if "refused" in outcome:
            outcome["refused"] = True
            outcome.pop("proxy", None)
        outcome.pop("differing", None) if outcome is wanted else None
    if "request" in wanted and "request" in got and not got["request"]["gzip"]:
        wanted["request"]["gzip"] = False
    for key in case.ignore:
        for outcome in (wanted, got):
            outcome.pop(key, None)
    return wanted == got, wanted, got


def explain(wanted, got):
    lines = [json.dumps(outcome, indent=1, sort_keys=True, ensure_ascii=False).splitlines()
             for outcome in (wanted, got)]
    return "\n".join(difflib.unified_diff(*lines, "kubectl", "kubectl-wukong", n=1, lineterm=""))


def problem(lab, binary, case, expected):
    """Why `case` fails; None when it does not."""
    got, code, said = lab.run(binary, case)
    secrets = set(SECRETS.findall(said))
    if secrets:
        return f"a secret was printed: {secrets}\n{said}"
    if "Sanitizer" in said or "terminate called" in said or code < 0:
        return f"crashed ({code}):\n{said}"
    if case.differs:
        wanted = {"refused": True} if case.ours == "refuses" else expected[case.ours]
    else:
        wanted = expected[case.name]
    fine, wanted, got = same(case, wanted, got)
    if fine and "refused" in got and code == 0:
        return f"no request, but exit code 0\n{said}"
    if fine:
        return None
    return f"{explain(wanted, got)}\nit said: {said.strip()}"


def write_seeds(folder):
    lab = Lab()
    for case in cases.CASES:
        lab.write(case)
        for path in case.files:
            kind = "exec_answer" if path == "bin/answer" else "kubeconfig"
            seed = folder / kind / re.sub(r"\W", "_", f"{case.name}_{path}")
            seed.parent.mkdir(parents=True, exist_ok=True)
            if (lab.home / path).is_file():
                shutil.copyfile(lab.home / path, seed)
    shutil.rmtree(lab.home)
    return 0


def can_enter_pod():
    done = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False)
    return done.returncode == 0


class Pool:
    """Runs cases on a few threads, each with a lab of its own."""

    def __init__(self, jobs):
        self.local = threading.local()
        self.labs = []
        self.executor = concurrent.futures.ThreadPoolExecutor(jobs)

    def lab(self):
        if not hasattr(self.local, "lab"):
            self.local.lab = Lab()
            self.labs.append(self.local.lab)
        return self.local.lab

    def map(self, work, items):
        return list(self.executor.map(lambda item: work(self.lab(), item), items))

    def clean(self):
        for lab in self.labs:
            shutil.rmtree(lab.home, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", nargs="?")
    parser.add_argument("--kubectl")
    parser.add_argument("--accept", action="store_true")
    parser.add_argument("--seeds", type=pathlib.Path)
    parser.add_argument("-k", dest="only", default="")
    parser.add_argument("-v", dest="verbose", action="store_true")
    parser.add_argument("-j", dest="jobs", type=int, default=4)
    options = parser.parse_args()
    chosen = [case for case in cases.CASES if options.only in case.name]
    if options.seeds:
        return write_seeds(options.seeds)
    skipped = [] if can_enter_pod() else [case for case in chosen if case.pod]
    chosen = [case for case in chosen if case not in skipped]
    pool = Pool(options.jobs)
    try:
        expected = json.loads(EXPECTED.read_text()) if EXPECTED.exists() else {}
        if options.kubectl:
            live = dict(zip((case.name for case in chosen),
                            pool.map(lambda lab, case: lab.run(options.kubectl, case), chosen)))
            if options.verbose:
                for name, (outcome, code, said) in live.items():
                    print(f"--- {name} ({code})\n{json.dumps(outcome)}\n{said.strip()}")
            expected.update({name: outcome for name, (outcome, _, _) in live.items()})
        if options.accept:
            known = {case.name for case in cases.CASES}
            lines = [f"{json.dumps(name)}: {json.dumps(expected[name], sort_keys=True, ensure_ascii=False)}"
                     for name in sorted(known & set(expected))]
            EXPECTED.write_text("{\n" + ",\n".join(lines) + "\n}\n")
            return 0
        problems = pool.map(lambda lab, case: problem(lab, options.binary, case, expected), chosen)
        failed = [(case, why) for case, why in zip(chosen, problems) if why]
        for case, why in failed:
            print(f"--- {case.name}\n{why}\n")
        for case in skipped:
            print(f"skipped: {case.name}: no mount namespaces here")
        print(f"{len(chosen) - len(failed)} of {len(chosen)} kubeconfigs as kubectl, "
              f"{sum(1 for case in chosen if case.differs)} of them differ on purpose")
        return 1 if failed else 0
    finally:
        pool.clean()


if __name__ == "__main__":
    sys.exit(main())
