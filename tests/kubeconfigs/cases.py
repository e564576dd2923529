"""The kubeconfigs: files, environment, flags. What kubectl makes of them is in tests/data/kubeconfigs/expected.json."""
import base64
import dataclasses
import json


UNSET = "\0unset"  # an environment variable that shall not be there


class Link(str):
    """A symbolic link, instead of a file."""


@dataclasses.dataclass
class Case:
    name: str
    files: dict = dataclasses.field(default_factory=dict)  # by path below $HOME
    args: tuple = ()
    env: dict = dataclasses.field(default_factory=dict)
    folders: tuple = ()
    pod: str = ""  # the folder with a service account's files, where the case plays in a pod
    issuer: dict = dataclasses.field(default_factory=dict)  # what the OIDC issuer answers
    kept: tuple = ()  # kubeconfigs that are compared afterwards, too
    ignore: tuple = ()  # parts of the outcome that are not compared
    differs: str = ""  # why we do not do as kubectl
    ours: str = "refuses"  # what we do then: this, or as kubectl does in the case of this name


CASES = []


def case(name, config=None, *args, **rest):
    """Adds a case; `config` is the text of ~/.kube/config."""
    files = dict(rest.pop("files", {}))
    if config is not None:
        files[".kube/config"] = config
    CASES.append(Case(name, files, tuple(args), **rest))


class Raw(str):
    """YAML that stands as it is."""


def yaml(value, indent=0):
    """`value` as block YAML, with its texts in quotes."""
    space = "  " * indent
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict) and value:
        parts = []
        for key, item in value.items():
            nested = isinstance(item, (dict, list)) and item
            parts.append(f"{space}{key}:{chr(10) if nested else ' '}{yaml(item, indent + 1)}")
        return "\n".join(parts)
    if isinstance(value, list) and value:
        parts = []
        for item in value:
            text = yaml(item, indent + 1)
            parts.append(f"{space}- {text.lstrip() if isinstance(item, (dict, list)) else text}")
        return "\n".join(parts)
    return json.dumps(value, ensure_ascii=False)


CLUSTER = {"server": "https://127.0.0.1:{{TLS}}", "certificate-authority-data": "{{data:ca.crt}}"}
USER = {"token": "SECRET-token"}
CERTIFICATE = {"client-certificate-data": "{{data:client.crt}}", "client-key-data": "{{data:client.key}}"}
OTHER = {"server": "https://localhost:{{TLS}}", "certificate-authority-data": "{{data:ca.crt}}"}


def without(value, *names):
    return {key: item for key, item in value.items() if key not in names}


def config(cluster=None, user=None, context=None, **more):
    """One cluster c, one user u, one context x."""
    return yaml({
        "apiVersion": "v1", "kind": "Config", "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u", **(context or {})}}],
        "clusters": [{"name": "c", "cluster": CLUSTER if cluster is None else cluster}],
        "users": [{"name": "u", "user": USER if user is None else user}],
        **more}) + "\n"


def raw(top="", cluster="", user="", context="", server='"https://127.0.0.1:{{TLS}}"', end=""):
    """As config(), with lines of YAML put in."""
    return f"""apiVersion: v1
kind: Config
current-context: x
{top}contexts:
- name: x
  context:
    cluster: c
    user: u
{context}clusters:
- name: c
  cluster:
    server: {server}
    certificate-authority-data: {{{{data:ca.crt}}}}
{cluster}users:
- name: u
  user:
{user or "    token: SECRET-token" + chr(10)}{end}"""


NO_SERVER = ("kubectl falls back to http://localhost:8080, the port without authentication that API servers lost in "
             "1.20: whoever listens there is no cluster of the user's, and «connection refused» hides what is missing")
NAMESPACE = "no namespace can have such a name: it is said before anything is sent, not by a 404 for each request"
NEWER_YAML = "kubectl's YAML reader is older than ours: what it calls an error means only one thing"
IN_URL = "a password in a server's URL would stand in every message that names the server"


# ---- which file

case("file home", config())
case("file home none at all", differs=NO_SERVER)
case("file home empty", "", differs=NO_SERVER)
case("file home blank", " \n\n# nothing\n", differs=NO_SERVER)
case("file home document marker", "---\n", differs=NO_SERVER)
case("file home is a folder", folders=(".kube/config",))
case("file home unset, beside the working folder", config(), env={"HOME": UNSET})
case("file home old name", files={".kube/.kubeconfig": config()})
case("file home old name beside the new", config(), files={".kube/.kubeconfig": config(OTHER)})
case("file flag", config(OTHER), "--kubeconfig", "{{HOME}}/k", files={"k": config()})
case("file flag over environment", config(OTHER), "--kubeconfig={{HOME}}/k", files={"k": config()},
     env={"KUBECONFIG": "{{HOME}}/none"})
case("file flag relative", None, "--kubeconfig", "sub/../k", files={"k": config(), "sub/a": ""})
case("file flag missing", config(), "--kubeconfig", "{{HOME}}/none")
case("file flag below a file", config(), "--kubeconfig", "{{HOME}}/.kube/config/none")
case("file flag empty file", config(), "--kubeconfig", "{{HOME}}/k", files={"k": ""}, differs=NO_SERVER)
case("file flag empty word", config(), "--kubeconfig", "")
case("file flag folder", config(), "--kubeconfig", "{{HOME}}")
case("file flag with colon", config(), "--kubeconfig", "{{HOME}}/a:{{HOME}}/b", files={"a": config(), "b": config()})
case("file environment", config(OTHER), env={"KUBECONFIG": "{{HOME}}/k"}, files={"k": config()})
case("file environment relative", None, env={"KUBECONFIG": "sub/k"}, files={"sub/k": config()})
case("file environment missing", config(), env={"KUBECONFIG": "{{HOME}}/none"}, differs=NO_SERVER)
case("file environment some missing", None, env={"KUBECONFIG": "none:k::other"}, files={"k": config()})
case("file environment colons only", config(), env={"KUBECONFIG": "::"}, differs=NO_SERVER)
case("file environment empty", config(), env={"KUBECONFIG": ""})
case("file environment below a file", config(), env={"KUBECONFIG": "{{HOME}}/k/none:{{HOME}}/k"}, files={"k": config()})
case("file environment twice the same", None, env={"KUBECONFIG": "k:k"}, files={"k": config()})
case("file environment tilde", config(OTHER), env={"KUBECONFIG": "~/k"}, files={"k": config()}, differs=NO_SERVER)
case("file environment dangling link", config(), env={"KUBECONFIG": "k"}, files={"k": Link("none")}, differs=NO_SERVER)
case("file environment link", None, env={"KUBECONFIG": "k"}, files={"k": Link("sub/real"), "sub/real": config()})
case("file environment broken second", config(), env={"KUBECONFIG": "k:b"}, files={"k": config(), "b": "a: [\n"})
case("file environment broken first", config(), env={"KUBECONFIG": "b:k"}, files={"k": config(), "b": "{{"})

# ---- merging

