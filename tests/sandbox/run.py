#!/usr/bin/env python3
"""wukong-sandbox under unmodified kubectl and under kubectl-wukong: run.py SANDBOX KUBECTL_WUKONG [unittest arguments]

Exits with 77 when there is no kubectl."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ELSEWHERE = pathlib.Path.home() / ".cache/kubevirt-cluster/bin/kubectl"
KUBECTL = str(ELSEWHERE) if ELSEWHERE.exists() else shutil.which("kubectl")
SANDBOX, WUKONG = (os.path.abspath(word) for word in sys.argv[1:3])
TIMEOUT = 120


def run(words, **more):
    return subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT, check=False, **more)


class Sandbox(unittest.TestCase):
    profile = "default"

    @classmethod
    def setUpClass(cls):
        cls.home = tempfile.mkdtemp(prefix="sandbox-") + "/home"
        done = run([SANDBOX, "up", "--dir", cls.home, "--speed", "20", "--profile", cls.profile])
        assert done.returncode == 0, done.stderr
        cls.up = done.stdout

    @classmethod
    def tearDownClass(cls):
        done = run([SANDBOX, "down", "--dir", cls.home])
        assert done.stdout == "sandbox: ended\n" and not os.path.exists(cls.home), (done, "it had ended before, or left something")
        os.rmdir(os.path.dirname(cls.home))

    def start(self, program, words, viewer=False, **more):
        kubeconfig = f"{self.home}/{'viewer.' if viewer else ''}kubeconfig"
        caches = self.home + "-caches"  # of what the server serves
        self.addCleanup(shutil.rmtree, caches, True)
        return run([program, *words], env={**os.environ, "KUBECONFIG": kubeconfig, "HOME": caches}, **more)

    def kubectl(self, *words, code=0, **more):
        done = self.start(KUBECTL, words, **more)
        self.assertEqual(done.returncode, code, (words, done.stdout, done.stderr))
        return done.stdout + done.stderr

    def clone(self, source, target, *words, code=0, **more):
        done = self.start(WUKONG, ["clone", source, target, "-n", "demo", "--wait", *words], **more)
        self.assertEqual(done.returncode, code, (done.stdout, done.stderr))
        return done.stdout + done.stderr

    def apply(self, document, code=0):
        return self.kubectl("create", "-f", "-", input=json.dumps(document), code=code)


class Kubectl(Sandbox):
    def test_says_what_to_type(self):
        self.assertIn(f"export KUBECONFIG={self.home}/kubeconfig", self.up)
        self.assertIn("kubectl wukong clone web web2 -n demo --wait", self.up)
        self.assertEqual(os.stat(self.home + "/kubeconfig").st_mode & 0o777, 0o600)
        again = run([SANDBOX, "up", "--dir", self.home])
        self.assertEqual(again.returncode, 1)
        self.assertIn("already", again.stderr)
        wrong = run([SANDBOX, "up", "--dir", self.home + "-wrong", "--profile", "none"])
        self.assertEqual((wrong.returncode, os.path.exists(self.home + "-wrong")), (1, False))
        self.assertIn(f"export KUBECONFIG={self.home}/kubeconfig", again.stderr)

    def test_get(self):
        table = self.kubectl("get", "vm,vmi,pvc", "-n", "demo")
        self.assertRegex(table, r"virtualmachine.kubevirt.io/web +\S+ +Stopped +False")
        self.assertRegex(table, r"persistentvolumeclaim/web-root +Bound +pvc-\S+ +20Gi +RWO +fast")
        self.assertIn("fast (default)", self.kubectl("get", "storageclass"))
        self.assertIn("VOLUMEMODE", self.kubectl("get", "pvc", "-A", "-o", "wide"))
        self.assertEqual(self.kubectl("get", "vm", "-n", "demo", "-l", "app in (web,db)", "-o", "name").split(),
                         ["virtualmachine.kubevirt.io/db", "virtualmachine.kubevirt.io/web"])
        self.assertIn('virtualmachines.kubevirt.io "none" not found', self.kubectl("get", "vm", "none", code=1))
        self.assertIn("the server doesn't have a resource type", self.kubectl("get", "datavolumes", code=1))

    def test_describe(self):
        self.assertIn("Printable Status:", self.kubectl("describe", "vm", "web", "-n", "demo"))
        self.assertIn("ProvisioningSucceeded", self.kubectl("describe", "pvc", "web-root", "-n", "demo"))

    def test_create_patch_wait_delete(self):
        self.assertIn("namespace/made created", self.kubectl("create", "namespace", "made"))
        claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "disk", "namespace": "made"},
                 "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
        self.apply(claim)
        self.assertIn("AlreadyExists", self.apply(claim, code=1))
        unknown = {**claim, "metadata": {"name": "odd", "namespace": "made"}, "spec": {**claim["spec"], "nonsense": 1}}
        self.assertIn('strict decoding error: unknown field "spec.nonsense"', self.apply(unknown, code=1))
        self.assertIn('Warning: unknown field "spec.nonsense"',
                      self.kubectl("create", "--validate=warn", "-f", "-", input=json.dumps(unknown)))
        self.kubectl("wait", "pvc/disk", "-n", "made", "--for=jsonpath={.status.phase}=Bound", "--timeout=60s")
        self.kubectl("label", "pvc/disk", "-n", "made", "a=b")
        self.kubectl("annotate", "pvc/disk", "-n", "made", "c=d")
        self.kubectl("patch", "pvc/disk", "-n", "made", "--type=json", "-p",
                     '[{"op":"replace","path":"/metadata/labels/a","value":"e"}]')
        self.assertEqual(self.kubectl("get", "pvc", "disk", "-n", "made", "-o", "jsonpath={.metadata.labels.a}"), "e")
        self.kubectl("delete", "pvc", "disk", "-n", "made", "--timeout=60s")
        self.kubectl("delete", "namespace", "made", "--timeout=60s")
        self.kubectl("get", "namespace", "made", code=1)

    def test_apply(self):
        document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "demo"}, "data": {"a": "1"}}
        self.assertIn("created", self.kubectl("apply", "-f", "-", input=json.dumps(document)))
        document["data"]["a"] = "2"
        self.assertIn("configured", self.kubectl("apply", "-f", "-", input=json.dumps(document)))
        self.assertIn("unchanged", self.kubectl("apply", "-f", "-", input=json.dumps(document)))

    def test_watch(self):
        watcher = subprocess.Popen([KUBECTL, "get", "vm", "mail", "-n", "demo", "-w", f"--request-timeout={TIMEOUT}s"],
                                   env={**os.environ, "KUBECONFIG": self.home + "/kubeconfig"}, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
        try:
            watcher.stdout.readline()
            self.assertIn("Stopped", watcher.stdout.readline())
            self.kubectl("patch", "vm", "mail", "-n", "demo", "--type=merge", "-p", '{"spec":{"runStrategy":"Always"}}')
            said = ""
            while not re.search("Running +True", said) and (line := watcher.stdout.readline()):
                said += line
        finally:
            watcher.kill()
            watcher.communicate()
        self.assertRegex(said, r"(?s)Starting.*Running +True")

    def test_rights(self):
        self.assertIn("yes", self.kubectl("auth", "can-i", "create", "vm", "-n", "demo"))
        self.assertIn("no", self.kubectl("auth", "can-i", "create", "vm", "-n", "demo", viewer=True, code=1))
        self.kubectl("get", "vm", "-n", "demo", viewer=True)
        self.assertIn("Forbidden", self.kubectl("get", "secrets", "-n", "demo", viewer=True, code=1))
        self.kubectl("--context", "sandbox-token", "get", "namespaces")
        self.kubectl("--token", "wrong", "--context", "sandbox-token", "get", "namespaces", code=1)


class Clone(Sandbox):
    def test_clone(self):
        self.assertRegex(self.clone("web", "web2"), r"web2 +Stopped +2 bound, stand-alone +web")
        self.assertIn("No resources found", self.kubectl("get", "vmclone,vmsnapshot,vmrestore,vs", "-n", "demo"))

    def test_running_source(self):
        self.assertIn("running", self.clone("db", "db2"))

    def test_refusals(self):
        self.assertIn("exists already", self.clone("web", "mail", code=3))
        self.assertIn("did you mean web?", self.clone("wbe", "x", code=3))
        self.clone("web", "Not_A_Name", code=2)
        self.clone("web", "x", code=4, viewer=True)

    def test_storage_that_fails(self):
        self.kubectl("patch", "volumesnapshotclass", "fast-snapshots", "--type=merge", "-p", '{"parameters":{"fail":"pool is full"}}')
        try:
            self.assertIn("pool is full", self.clone("mail", "mail2", "--stall-timeout", "3s", code=1))
        finally:
            self.kubectl("patch", "volumesnapshotclass", "fast-snapshots", "--type=merge", "-p", '{"parameters":null}')

    def test_quota(self):
        self.kubectl("create", "quota", "q", "-n", "demo", "--hard=persistentvolumeclaims=5")
        try:
            self.kubectl("wait", "quota/q", "-n", "demo", "--for=jsonpath={.status.hard.persistentvolumeclaims}=5", "--timeout=60s")
            self.assertIn("quota q of namespace demo leaves no room", self.clone("web", "web9", code=3))
            self.assertRegex(self.kubectl("get", "quota", "-n", "demo"), r"q +persistentvolumeclaims: [5-9]/5")
        finally:
            self.kubectl("delete", "quota", "q", "-n", "demo")


class WaitForFirstConsumer(Sandbox):
    profile = "wffc"

    def test_clone(self):
        self.assertIn("first", self.clone("web", "web2"))
        self.kubectl("patch", "vm", "web2", "-n", "demo", "--type=merge", "-p", '{"spec":{"runStrategy":"Always"}}')
        self.kubectl("wait", "vm/web2", "-n", "demo", "--for=condition=Ready", "--timeout=60s")
        self.kubectl("wait", "vmrestore", "--all", "-n", "demo", "--for=delete", "--timeout=60s")


class NoSnapshots(Sandbox):
    profile = "nosnap"

    def test_clone(self):
        self.assertIn("No VolumeSnapshotClass", self.clone("web", "web2", code=3))


if __name__ == "__main__":
    if KUBECTL is None:
        print("skipped: kubectl is not on PATH, nor has the test cluster compiled one (tests/cluster/cluster build)")
        sys.exit(77)
    del Sandbox  # has no tests of its own
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