PARTS = {
    "clusters": yaml({"clusters": [{"name": "c", "cluster": CLUSTER}]}),
    "users": yaml({"users": [{"name": "u", "user": USER}]}),
    "contexts": yaml({"contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}]}),
    "current": "current-context: x\n"}
case("merge four parts", None, env={"KUBECONFIG": "clusters:users:contexts:current"}, files=PARTS)
case("merge four parts backwards", None, env={"KUBECONFIG": "current:contexts:users:clusters"}, files=PARTS)
case("merge one part missing", None, env={"KUBECONFIG": "current:contexts:clusters"}, files=PARTS)
case("merge first entry wins", None, env={"KUBECONFIG": "a:b"}, files={
    "a": config(), "b": config(OTHER, {"token": "SECRET-other"})})
case("merge entries are whole", None, env={"KUBECONFIG": "a:b"}, files={
    "a": config(CLUSTER, {"username": "me"}), "b": config(OTHER, {"password": "SECRET-pw", "token": "SECRET-b"})})
case("merge first current-context wins", None, env={"KUBECONFIG": "a:b"}, files={
    "a": yaml({"current-context": "y"}), "b": config(contexts=[
        {"name": "x", "context": {"cluster": "c", "user": "u"}},
        {"name": "y", "context": {"cluster": "d", "user": "u"}}], clusters=[
            {"name": "c", "cluster": CLUSTER}, {"name": "d", "cluster": OTHER}])})
case("merge empty current-context loses", None, env={"KUBECONFIG": "a:b"}, files={
    "a": yaml({"current-context": ""}), "b": config()})
case("merge relative paths", None, env={"KUBECONFIG": "one/a:two/b"}, files={
    "one/a": yaml({"clusters": [{"name": "c", "cluster": {"server": CLUSTER["server"],
                                                           "certificate-authority": "ca.crt"}}]}),
    "two/b": config({"server": "https://other"}, {"tokenFile": "../three/t"}),
    "one/ca.crt": "{{text:ca.crt}}", "three/t": "SECRET-file\n"})
case("merge null lists", None, env={"KUBECONFIG": "a:b"}, files={
    "a": "clusters: null\nusers: ~\ncontexts:\ncurrent-context: null\npreferences: {}\n", "b": config()})
case("merge with an entry that is null", None, env={"KUBECONFIG": "a:b"}, files={
    "a": yaml({"clusters": [{"name": "c", "cluster": None}]}), "b": config()}, differs=NO_SERVER)

# ---- contexts

TWO = dict(contexts=[{"name": "x", "context": {"cluster": "c", "user": "u"}},
                     {"name": "y", "context": {"cluster": "d", "user": "v"}}],
           clusters=[{"name": "c", "cluster": CLUSTER}, {"name": "d", "cluster": OTHER}],
           users=[{"name": "u", "user": USER}, {"name": "v", "user": {"username": "me", "password": "SECRET-pw"}}])
case("context current", config(**TWO))
case("context flag", config(**TWO), "--context", "y")
case("context flag unknown", config(**TWO), "--context", "z")
case("context flag empty", config(**TWO), "--context", "")
case("context cluster flag", config(**TWO), "--cluster", "d")
case("context cluster flag unknown", config(**TWO), "--cluster", "z")
case("context user flag", config(**TWO), "--user", "v")
case("context user flag unknown", config(**TWO), "--user", "z")
case("context all three flags", config(**TWO), "--context=y", "--cluster=c", "--user=u")
case("context current unknown", config(**{**TWO, "current-context": "z"}))
case("context current unknown, all flags", config(**{**TWO, "current-context": "z"}), "--cluster=c", "--user=u")
case("context current unknown, server flag", config(**{**TWO, "current-context": "z"}),
     "--server=https://127.0.0.1:{{TLS}}", "--token=SECRET-t")
case("context none", config(**{**TWO, "current-context": ""}), differs=NO_SERVER)
case("context none but cluster and user", config(**{**TWO, "current-context": ""}), "--cluster=c", "--user=u")
case("context none but cluster", config(**{**TWO, "current-context": ""}), "--cluster=c")
case("context none but server and token", config(**{**TWO, "current-context": ""}), "--token=SECRET-t",
     "--server=https://127.0.0.1:{{TLS}}", "--certificate-authority={{pki:ca.crt}}")
case("context cluster missing", config(context={"cluster": "nowhere"}), differs=NO_SERVER)
case("context cluster missing, server flag", config(context={"cluster": "nowhere"}),
     "--server=https://127.0.0.1:{{TLS}}", "--certificate-authority={{pki:ca.crt}}")
case("context user missing", config(context={"user": "nobody"}))
case("context user missing, token flag", config(context={"user": "nobody"}), "--token=SECRET-t")
case("context user missing, plain http", config({"server": "http://127.0.0.1:{{HTTP}}"}, context={"user": "nobody"}))
case("context without cluster", config(contexts=[{"name": "x", "context": {"user": "u"}}]), differs=NO_SERVER)
case("context without user", config(contexts=[{"name": "x", "context": {"cluster": "c"}}]))
case("context without user, plain http", config({"server": "http://127.0.0.1:{{HTTP}}"},
                                                 contexts=[{"name": "x", "context": {"cluster": "c"}}]))
case("context null", config(contexts=[{"name": "x", "context": None}]), differs=NO_SERVER)
case("context without name", config(**{"current-context": "", "contexts": [
    {"context": {"cluster": "c", "user": "u"}}]}))
case("context cluster without name", config(clusters=[{"cluster": CLUSTER}], context={"cluster": ""}))
case("context twice", config(contexts=[{"name": "x", "context": {"cluster": "c", "user": "u"}}] * 2))
case("context cluster twice", config(clusters=[{"name": "c", "cluster": CLUSTER}] * 2))
case("context user twice, not chosen", config(users=[{"name": "u", "user": USER}] + [{"name": "v", "user": USER}] * 2))
for label, odd in {"spaces": "my context", "colon": "a: b", "unicode": "größe-日本", "slash": "arn:aws:eks:eu/x",
                   "at": "admin@cluster.local", "quote": 'say "hi"', "hash": "a #b", "dash": "--context"}.items():
    case(f"context name with {label}", config(**{"current-context": odd, "contexts": [
        {"name": odd, "context": {"cluster": odd, "user": odd}}], "clusters": [{"name": odd, "cluster": CLUSTER}],
        "users": [{"name": odd, "user": USER}]}))
case("context namespace", config(context={"namespace": "vms"}))
case("context namespace odd", config(context={"namespace": "Not_A_Name"}), differs=NAMESPACE)
case("context namespace odd, flag", config(context={"namespace": "Not_A_Name"}), "-n", "vms")
case("context extensions", config(contexts=[{"name": "x", "context": {
    "cluster": "c", "user": "u", "extensions": [{"name": "tool", "extension": {"a": 1}}]}}],
    preferences={"colors": True}, extensions=[{"name": "t", "extension": [1]}]))

# ---- servers

HTTP = "http://127.0.0.1:{{HTTP}}"
for label, server in {
        "plain": "https://127.0.0.1:{{TLS}}", "trailing slash": "https://127.0.0.1:{{TLS}}/",
        "two slashes": "https://127.0.0.1:{{TLS}}//", "prefix": "https://127.0.0.1:{{TLS}}/k8s/clusters/c-1",
        "prefix and slash": "https://127.0.0.1:{{TLS}}/k8s/", "prefix with double slash": "https://127.0.0.1:{{TLS}}/a//b",
        "prefix with dots": "https://127.0.0.1:{{TLS}}/a/../b/./c", "prefix with space escape": "https://127.0.0.1:{{TLS}}/a%20b",
        "prefix with query": "https://127.0.0.1:{{TLS}}/k?a=b", "query": "https://127.0.0.1:{{TLS}}?a=b",
        "fragment": "https://127.0.0.1:{{TLS}}/k#f", "name": "https://localhost:{{TLS}}",
        "IPv6": "https://[::1]:{{TLS6}}", "IPv6 prefix": "https://[::1]:{{TLS6}}/p",
        "upper case scheme": "HTTPS://127.0.0.1:{{TLS}}", "upper case host": "https://LOCALHOST:{{TLS}}",
        "no scheme": "127.0.0.1:{{HTTP}}", "no scheme to a TLS port": "127.0.0.1:{{TLS}}",
        "no scheme name": "localhost:{{HTTP}}", "no scheme with slash": "127.0.0.1:{{HTTP}}/",
        "no scheme with prefix": "127.0.0.1:{{HTTP}}/p", "http": HTTP, "http with prefix": HTTP + "/p/q",
        "ftp": "ftp://127.0.0.1:{{HTTP}}", "port not a number": "https://127.0.0.1:x", "empty host": "https://:{{TLS}}",
        "space before": " https://127.0.0.1:{{TLS}}", "space inside": "https://127.0.0.1:{{TLS}}/a b",
        "line break after": "https://127.0.0.1:{{TLS}}\n", "no slashes": "https:127.0.0.1:{{TLS}}",
        "only slashes": "//127.0.0.1:{{HTTP}}", "port too large": "https://127.0.0.1:99999",
        "bad escape": "https://127.0.0.1:{{TLS}}/%zz", "dot at the end of the host": "https://localhost.:{{TLS}}"}.items():
    # What cannot be reached is tried again for a while; a limit for each request limits that, too.
    impatient = ("--request-timeout=2s",) if "dot" in label or "TLS port" in label else ()
    case(f"server {label}", config({**CLUSTER, "server": server}), *impatient)
case("server empty", config({**CLUSTER, "server": ""}), differs=NO_SERVER)
case("server missing", config(without(CLUSTER, "server")), differs=NO_SERVER)
case("server with user and password", config({**CLUSTER, "server": "https://me:SECRET-pw@127.0.0.1:{{TLS}}"}),
     differs=IN_URL)
case("server with user and password, no credentials", config({**CLUSTER, "server": "https://me:SECRET-pw@127.0.0.1:{{TLS}}"},
                                                              {}))
case("server http with credentials of all kinds", config({"server": HTTP}, {**CERTIFICATE, "token": "SECRET-t"}))
case("server http with token flag", config({"server": HTTP}), "--token=SECRET-flag")
case("server http with broken authority", config({"server": HTTP, "certificate-authority-data": "{{data:ca.key-none}}"
                                                  .replace("{{data:ca.key-none}}", "bm90IHBlbQ==")}))
case("server http with authority that is missing", config({"server": HTTP, "certificate-authority": "none.crt"}))
case("server http, insecure and authority", config({"server": HTTP, "insecure-skip-tls-verify": True,
                                                    "certificate-authority-data": "{{data:ca.crt}}"}))
case("server http with token and basic", config({"server": HTTP}, {"token": "a", "username": "b"}))
case("server http with unknown auth provider", config({"server": HTTP}, {"auth-provider": {"name": "nowhere"}}))
case("server http as somebody", config({"server": HTTP}, {"as": "jane", "as-groups": ["a", "b"]}))
case("server no credentials", config(user={}))
case("server only a user name", config(user={"username": "me"}))
case("server only a password", config(user={"password": "SECRET-pw"}))
case("server flag", config(), "--server", "https://localhost:{{TLS}}")
case("server short flag", config(), "-s", "https://localhost:{{TLS}}")
case("server flag alone", None, "--server", HTTP)
case("server flag alone without scheme", None, "--server", "localhost:{{HTTP}}")
case("server flag, TLS, alone", None, "--server", "https://localhost:{{TLS}}", "--certificate-authority={{pki:ca.crt}}")
case("server flag and token alone", None, "--server", "https://localhost:{{TLS}}", "--token=SECRET-t",
     "--certificate-authority={{pki:ca.crt}}")
case("server flag drops tls-server-name", config({**CLUSTER, "tls-server-name": "wrong.test"}),
     "--server", "https://localhost:{{TLS}}")
case("server flag keeps the prefix out", config({**CLUSTER, "server": "https://127.0.0.1:{{TLS}}/prefix"}),
     "--server", "https://localhost:{{TLS}}")
case("server from KUBERNETES_MASTER", None, env={"KUBERNETES_MASTER": HTTP})
case("server from KUBERNETES_MASTER, context without cluster", config(contexts=[{"name": "x", "context": {"user": "u"}}]),
     env={"KUBERNETES_MASTER": HTTP})
case("server from KUBERNETES_MASTER, kubeconfig has one", config(), env={"KUBERNETES_MASTER": HTTP})
case("server from KUBERNETES_MASTER, TLS without credentials", None, env={"KUBERNETES_MASTER": "https://127.0.0.1:{{TLS}}"})
case("server from KUBERNETES_MASTER, TLS with token", None, "--token=SECRET-t", "--insecure-skip-tls-verify",
     env={"KUBERNETES_MASTER": "https://127.0.0.1:{{TLS}}"})

# ---- trust

NO_CA = without(CLUSTER, "certificate-authority-data")
case("trust system authorities do not know it", config(NO_CA))
ROOTS = {"roots/a": "hello\n", "roots/b.crt": "{{text:ca.crt}}", "other/c": "{{text:other-ca.crt}}"}
for label, env in {"file": {"SSL_CERT_FILE": "roots/b.crt"}, "file missing": {"SSL_CERT_FILE": "none"},
                   "file empty": {"SSL_CERT_FILE": ""}, "file of another": {"SSL_CERT_FILE": "other/c"},
                   "folder": {"SSL_CERT_DIR": "roots"}, "folders": {"SSL_CERT_DIR": "none:other:roots"},
                   "folders without it": {"SSL_CERT_DIR": "none:other"}, "folder above": {"SSL_CERT_DIR": "."},
                   "file and folder": {"SSL_CERT_FILE": "other/c", "SSL_CERT_DIR": "roots"}}.items():
    case(f"trust environment {label}", config(NO_CA), env=env, files=ROOTS)
case("trust environment beside a wrong authority", config({**CLUSTER, "certificate-authority-data": "{{data:other-ca.crt}}"}),
     env={"SSL_CERT_FILE": "roots/b.crt", "SSL_CERT_DIR": "roots"}, files=ROOTS)
case("trust insecure", config({**NO_CA, "insecure-skip-tls-verify": True}))
case("trust insecure false", config({**CLUSTER, "insecure-skip-tls-verify": False}))
case("trust insecure with authority", config({**CLUSTER, "insecure-skip-tls-verify": True}))
case("trust insecure flag", config(NO_CA), "--insecure-skip-tls-verify")
case("trust insecure flag over authority", config(), "--insecure-skip-tls-verify=true")
case("trust insecure flag false over true", config({**NO_CA, "insecure-skip-tls-verify": True}),
     "--insecure-skip-tls-verify=false")
case("trust insecure flag and authority flag", config(), "--insecure-skip-tls-verify", "--certificate-authority={{pki:ca.crt}}")
case("trust wrong authority", config({**CLUSTER, "certificate-authority-data": "{{data:other-ca.crt}}"}))
case("trust wrong authority, insecure flag", config({**CLUSTER, "certificate-authority-data": "{{data:other-ca.crt}}"}),
     "--insecure-skip-tls-verify")
case("trust authority flag over wrong data", config({**CLUSTER, "certificate-authority-data": "{{data:other-ca.crt}}"}),
     "--certificate-authority={{pki:ca.crt}}")
case("trust authority flag over insecure", config({**NO_CA, "insecure-skip-tls-verify": True}),
     "--certificate-authority={{pki:ca.crt}}")
case("trust wrong authority flag over insecure", config({**NO_CA, "insecure-skip-tls-verify": True}),
     "--certificate-authority={{pki:other-ca.crt}}")
case("trust authority flag relative to the working folder", config(NO_CA), "--certificate-authority=ca.crt",
     files={"ca.crt": "{{text:ca.crt}}", ".kube/ca.crt": "{{text:other-ca.crt}}"})
case("trust authority flag missing", config(NO_CA), "--certificate-authority=none.crt")
FILES = {".kube/pki/ca.crt": "{{text:ca.crt}}", "elsewhere/ca.crt": "{{text:ca.crt}}"}
for label, path in {"relative": "pki/ca.crt", "relative with dot": "./pki/ca.crt", "relative upwards": "../elsewhere/ca.crt",
                    "absolute": "{{HOME}}/elsewhere/ca.crt", "missing": "pki/none.crt", "folder": "pki",
                    "with home tilde": "~/elsewhere/ca.crt"}.items():
    case(f"trust file {label}", config({**NO_CA, "certificate-authority": path}), files=FILES)
case("trust file through a link to the kubeconfig", None, env={"KUBECONFIG": "link"}, files={
    "link": Link("real/k"), "real/k": config({**NO_CA, "certificate-authority": "ca.crt"}), "ca.crt": "{{text:ca.crt}}",
    "real/ca.crt": "{{text:other-ca.crt}}"})
case("trust file and data", config({**CLUSTER, "certificate-authority": "pki/ca.crt"}), files=FILES)
case("trust file empty", config({**NO_CA, "certificate-authority": "e"}), files={".kube/e": ""})
case("trust file of text", config({**NO_CA, "certificate-authority": "e"}), files={".kube/e": "hello\n"})
case("trust file of a key", config({**NO_CA, "certificate-authority": "{{pki:server.key}}"}))
GOOD, WRONG = "{{text:ca.crt}}", "{{text:other-ca.crt}}"
BROKEN = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
for label, bundle in {"two": WRONG + GOOD, "broken first": BROKEN + GOOD, "broken last": GOOD + BROKEN,
                      "only broken": BROKEN, "with comments": "# ours\n" + GOOD + "\ntext\n" + WRONG,
                      "with a key": "{{text:server.key}}" + GOOD, "carriage returns": "{{crlf}}",
                      "trusted certificate": GOOD.replace("", ""), "cut off": "{{cut}}"}.items():
    content = bundle
    if bundle in ("{{crlf}}", "{{cut}}"):
        import recorder
        text = (recorder.PKI / "ca.crt").read_bytes()
        content = text.replace(b"\n", b"\r\n") if bundle == "{{crlf}}" else text[:-20]
    case(f"trust bundle {label}", config({**NO_CA, "certificate-authority": "b"}), files={".kube/b": content})
case("trust data of text", config({**CLUSTER, "certificate-authority-data": base64.b64encode(b"hello").decode()}))
case("trust data not base64", config({**CLUSTER, "certificate-authority-data": "***"}))
case("trust data without padding", config({**CLUSTER, "certificate-authority-data": "aGVsbG8"}))
case("trust data not base64, other cluster", config(clusters=[
    {"name": "c", "cluster": CLUSTER}, {"name": "d", "cluster": {"certificate-authority-data": "***"}}]))
case("trust data empty", config({**NO_CA, "certificate-authority-data": "", "insecure-skip-tls-verify": True}))
case("trust data folded", raw().replace("certificate-authority-data: {{data:ca.crt}}",
                                         "certificate-authority-data: >\n      {{folded}}").replace(
    "{{folded}}", "\n      ".join(__import__("recorder").data_of("ca.crt")[i:i + 64] for i in range(
        0, len(__import__("recorder").data_of("ca.crt")), 64))))
case("trust data literal", raw().replace("certificate-authority-data: {{data:ca.crt}}",
                                          "certificate-authority-data: |\n      {{folded}}").replace(
    "{{folded}}", "\n      ".join(__import__("recorder").data_of("ca.crt")[i:i + 64] for i in range(
        0, len(__import__("recorder").data_of("ca.crt")), 64))))
case("trust data with a space", config({**CLUSTER, "certificate-authority-data": " {{data:ca.crt}}"}))
case("trust server name", config({**CLUSTER, "tls-server-name": "api.internal"}))
case("trust server name wrong", config({**CLUSTER, "tls-server-name": "wrong.test"}))
case("trust server name insecure", config({**NO_CA, "tls-server-name": "wrong.test", "insecure-skip-tls-verify": True}))
case("trust server name flag", config(), "--tls-server-name", "kube.test")
case("trust server name flag over file", config({**CLUSTER, "tls-server-name": "wrong.test"}), "--tls-server-name=kube.test")
case("trust server name flag and server flag", config({**CLUSTER, "tls-server-name": "wrong.test"}),
     "--tls-server-name=kube.test", "--server=https://localhost:{{TLS}}")
case("trust server name with prefix", config({**CLUSTER, "server": "https://127.0.0.1:{{TLS}}/k8s",
                                              "tls-server-name": "api.internal"}))
case("trust server name IPv6", config({**CLUSTER, "server": "https://[::1]:{{TLS6}}", "tls-server-name": "api.internal"}))
case("trust server name is an address", config({**CLUSTER, "server": "https://localhost:{{TLS}}",
                                                "tls-server-name": "127.0.0.1"}))
case("trust server name over http", config({"server": HTTP, "tls-server-name": "api.internal"}))

# ---- client certificates

def pair(certificate, key):
    return {"client-certificate-data": "{{data:%s}}" % certificate, "client-key-data": "{{data:%s}}" % key}


for label, user in {
        "RSA": pair("client.crt", "client.key"), "RSA PKCS1": pair("client.crt", "client-pkcs1.key"),
        "EC": pair("ec.crt", "ec.key"), "EC with parameters": pair("ec-with-parameters.crt", "ec-with-parameters.key"),
        "Ed25519": pair("ed25519.crt", "ed25519.key"), "key of another": pair("client.crt", "ec.key"),
        "key of another EC": pair("ec.crt", "ec-with-parameters.key"),
        "encrypted key": pair("client.crt", "client-encrypted.key"),
        "encrypted PKCS8 key": pair("client.crt", "client-encrypted-pkcs8.key"),
        "swapped": pair("client.key", "client.crt"), "without key": without(CERTIFICATE, "client-key-data"),
        "key alone": without(CERTIFICATE, "client-certificate-data"),
        "key alone and token": {**without(CERTIFICATE, "client-certificate-data"), **USER},
        "and token": {**CERTIFICATE, **USER}, "and basic": {**CERTIFICATE, "username": "me", "password": "SECRET-pw"},
        "of text": {"client-certificate-data": "aGVsbG8=", "client-key-data": "aGVsbG8="},
        "not base64": {"client-certificate-data": "**", "client-key-data": "aGVsbG8="},
        "empty data": {"client-certificate-data": "", "client-key-data": "", **USER}}.items():
    case(f"certificate {label}", config(user=user))
PAIR_FILES = {".kube/c.crt": "{{text:client.crt}}", ".kube/c.key": "{{text:client.key}}",
              ".kube/both.pem": "{{text:client.key}}{{text:client.crt}}"}
IN_FILES = {"client-certificate": "c.crt", "client-key": "c.key"}
for label, user in {
        "files": IN_FILES, "absolute files": {"client-certificate": "{{pki:ec.crt}}", "client-key": "{{pki:ec.key}}"},
        "one file for both": {"client-certificate": "both.pem", "client-key": "both.pem"},
        "file and data of the key": {"client-certificate": "c.crt", "client-key-data": "{{data:client.key}}"},
        "data and file of the key": {"client-certificate-data": "{{data:client.crt}}", "client-key": "c.key"},
        "file and data of the certificate": {**IN_FILES, **pair("client.crt", "client.key")},
        "two keys": {**IN_FILES, "client-key-data": "{{data:client.key}}"},
        "missing file": {"client-certificate": "none.crt", "client-key": "c.key"},
        "missing key file": {"client-certificate": "c.crt", "client-key": "none.key"},
        "missing key file alone": {"client-key": "none.key", **USER},
        "files, key of another": {"client-certificate": "c.crt", "client-key": "{{pki:ec.key}}"},
        "folder": {"client-certificate": ".", "client-key": "c.key"}}.items():
    case(f"certificate {label}", config(user=user), files=PAIR_FILES)
FLAGS = ("--client-certificate={{pki:ec.crt}}", "--client-key={{pki:ec.key}}")
case("certificate flags", config(user={}), *FLAGS)
case("certificate flags beside a token", config(), *FLAGS)
case("certificate flags over files", config(user=IN_FILES), *FLAGS, files=PAIR_FILES)
case("certificate flags over data", config(user=CERTIFICATE), *FLAGS)
case("certificate key flag alone", config(user=IN_FILES), FLAGS[1], files=PAIR_FILES)
case("certificate flag without key", config(user={}), FLAGS[0])
case("certificate flags relative", config(user={}), "--client-certificate=a.crt", "--client-key=a.key",
     files={"a.crt": "{{text:ec.crt}}", "a.key": "{{text:ec.key}}"})
case("certificate flags and token flag", config(user={}), *FLAGS, "--token=SECRET-t")
case("certificate flags over http", config({"server": HTTP}), *FLAGS)
case("certificate flags, missing file over http", config({"server": HTTP}), "--client-certificate=none", "--client-key=none")

# ---- tokens and passwords

for label, token in {"line break at the end": "SECRET-t\n", "line break inside": "SECRET-a\nb", "space at the end": "SECRET-t ",
                     "space in front": " SECRET-t", "space inside": "SECRET-a b", "tab": "SECRET-a\tb",
                     "carriage return": "SECRET-t\r", "unicode": "SECRET-é", "control": "SECRET-\u0001",
                     "only a space": " ", "long": "SECRET-" + "x" * 6000}.items():
    case(f"token with {label}", config(user={"token": token}))
case("token flag", config(), "--token", "SECRET-flag")
case("token flag over basic", config(user={"username": "me", "password": "SECRET-pw"}), "--token=SECRET-flag")
case("token flag over file", config(user={"tokenFile": "t"}), "--token=SECRET-flag", files={".kube/t": "SECRET-file"})
case("token flag over missing file", config(user={"tokenFile": "t"}), "--token=SECRET-flag")
case("token flag beside a certificate", config(user=CERTIFICATE), "--token=SECRET-flag")
case("token and basic", config(user={**USER, "username": "me", "password": "SECRET-pw"}))
case("token and password alone", config(user={**USER, "password": "SECRET-pw"}))
case("token and file", config(user={**USER, "tokenFile": "t"}), files={".kube/t": "SECRET-file\n"})
case("token and empty file", config(user={**USER, "tokenFile": "t"}), files={".kube/t": "\n"})
case("token and missing file", config(user={**USER, "tokenFile": "t"}))
for label, content in {"plain": "SECRET-file", "line break": "SECRET-file\n", "spaces": "  SECRET-file \n\n", "empty": "",
                       "blank": " \n", "two lines": "SECRET-a\nSECRET-b\n", "byte order mark": "\ufeffSECRET-file"}.items():
    case(f"token file {label}", config(user={"tokenFile": "t"}), files={".kube/t": content})
case("token file missing", config(user={"tokenFile": "t"}))
case("token file absolute", config(user={"tokenFile": "{{HOME}}/t"}), files={"t": "SECRET-file"})
case("token file and basic", config(user={"tokenFile": "t", "username": "me", "password": "SECRET-pw"}),
     files={".kube/t": "SECRET-file"})
case("token file over http", config({"server": HTTP}, {"tokenFile": "missing"}))
case("basic", config(user={"username": "me", "password": "SECRET-pw"}))
case("basic without password", config(user={"username": "me"}))
case("basic with odd characters", config(user={"username": "mé:x", "password": "SECRET-ü \"'\n"}))
case("basic flags", config(user={}), "--username=me", "--password=SECRET-pw")
case("basic flags over file", config(user={"username": "you", "password": "SECRET-no"}), "--username=me", "--password=SECRET-pw")
case("basic flags beside a token", config(), "--username=me", "--password=SECRET-pw")
case("basic password flag alone", config(user={"username": "you", "password": "SECRET-no"}), "--password=SECRET-pw")
case("flag disable compression", config(), "--disable-compression")
case("flag request timeout", config(), "--request-timeout=20s")
case("flag request timeout seconds", config(), "--request-timeout=20")
case("flag request timeout nonsense", config(), "--request-timeout=soon")
case("flag request timeout nonsense over http", config({"server": HTTP}), "--request-timeout=1x")

# ---- impersonation

for label, user in {
        "user": {"as": "jane"}, "groups": {"as": "jane", "as-groups": ["b", "a", "b"]}, "uid": {"as": "jane", "as-uid": "u-1"},
        "extra": {"as": "jane", "as-user-extra": {"scopes": ["view", "edit"], "Upper": ["x"]}},
        "extra with odd keys": {"as": "jane", "as-user-extra": {"acme.com/%project ä": ["p"], "a:b": ["c"], "~!*'": ["d"]}},
        "extra without values": {"as": "jane", "as-user-extra": {"a": [], "b": None}},
        "extra with an empty value": {"as": "jane", "as-user-extra": {"a": [""]}},
        "unicode": {"as": "jané", "as-groups": ["größe"], "as-user-extra": {"k": ["日本"]}},
        "service account": {"as": "system:serviceaccount:ns:name"}, "groups without user": {"as-groups": ["a"]},
        "uid without user": {"as-uid": "1"}, "extra without user": {"as-user-extra": {"a": ["b"]}},
        "empty user": {"as": "", "as-groups": []}, "an empty group": {"as": "jane", "as-groups": ["", "b"]},
        "line break": {"as": "jane\nX-Evil: 1"}, "line break in extra": {"as": "jane", "as-user-extra": {"a": ["b\r\nc: d"]}},
        "spaces": {"as": " jane doe "}, "null group": {"as": "jane", "as-groups": ["a", None]}}.items():
    case(f"impersonate {label}", config(user={**USER, **user}))
case("impersonate flags", config(), "--as=jane", "--as-group=a", "--as-group=b", "--as-uid=7")
case("impersonate flags over file", config(user={**USER, "as": "joe", "as-groups": ["x"], "as-uid": "1",
                                                 "as-user-extra": {"k": ["v"]}}), "--as=jane", "--as-group=a")
case("impersonate flag keeps the rest", config(user={**USER, "as": "joe", "as-groups": ["x"], "as-uid": "1"}), "--as=jane")
case("impersonate group flag alone", config(), "--as-group=a")
case("impersonate group flag for the file's user", config(user={**USER, "as": "joe"}), "--as-group=a")
case("impersonate with a certificate", config(user={**CERTIFICATE, "as": "jane"}))
case("impersonate without credentials", config(user={"as": "jane"}))
case("impersonate group with comma", config(), "--as=jane", "--as-group=a,b")

# ---- proxies

ANY = {**CLUSTER, "server": "https://kube.test:{{TLS}}"}
for label, url in {"http": "http://127.0.0.1:{{PROXY}}", "http with slash": "http://127.0.0.1:{{PROXY}}/",
                   "with password": "http://me:SECRET-pw@127.0.0.1:{{PROXY}}", "socks5": "socks5://127.0.0.1:{{SOCKS}}",
                   "socks5h": "socks5h://127.0.0.1:{{SOCKS}}", "socks4": "socks4://127.0.0.1:{{SOCKS}}",
                   "ftp": "ftp://127.0.0.1:{{PROXY}}", "no scheme": "127.0.0.1:{{PROXY}}", "upper case": "HTTP://127.0.0.1:{{PROXY}}",
                   "name": "http://localhost:{{PROXY}}", "bad": "http://[::1"}.items():
    case(f"proxy {label}", config({**ANY, "proxy-url": url}))
case("proxy to the loopback", config({**CLUSTER, "proxy-url": "http://127.0.0.1:{{PROXY}}"}))
case("proxy socks5 to the loopback", config({**CLUSTER, "proxy-url": "socks5://127.0.0.1:{{SOCKS}}"}))
case("proxy to http", config({"server": "http://kube.test:{{HTTP}}", "proxy-url": "http://127.0.0.1:{{PROXY}}"}))
case("proxy with server name", config({**ANY, "proxy-url": "http://127.0.0.1:{{PROXY}}", "tls-server-name": "api.internal"}))
case("proxy despite NO_PROXY", config({**ANY, "proxy-url": "http://127.0.0.1:{{PROXY}}"}),
     env={"NO_PROXY": "*", "no_proxy": "*"})
case("proxy with server flag", config({**ANY, "proxy-url": "http://127.0.0.1:{{PROXY}}"}),
     "--server=https://localhost:{{TLS}}")
PROXY = "http://127.0.0.1:{{PROXY}}"
for label, variables in {"HTTPS_PROXY": {"HTTPS_PROXY": PROXY}, "https_proxy": {"https_proxy": PROXY},
                         "HTTPS_PROXY without scheme": {"HTTPS_PROXY": "127.0.0.1:{{PROXY}}"},
                         "HTTPS_PROXY socks5": {"HTTPS_PROXY": "socks5://127.0.0.1:{{SOCKS}}"}}.items():
    case(f"proxy environment {label}", config(ANY), env=variables)
case("proxy environment, loopback", config(), env={"HTTPS_PROXY": PROXY, "https_proxy": PROXY})
case("proxy environment, localhost", config(OTHER), env={"HTTPS_PROXY": PROXY})
case("proxy environment, http", config({"server": "http://kube.test:{{HTTP}}"}), env={"http_proxy": PROXY, "HTTP_PROXY": PROXY})
case("proxy environment HTTP_PROXY, http", config({"server": "http://kube.test:{{HTTP}}"}), env={"HTTP_PROXY": PROXY})
case("proxy file over environment", config({**ANY, "proxy-url": "socks5://127.0.0.1:{{SOCKS}}"}), env={"HTTPS_PROXY": PROXY})

# ---- what YAML says

YES = "    insecure-skip-tls-verify: %s\n"
for word in ["true", "True", "yes", "on", "y", "Y", "off", "n", "no", "FALSE", "1", "0", '"true"', "'no'", "~", "null", "", "!!bool true",
             "!!bool yes", "!!str true", "tRuE"]:
    case(f"yaml boolean {word or 'nothing'}", raw(cluster=YES % word).replace(
        "    certificate-authority-data: {{data:ca.crt}}\n", "" if word.strip("'\"!bol s").lower()[:1] in "ty1o" and word not in (
            "off",) else "    certificate-authority-data: {{data:ca.crt}}\n"))
for word in ["12345", "0x1F", "0b11", "0o17", "017", "1_000", "1e3", "1.5", ".5", "+1", "-1", "1.", "12e", "1__2", ".inf", "-.INF", ".nan",
             "yes", "No", "y", "N", "on", "null", "~", "Null", "true", "2001-01-01", "2001-01-01T00:00:00Z", "12:30:45", "0x", "1a",
             "1.2.3", "!!str 12", "!!str yes", "!!int '5'", "!custom x", "! 12", "!!binary U0VDUkVULWI=", "'12'", '"yes"', "!!float 1",
             "0777_", "_1", "1e400", "99999999999999999999999", "*none", "&a b", "@x", "`x", "%x", "|x", "a: b", "a #b", "- x",
             "[x]", "{x: y}", "?", "? x", "-", "=", "<<", "\\x", "SECRET:x", "a\tb", "'a''b'", '"\\u0041\\x42\\n"', '"\\ud83d\\ude00"',
             '"\\/"', '"\\q"', "\"a\n      b\"", "a\n      b", "|\n      SECRET-a\n", "|-\n      SECRET-a", ">-\n      SECRET-a\n      b",
             "\"unfinished"]:
    label = json.dumps(word)[1:-1]
    slash = word == '"\\/"'
    case(f"yaml token {label}", raw(user=f"    token: {word}\n"), differs=NEWER_YAML if slash else "",
         ours="yaml token /" if slash else "refuses")
case("yaml token /", raw(user="    token: /\n"))
case("yaml anchors", raw(end="x1: &t\n  token: SECRET-anchor\n").replace("  user:\n    token: SECRET-token\n", "  user: {}\n"))
case("yaml alias", "t: &t\n  token: SECRET-alias\n" + raw().replace("  user:\n    token: SECRET-token\n", "  user: *t\n"))
case("yaml merge key", "t: &t\n  token: SECRET-merged\n" + raw(user="    <<: *t\n"))
case("yaml merge key overridden", "t: &t\n  token: SECRET-merged\n" + raw(user="    <<: *t\n    token: SECRET-own\n"))
case("yaml merge key overrides nothing before", "t: &t\n  token: SECRET-merged\n" + raw(user="    token: SECRET-own\n    <<: *t\n"))
case("yaml merge list", "t: &t {token: SECRET-a}\nv: &v {token: SECRET-b}\n" + raw(user="    <<: [*t, *v]\n"))
case("yaml merge of text", raw(user="    <<: hello\n    token: SECRET-t\n"))
case("yaml quoted merge key", raw(user="    \"<<\": {token: SECRET-a}\n    token: SECRET-t\n"))
case("yaml duplicate key", raw(user="    token: SECRET-a\n    token: SECRET-b\n"))
case("yaml duplicate section", raw(end="users: []\n"))
case("yaml key case", raw(user="    Token: SECRET-a\n    username: me\n    password: SECRET-pw\n"))
case("yaml key case of a section", raw().replace("users:", "Users:"))
case("yaml numeric keys", raw(user="    token: SECRET-t\n    as: j\n    as-user-extra: {1: [a], yes: [b], 1.50: [c], 0x10: [d]}\n"))
case("yaml null key", raw(user="    token: SECRET-t\n    as-user-extra: {~: [a]}\n"))
case("yaml complex key", raw(user="    token: SECRET-t\n    ? [a]\n    : b\n"))
case("yaml unknown fields", raw(top="future: {a: [1, 2]}\n", user="    token: SECRET-t\n    new-field: 7\n", cluster="    x: y\n"))
case("yaml unknown field with broken inside", raw(top="future: [1\n"))
case("yaml two documents", raw() + "---\n" + raw(user="    token: SECRET-second\n"))
case("yaml second document broken", raw() + "---\n[\n")
case("yaml first document empty", "---\n---\n" + raw(), differs=NO_SERVER)
case("yaml document end", "---\n" + raw() + "...\n")
case("yaml text after document end", raw() + "...\nhello\n")
case("yaml comments", "# first\n" + raw().replace("\nusers:", "  # c\n\n\n# more\nusers:   # here") + "# last")
case("yaml byte order mark", "\ufeff" + raw())
case("yaml carriage returns", raw().replace("\n", "\r\n"))
case("yaml old carriage returns", raw().replace("\n", "\r"))
case("yaml no line break at the end", raw().rstrip("\n"))
case("yaml tab as indentation", raw(user="\ttoken: SECRET-t\n"))
case("yaml tab after colon", raw(user="    token:\tSECRET-t\n"))
case("yaml tab in an empty line", raw(user="    token: SECRET-t\n\t\n"))
case("yaml tabs after values", raw(user="    token: SECRET-t\t\n"))
case("yaml flow style", "{apiVersion: v1, kind: Config, current-context: x, contexts: [{name: x, context: {cluster: c, user: u}}], "
     "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:{{TLS}}', certificate-authority-data: {{data:ca.crt}}}}], "
     "users: [{name: u, user: {token: SECRET-t,},},],}")
case("yaml indentation of lists", raw().replace("\n- name", "\n    - name").replace("\n  context:", "\n      context:").replace(
    "\n    cluster: c\n    user: u", "\n          cluster: c\n          user: u").replace("\n  cluster:", "\n      cluster:").replace(
        "\n    server", "\n          server").replace("\n    certificate", "\n          certificate").replace(
            "\n  user:", "\n      user:").replace("\n    token", "\n          token"))
case("yaml wrong indentation", raw(user="     token: SECRET-t\n    username: me\n"))
case("yaml UTF-16", raw().encode("ascii").decode() and None, files={})
CASES.pop()
case("yaml not UTF-8", None, files={".kube/config": b"x: \"\xff\xfe\"\n"})
case("yaml control character", raw(top="x: \"a\u0001\"\n"))
case("yaml escaped control character", raw(top='x: "a\\u0001"\n'))
case("yaml zero byte", raw(top="x: \"a\u0000\"\n"))
case("yaml directive", "%YAML 1.1\n---\n" + raw())
case("yaml directive 1.2", "%YAML 1.2\n---\n" + raw(), differs=NEWER_YAML, ours="yaml directive")
case("yaml unknown alias", raw(top="x: *y\n"))
case("yaml top is text", "hello\n")
case("yaml top is a number", "7\n")
case("yaml top is a list", "- a\n")
case("yaml top is null", "~\n", differs=NO_SERVER)
case("yaml top is true", "true\n")
for label, line in {"kind other": "kind: Pod", "kind empty": 'kind: ""', "kind number": "kind: 7", "kind null": "kind:",
                    "version v2": "apiVersion: v2", "version with group": "apiVersion: example.com/v1", "version empty": 'apiVersion: ""',
                    "version number": "apiVersion: 1", "version null": "apiVersion: ~", "version with slashes": "apiVersion: a/b/c"}.items():
    field = line.split(":")[0]
    case(f"yaml {label}", raw().replace(f"{field}: {'v1' if field == 'apiVersion' else 'Config'}", line))
case("yaml without kind and version", raw().replace("apiVersion: v1\nkind: Config\n", ""))
case("yaml upper case Kind", raw(top="Kind: Pod\n"))
WRONG_TYPES = {
    "clusters a mapping": dict(clusters={"c": CLUSTER}), "clusters text": dict(clusters="c"), "users a list of text": dict(users=["u"]),
    "contexts number": dict(contexts=7), "current-context number": {"current-context": 7},
    "preferences a list": dict(preferences=[]), "preferences colors text": dict(preferences={"colors": "yes"}),
    "extensions a mapping": dict(extensions={}), "name number": dict(users=[{"name": 7, "user": USER}]),
    "user text": dict(users=[{"name": "u", "user": "me"}]), "user a list": dict(users=[{"name": "u", "user": []}]),
    "null entry": dict(users=[None, {"name": "u", "user": USER}])}
for label, more in WRONG_TYPES.items():
    case(f"type {label}", config(**more))
for label, user in {"token number": {"token": 7}, "token boolean": {"token": True}, "token list": {"token": ["a"]},
                    "token null": {"token": None, "username": "me", "password": "SECRET-pw"}, "as-groups text": {**USER, "as": "j", "as-groups": "a"},
                    "as-groups numbers": {**USER, "as": "j", "as-groups": [1]}, "extra a list": {**USER, "as": "j", "as-user-extra": ["a"]},
                    "extra of text": {**USER, "as": "j", "as-user-extra": {"a": "b"}}, "exec text": {**USER, "exec": "cmd"},
                    "exec null": {**USER, "exec": None}, "auth-provider null": {**USER, "auth-provider": None},
                    "auth-provider config numbers": {**USER, "auth-provider": {"name": "oidc", "config": {"a": 1}}},
                    "extensions": {**USER, "extensions": [{"name": "a", "extension": "b"}]}}.items():
    case(f"type {label}", config(user=user))
case("type insecure text", config({**NO_CA, "insecure-skip-tls-verify": "true"}))
case("type disable-compression", config({**CLUSTER, "disable-compression": True}))
case("type disable-compression number", config({**CLUSTER, "disable-compression": 1}))
case("type wrong in another user", config(users=[{"name": "u", "user": USER}, {"name": "v", "user": {"token": 7}}]))

# ---- JSON

AS_JSON = {"apiVersion": "v1", "kind": "Config", "current-context": "x",
           "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
           "clusters": [{"name": "c", "cluster": CLUSTER}], "users": [{"name": "u", "user": USER}]}
case("json one line", json.dumps(AS_JSON))
case("json indented", json.dumps(AS_JSON, indent=2) + "\n")
case("json with tabs", json.dumps(AS_JSON, indent="\t"))
case("json carriage returns", json.dumps(AS_JSON, indent=2).replace("\n", "\r\n"))
case("json trailing comma", json.dumps(AS_JSON)[:-1] + ",}")
case("json cut off", json.dumps(AS_JSON)[:-5])
case("json followed by text", json.dumps(AS_JSON) + " x")
case("json followed by another", json.dumps(AS_JSON) + json.dumps(AS_JSON))
case("json escapes", json.dumps({**AS_JSON, "users": [{"name": "u", "user": {"username": "jané", "password": "SECRET-\t\\"}}]}))
case("json surrogate pair", json.dumps({**AS_JSON, "users": [{"name": "u", "user": {"username": "😀", "password": "SECRET-p"}}]}))
case("json escaped slash", json.dumps(AS_JSON).replace("/", "\\/"), differs=NEWER_YAML, ours="json one line")
case("json duplicate key", json.dumps(AS_JSON)[:-1] + ', "users": [{"name": "u", "user": {"token": "SECRET-second"}}]}')
case("json colon without space", json.dumps(AS_JSON, separators=(",", ":")))
case("json comment", json.dumps(AS_JSON, indent=1).replace("{\n", "{ # hello\n", 1))

# ---- credential plugins

# Tells what it was told, and answers what the case wants.
PLUGIN = """#!/usr/bin/python3
import json, os, sys
info = os.environ.get("KUBERNETES_EXEC_INFO")
told = {"info": json.loads(info) if info else None, "args": sys.argv[1:], "stdin": sys.stdin.read(),
        "cwd": os.getcwd(), "name": os.path.basename(sys.argv[0]),
        "env": {name: value for name, value in os.environ.items() if name.startswith("WITH_") or name == "HOME"}}
if not os.path.exists(os.environ["HOME"] + "/told.json"):
    with open(os.environ["HOME"] + "/told.json", "w") as out:
        json.dump(told, out)
print(open(os.path.dirname(os.path.realpath(sys.argv[0])) + "/answer").read(), end="")
sys.exit(int(os.environ.get("WITH_CODE", "0")))
"""
V1 = "client.authentication.k8s.io/v1"
V1BETA1 = "client.authentication.k8s.io/v1beta1"


def answer(status=None, **more):
    return json.dumps({"apiVersion": V1, "kind": "ExecCredential",
                       "status": {"token": "SECRET-exec"} if status is None else status, **more})


def exec_user(**more):
    user = {"apiVersion": V1, "command": "../bin/plugin", "interactiveMode": "Never"}
    return {"exec": {key: value for key, value in {**user, **more}.items() if value is not None}}


def plugin(name, reply=None, spec=None, user=None, cluster=None, args=(), files=None, **rest):
    case(f"exec {name}", config(cluster, {**exec_user(**(spec or {})), **(user or {})}), *args, files={
        "bin/plugin": PLUGIN, "bin/answer": answer() if reply is None else reply, **(files or {})}, **rest)


plugin("token")
plugin("v1beta1", answer().replace("/v1", "/v1beta1"), {"apiVersion": V1BETA1})
plugin("v1beta1 without interactiveMode", answer().replace("/v1", "/v1beta1"), {"apiVersion": V1BETA1, "interactiveMode": None})
plugin("v1 without interactiveMode", None, {"interactiveMode": None})
plugin("v1alpha1", answer().replace("/v1", "/v1alpha1"), {"apiVersion": "client.authentication.k8s.io/v1alpha1"})
plugin("no apiVersion", None, {"apiVersion": None})
plugin("answer in another version", answer().replace("/v1", "/v1beta1"))
for mode in ["IfAvailable", "Always", "Sometimes", "never", ""]:
    plugin(f"interactiveMode {mode or 'empty'}", None, {"interactiveMode": mode})
plugin("args and env", None, {"args": ["a", "--b=c d", "", "é", "$HOME", "*"], "env": [
    {"name": "WITH_A", "value": "1"}, {"name": "WITH_B", "value": "a=b c"}, {"name": "WITH_A", "value": "2"},
    {"name": "WITH_EMPTY", "value": ""}]})
plugin("env over ours", None, {"env": [{"name": "WITH_OURS", "value": "theirs"}]}, env={"WITH_OURS": "ours", "WITH_MORE": "x"})
plugin("env cannot replace the info", None, {"env": [{"name": "KUBERNETES_EXEC_INFO", "value": "{}"}]})
plugin("env without name", None, {"env": [{"name": "", "value": "x"}]})
plugin("env name with equals", None, {"env": [{"name": "WITH_A=B", "value": "x"}]})
plugin("env null", None, {"env": None, "args": None})
plugin("env null entry", None, {"env": [None]})
plugin("args null entry", None, {"args": ["a", None, "b"]})
plugin("args number", None, {"args": [1]})
plugin("args with zero byte", None, {"args": ["a\0b"]})
plugin("command empty", None, {"command": ""})
plugin("command missing", None, {"command": None})
plugin("command not found", None, {"command": "no-such-plugin", "installHint": "get it\x1b[31m there"})
plugin("command path not found", None, {"command": "../bin/none"})
plugin("command is a folder", None, {"command": "../bin"})
plugin("command not executable", None, {"command": "../plain"}, files={"plain": PLUGIN})
plugin("command without interpreter line", None, {"command": "../bin/bare"}, files={"bin/bare": "echo hello\n"})
plugin("command in PATH", None, {"command": "plugin"}, env={"PATH": "{{HOME}}/bin:/usr/bin:/bin"})
plugin("command in the plugin's PATH only", None, {"command": "plugin", "env": [{"name": "PATH", "value": "{{HOME}}/bin"}]})
plugin("command beside us, PATH has a dot", None, {"command": "plugin"}, env={"PATH": ".:/usr/bin:/bin"},
       files={"plugin": Link("bin/plugin")})
plugin("command beside us, PATH has an empty part", None, {"command": "plugin"}, env={"PATH": ":/usr/bin:/bin"},
       files={"plugin": Link("bin/plugin")})
plugin("command absolute", None, {"command": "{{HOME}}/bin/plugin"})
plugin("command with spaces", None, {"command": "../bin/my plugin"}, files={"bin/my plugin": PLUGIN})
plugin("command is a link", None, {"command": "../link"}, files={"link": Link("bin/plugin")})
plugin("command relative to its own file", files={"k/config": config(user=exec_user(command="./get")), "k/get": Link("../bin/plugin")},
       env={"KUBECONFIG": "k/config"})
plugin("cluster info", None, {"provideClusterInfo": True})
plugin("cluster info with everything", None, {"provideClusterInfo": True}, cluster={
    **CLUSTER, "server": "https://127.0.0.1:{{TLS}}/pre/", "tls-server-name": "api.internal", "disable-compression": True,
    "proxy-url": "http://127.0.0.1:{{PROXY}}", "extensions": [
        {"name": "other", "extension": {"no": 1}},
        {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "x", "n": 1, "f": 1.5, "l": [True, None], "e": {}}}]})
plugin("cluster info with text as extension", None, {"provideClusterInfo": True}, cluster={
    **CLUSTER, "extensions": [{"name": "client.authentication.k8s.io/exec", "extension": "word"}]})
plugin("cluster info insecure", None, {"provideClusterInfo": True}, cluster={**NO_CA, "insecure-skip-tls-verify": True})
plugin("cluster info with authority file", None, {"provideClusterInfo": True}, cluster={
    **NO_CA, "certificate-authority": "{{pki:ca.crt}}"})
plugin("cluster info with bundle", None, {"provideClusterInfo": True}, cluster={**NO_CA, "certificate-authority": "b"},
       files={".kube/b": "# note\n" + GOOD + BROKEN})
plugin("cluster info with server flag", None, {"provideClusterInfo": True}, args=("--server=HTTPS://localhost:{{TLS}}/",))
plugin("certificate", "{{answer}}")
CASES.pop()


def certificate_answer(certificate, key, **more):
    import recorder
    return answer({"clientCertificateData": (recorder.PKI / certificate).read_text(),
                   "clientKeyData": (recorder.PKI / key).read_text(), **more})


plugin("certificate", certificate_answer("client.crt", "client.key"))
plugin("certificate and token", certificate_answer("ec.crt", "ec.key", token="SECRET-exec"))
plugin("certificate with key of another", certificate_answer("client.crt", "ec.key"))
plugin("certificate with encrypted key", certificate_answer("client.crt", "client-encrypted.key"))
plugin("certificate without key", answer({"clientCertificateData": "x"}))
plugin("certificate of text", answer({"clientCertificateData": "x", "clientKeyData": "y"}))
for label, reply in {
        "yaml": f"apiVersion: {V1}\nkind: ExecCredential\nstatus:\n  token: SECRET-yaml\n", "nothing": "", "text": "hello\n",
        "json with text behind": answer() + "\nhello", "text before json": "hello\n" + answer(), "no status": json.dumps(
            {"apiVersion": V1, "kind": "ExecCredential"}), "null status": answer().replace('{"token": "SECRET-exec"}', "null"),
        "empty status": answer({}), "empty token": answer({"token": ""}), "token number": answer({"token": 7}),
        "token with line break": answer({"token": "SECRET-a\n"}), "no kind": json.dumps({"apiVersion": V1, "status": {"token": "SECRET-e"}}),
        "other kind": answer().replace("ExecCredential", "Pod"), "no apiVersion": json.dumps(
            {"kind": "ExecCredential", "status": {"token": "SECRET-e"}}), "unknown fields": answer(
                {"token": "SECRET-exec", "more": {"a": 1}}, spec={"interactive": True}, extra=[1]),
        "key case": answer({"Token": "SECRET-exec"}), "duplicate key": answer().replace('"token"', '"token": "SECRET-a", "token"'),
        "list": "[]", "null": "null", "wrong type of spec": answer(spec="x"), "wrong type of unused": answer(metadata=7),
        "expires later": answer({"token": "SECRET-exec", "expirationTimestamp": "2100-01-01T00:00:00Z"}),
        "expired": answer({"token": "SECRET-exec", "expirationTimestamp": "2000-01-01T00:00:00Z"}),
        "expires with offset": answer({"token": "SECRET-exec", "expirationTimestamp": "2100-01-01T00:00:00.5+02:00"}),
        "expires never": answer({"token": "SECRET-exec", "expirationTimestamp": "9999-12-31T23:59:59Z"}),
        "expires at Go's zero": answer({"token": "SECRET-exec", "expirationTimestamp": "0001-01-01T00:00:00Z"}),
        "expires null": answer({"token": "SECRET-exec", "expirationTimestamp": None}),
        "expires empty": answer({"token": "SECRET-exec", "expirationTimestamp": ""}),
        "expires nonsense": answer({"token": "SECRET-exec", "expirationTimestamp": "soon"}),
        "expires number": answer({"token": "SECRET-exec", "expirationTimestamp": 4102444800}),
        "byte order mark": "\ufeff" + answer()}.items():
    plugin(f"answer {label}", reply)
plugin("exit code", None, {"env": [{"name": "WITH_CODE", "value": "1"}]})
plugin("beside a token", user=USER)
plugin("beside a token, broken", None, {"command": ""}, user=USER)
plugin("beside a token, unknown version", None, {"apiVersion": "client.authentication.k8s.io/v7"}, user=USER)
plugin("beside basic", user={"username": "me", "password": "SECRET-pw"})
plugin("beside a certificate", user=CERTIFICATE)
plugin("beside a token file", user={"tokenFile": "t"}, files={".kube/t": "SECRET-file"})
plugin("and token flag", args=("--token=SECRET-flag",))
plugin("and certificate flags", args=FLAGS)
plugin("and impersonation", user={"as": "jane"})
plugin("over http", cluster={"server": HTTP})
plugin("broken over http", None, {"command": ""}, cluster={"server": HTTP})
plugin("unknown version over http", None, {"apiVersion": "v7"}, cluster={"server": HTTP})
plugin("with auth-provider", user={"auth-provider": {"name": "oidc", "config": {}}})

# ---- auth providers

def token_with(**claims):
    part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
    return f'{part({"alg": "none"})}.{part(claims)}.SECRET'


LATER = token_with(exp=4102444800, sub="a")
PAST = token_with(exp=1000000000, sub="b")
NEW = token_with(exp=4102444800, sub="new")


def oidc(name, settings, issuer=None, user=None, cluster=None, args=(), **rest):
    provider = {"name": "oidc", "config": {"idp-issuer-url": "https://127.0.0.1:{{ISSUER}}", "client-id": "me",
                                           "idp-certificate-authority-data": "{{data:ca.crt}}", **settings}}
    provider["config"] = {key: value for key, value in provider["config"].items() if value is not None}
    files = rest.pop("files", {})
    case(f"oidc {name}", config(cluster, {"auth-provider": provider, **(user or {})}), *args, issuer=issuer or {},
         kept=(".kube/config",), files=files, **rest)


GRANTED = {"token": {"id_token": NEW, "access_token": "SECRET-access", "token_type": "bearer", "expires_in": 3600}}
REFRESH = {"id-token": PAST, "refresh-token": "SECRET-refresh"}
oidc("valid token", {"id-token": LATER})
oidc("valid token, expiry a fraction", {"id-token": token_with(exp=4102444800.5)})
oidc("valid token without expiry", {"id-token": token_with(sub="a")})
oidc("expired, nothing to refresh with", {"id-token": PAST})
oidc("no tokens", {})
oidc("token that is none", {"id-token": "SECRET-x"})
oidc("token of two parts", {"id-token": "a.b", "refresh-token": "SECRET-r"})
oidc("token not base64", {"id-token": "a.***.b", "refresh-token": "SECRET-r"})
oidc("token with padding", {"id-token": "a." + base64.b64encode(b'{"exp":4102444800}').decode() + ".b"})
oidc("token not json", {"id-token": "a.aGVsbG8.b", "refresh-token": "SECRET-r"})
oidc("token expiry text", {"id-token": token_with(exp="4102444800")})
oidc("refreshed", REFRESH, GRANTED)
oidc("refreshed with secret", {**REFRESH, "client-secret": "SECRET-client/ä"}, GRANTED)
oidc("refreshed, id-token absent", {"refresh-token": "SECRET-refresh"}, GRANTED)
oidc("refreshed, id-token empty", {"id-token": "", "refresh-token": "SECRET-refresh"}, GRANTED)
oidc("refreshed, new refresh token", REFRESH, {"token": {**GRANTED["token"], "refresh_token": "SECRET-next"}})
oidc("refreshed, secret in the form", {**REFRESH, "client-secret": "SECRET-client"}, {**GRANTED, "basic_refused": True})
oidc("refreshed, issuer with slash", {**REFRESH, "idp-issuer-url": "https://127.0.0.1:{{ISSUER}}/"}, GRANTED)
oidc("refreshed, issuer with path", {**REFRESH, "idp-issuer-url": "https://127.0.0.1:{{ISSUER}}/realms/x"}, GRANTED)
oidc("refreshed, authority file", {**REFRESH, "idp-certificate-authority-data": None,
                                   "idp-certificate-authority": "{{pki:ca.crt}}"}, GRANTED)
oidc("refreshed, authority file relative", {**REFRESH, "idp-certificate-authority-data": None,
                                            "idp-certificate-authority": "ca.crt"}, GRANTED, files={"ca.crt": GOOD})
oidc("refreshed, extra fields kept", {**REFRESH, "extra-scopes": "a,b", "custom": "x"}, GRANTED)
oidc("refreshed through --user", REFRESH, GRANTED, args=("--user", "u"))
oidc("refreshed with impersonation", REFRESH, GRANTED, user={"as": "jane"})
oidc("answer without id_token", REFRESH, {"token": {"access_token": "SECRET-a"}})
oidc("answer without access_token", REFRESH, {"token": {"id_token": NEW}})
oidc("answer refused", REFRESH, {"token_code": 400, "token": {"error": "invalid_grant"}})
oidc("discovery fails", REFRESH, {"discovery_code": 500})
oidc("discovery without endpoint", REFRESH, {"discovery": {}})
oidc("discovery not json", REFRESH, {"discovery": "x"})
oidc("wrong authority", {**REFRESH, "idp-certificate-authority-data": "{{data:other-ca.crt}}"}, GRANTED)
oidc("authority not base64", {"id-token": LATER, "idp-certificate-authority-data": "**"})
oidc("no issuer", {"id-token": LATER, "idp-issuer-url": None})
oidc("no client", {"id-token": LATER, "client-id": None})
oidc("and token flag", {"id-token": LATER}, args=("--token=SECRET-flag",))
oidc("and token", {"id-token": LATER}, user=USER)
oidc("and token, no issuer", {"idp-issuer-url": None}, user=USER)
oidc("and certificate", {"id-token": LATER}, user=CERTIFICATE)
oidc("and basic", {"id-token": LATER}, user={"username": "me", "password": "SECRET-pw"})
oidc("over http", {"id-token": LATER}, cluster={"server": HTTP})
for name in ["gcp", "azure", "openstack", ""]:
    case(f"auth provider {name or 'without name'}", config(user={"auth-provider": {"name": name, "config": {"access-token": "SECRET-a"}}}))
    case(f"auth provider {name or 'without name'} beside a token", config(
        user={**USER, "auth-provider": {"name": name, "config": {}}}))

# ---- in a pod

ACCOUNT = {"sa/token": "SECRET-pod", "sa/ca.crt": GOOD, "sa/namespace": "podns"}
POD = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "{{TLS}}"}
FLAGS_IN_POD = ("kubectl compares its whole configuration with the default one and with this flag no longer thinks of the pod: it "
                "dials localhost:8080. The flag is meant for the pod's cluster")


def pod(name, config_text=None, *args, files=None, env=None, **rest):
    case(f"pod {name}", config_text, *args, files={**ACCOUNT, **(files or {})}, env={**POD, **(env or {})}, pod="sa", **rest)


pod("service account")
pod("IPv6", env={"KUBERNETES_SERVICE_HOST": "::1", "KUBERNETES_SERVICE_PORT": "{{TLS6}}"})
pod("kubeconfig wins", config(OTHER))
pod("empty kubeconfig", "")
pod("kubeconfig without current-context", config(**{"current-context": ""}))
pod("kubeconfig with unknown context", config(**{"current-context": "z"}))
pod("kubeconfig broken", "[")
pod("server flag wins", None, "--server", HTTP)
pod("token flag", None, "--token=SECRET-flag")
pod("authority flag", None, "--certificate-authority={{pki:other-ca.crt}}")
pod("insecure flag", None, "--insecure-skip-tls-verify")
pod("insecure flag, wrong authority", None, "--insecure-skip-tls-verify", files={"sa/ca.crt": WRONG})
pod("client certificate flags", None, *FLAGS)
pod("namespace flag", None, "-n", "other")
pod("impersonation flags", None, "--as=jane", differs=FLAGS_IN_POD, ours="pod impersonation, as we do it")
CASES.append(Case("pod impersonation, as we do it", {".kube/config": config(user={"token": "SECRET-pod", "as": "jane"})}))
pod("request timeout flag", None, "--request-timeout=20s", differs=FLAGS_IN_POD, ours="pod service account")
pod("compression flag", None, "--disable-compression", differs=FLAGS_IN_POD, ours="pod service account")
pod("unknown context flag", None, "--context=z")
pod("unknown cluster flag", None, "--cluster=z")
pod("no port", env={"KUBERNETES_SERVICE_PORT": ""}, differs=NO_SERVER)
pod("no host", env={"KUBERNETES_SERVICE_HOST": ""}, differs=NO_SERVER)
pod("no token", files={"sa/token": Link("none")}, differs=NO_SERVER)
pod("empty token", files={"sa/token": ""})
pod("token with line break", files={"sa/token": "SECRET-pod\n"})
pod("wrong authority", files={"sa/ca.crt": WRONG})
pod("broken authority", files={"sa/ca.crt": "hello"})
pod("no authority", files={"sa/ca.crt": Link("none")})
pod("linked token as the kubelet does", files={"sa/token": Link("..data/token"), "sa/..data": Link("..2026"), "sa/..2026/token": "SECRET-linked"})
pod("KUBERNETES_MASTER", env={"KUBERNETES_MASTER": HTTP})
pod("missing file in KUBECONFIG", env={"KUBECONFIG": "none"})
pod("proxy environment", env={"HTTPS_PROXY": PROXY})
